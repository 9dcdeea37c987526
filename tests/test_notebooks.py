"""Notebooks through the real command, and notebooks in every style that programs write."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanlint.formats import FORMATS
from nanlint.notebooks.magics import as_python
from nanlint.notebooks.notebook import decode_notebook
from nanlint.source import SkippedError, SourceError, Span

BAD = "y = torch.log(torch.softmax(z, -1))"
GOOD = "y = torch.log_softmax(z, -1)"
START = "import torch\nz = torch.randn(3)\n"


def code(*sources, **more):
    return [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": one, **more}
        for one in sources
    ]


def notebook(*cells, **metadata):
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def lines(text):
    return text.splitlines(keepends=True)


@pytest.fixture
def nb(write):
    def nb(*cells, name="a.ipynb", **metadata):
        return write(json.dumps(notebook(*cells, **metadata), indent=1) + "\n", name)

    return nb


PROSE = {"cell_type": "markdown", "metadata": {}, "source": ["# torch.log(0)"]}


def test_one_program_over_all_cells(run, nb):
    nb(PROSE, *code(lines(START + "p = torch.softmax(z, -1)"), ["\n", "y = torch.log(p)"]))
    assert run("check", "--output-format", "concise")[:2] == (
        1,
        (
            "a.ipynb:cell 3:2:15: NAN102 [*] log of `p`, a softmax that underflows to 0\n"
            "Found 1 error in 1 file (1 fixable with --fix).\n"
        ),
    )
    _, shown, _ = run("check")
    assert " --> a.ipynb:cell 2:3:5\n  |\n3 | p = torch.softmax(z, -1)\n" in shown
    assert "\n2 - y = torch.log(p)\n2 + y = torch.log_softmax(z, -1)\n" in shown
    assert run("show", "ranges", "a.ipynb")[1].splitlines()[-1] == "a.ipynb:cell 3:2:1: y: [-inf, 0]"


def test_cell_in_every_format(run, nb):
    path = nb(PROSE, *code(lines(START), [BAD]))
    row = next(at for at, line in enumerate(path.read_text().splitlines(), 1) if BAD in line)
    column = path.read_text().splitlines()[row - 1].index("torch.softmax") + 1
    for form in FORMATS:
        _, shown, _ = run("check", "--output-format", form)
        assert "cell" in shown, form
        if form in {"github", "azure", "pylint", "junit", "gitlab", "rdjson", "sarif"}:
            assert str(row) in re.findall(r"\d+", shown), form
    (entry,) = json.loads(run("check", "--output-format", "json")[1])
    assert (entry["cell"], entry["location"], entry["noqa_row"]) == (3, {"row": 1, "column": 15}, 1)
    assert {edit["cell"] for edit in entry["fix"]["edits"]} == {3}
    github = run("check", "--output-format", "github")[1]
    assert f"line={row},col={column}," in github
    assert "a.ipynb:cell 3:1:15" in github


@pytest.mark.parametrize("form", ["sarif", "rdjson"])
@pytest.mark.parametrize("indent", [None, 1])
def test_repairs_in_formats_are_repairs_of_the_file(run, write, form, indent):
    cells = code(lines(START), lines(f"# \\ \N{SNOWMAN}\n{BAD}\n%time y"))
    path = write(json.dumps(notebook(*cells), indent=indent))
    path.rename(path.with_name("b.ipynb"))
    text = json.dumps(notebook(*cells), indent=indent)
    report = json.loads(run("check", "--output-format", form)[1])
    if form == "sarif":
        (change,) = report["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"]
        region, new = change["deletedRegion"], change["insertedContent"]["text"]
        start, end = (region["startLine"], region["startColumn"]), (region["endLine"], region["endColumn"])
    else:
        (change,) = report["diagnostics"][0]["suggestions"]
        start, end = ((change["range"][side]["line"], change["range"][side]["column"]) for side in ("start", "end"))
        new = change["text"]
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    a, b = (starts[line - 1] + column - 1 for line, column in (start, end))
    assert json.loads(text[:a] + new + text[b:]) == json.loads(text.replace(BAD, GOOD))


def test_suppressions(run, nb):
    nb(*code(lines(START), [BAD + "  # nanlint: ignore[NAN102] a test"], [BAD + "  # noqa: NAN102"]))
    assert run("check")[:2] == (0, "All checks passed (1 file).\n")
    nb(*code(lines(START), ["x = 1  # nanlint: ignore[NAN102]"], ["# nanlint: ignore-file\n", BAD]))
    assert run("check")[0] == 1  # the first of the two silences nothing


def test_add_ignore_and_baseline(run, nb):
    path = nb(*code(lines(START), [BAD]))
    assert run("check", "--write-baseline", "--baseline", "base.json")[0] == 0
    assert run("check", "--baseline", "base.json")[0] == 0
    assert run("check", "--add-ignore=IPython, as it was")[0] == 0
    assert json.loads(path.read_text())["cells"][1]["source"] == [
        f"{BAD}  # nanlint: ignore[NAN102] IPython, as it was"
    ]
    assert run("check", "--fix")[:2] == (0, "All checks passed (1 file).\n")


def test_fix_removes_a_line(run, nb):
    for source in (["# nanlint: ignore[NAN101]\n", "x = 1"], ["x = 1\n", "# nanlint: ignore[NAN101]"]):
        path = nb(*code(lines(START), source))
        assert run("check", "--fix")[0] == 0
        assert "".join(json.loads(path.read_text())["cells"][1]["source"]).strip() == "x = 1"
    path = nb(*code(lines(START), ["# nanlint: ignore[NAN101]"]))
    assert run("check", "--fix")[0] == 0
    assert json.loads(path.read_text())["cells"][1]["source"] == []


def test_fix_with_what_is_left(run, nb):
    """Places in the file are those of the file that was written."""
    path = nb(*code(lines(START), [BAD + "\n", "def g(z):\n", "    return torch.log(torch.relu(z))"]))
    _, shown, _ = run("check", "--fix", "--output-format", "github")
    row = next(at for at, line in enumerate(path.read_text().splitlines(), 1) if "relu" in line)
    column = path.read_text().splitlines()[row - 1].index("torch.relu") + 1
    assert f"line={row},col={column}," in shown


def test_diff_is_one_of_the_file(run, nb, tmp_path):
    nb(*code(lines(START), [BAD]))
    code_, shown, _ = run("check", "--diff")
    assert code_ == 1
    assert f'-    "{BAD}"' in shown.splitlines()
    assert f'+    "{GOOD}"' in shown.splitlines()


def test_standard_input(run, nb):
    text = nb(*code(lines(START), [BAD])).read_text()
    fixed = run("check", "-", "--stdin-filename", "x.ipynb", "--fix", stdin=text)
    assert fixed[1] == text.replace(BAD, GOOD)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "a.ipynb:1:2: NAN003 not a notebook: not valid JSON: expecting property name enclosed in double quotes"),
        ("", "a.ipynb:1:1: NAN003 not a notebook: not valid JSON: expecting value"),
        ("[]", "a.ipynb:1:1: NAN003 not a notebook: there is no list of `cells` in it"),
        ('{"cells": 1}', "a.ipynb:1:1: NAN003 not a notebook: there is no list of `cells` in it"),
        (
            '{"worksheets": []}',
            "a.ipynb:1:1: NAN003 not a notebook: there is no list of `cells` in it; it is older than version 4",
        ),
        ('{"cells": [3]}', "a.ipynb:1:1: NAN003 not a notebook: cell 1: it is no object"),
        ('{"cells": [{}]}', "a.ipynb:1:1: NAN003 not a notebook: cell 1: `cell_type` must be text"),
        (
            '{"cells": [{"cell_type": "code", "source": [1]}]}',
            "a.ipynb:1:1: NAN003 not a notebook: cell 1: `source` must be text or a list of texts",
        ),
        ("[" * 100_000, "a.ipynb:1:1: NAN003 not a notebook: nested too deeply"),
    ],
)
def test_broken(run, write, text, expected):
    write(text, "a.ipynb")
    assert run("check", "--output-format", "concise") == (1, f"{expected}\nFound 1 error in 1 file.\n", "")


def test_broken_bytes(run, tmp_path):
    (tmp_path / "a.ipynb").write_bytes(b'{"cells": \xff}')
    assert run("check", "--output-format", "concise")[1].startswith("a.ipynb:1:1: NAN003 not a notebook: not valid")


def test_syntax_error_in_a_cell(run, nb):
    nb(PROSE, *code(lines(START), ["x = 1\n", "y = torch.log(\n"], [BAD]))
    assert run("check", "--output-format", "concise")[1].startswith("a.ipynb:cell 3:2:14: NAN003 '(' was never closed")


@pytest.mark.parametrize("metadata", [{"kernelspec": {"language": "R"}}, {"language_info": {"name": "julia"}}])
def test_other_languages(run, nb, metadata):
    nb(*code(["library(torch)"]), **metadata)
    exit_code, _, errors = run("check")
    assert exit_code == 0
    assert re.fullmatch(r"nanlint: a\.ipynb: not linted: the notebook is in (r|julia)\n", errors)


def test_no_cells_and_odd_cells(run, write):
    for text in ('{"cells": []}', '{"cells": [{"cell_type": "code", "source": []}]}', '{"cells": [], "metadata": 3}'):
        write(text, "a.ipynb")
        assert run("check")[:2] == (0, "All checks passed (1 file).\n")


MAGICS = {
    "%matplotlib inline\n": "pass  # T: %matplotlib inline\n",
    "!ls": "pass  # T: !ls",
    "if x:\n    !ls\n": "if x:\n    pass  # T: !ls\n",
    "files = !ls\n": "files = get_ipython()  # T: !ls\n",
    "t = %timeit -o f()\n": "t = get_ipython()  # T: %timeit -o f()\n",
    "torch.log?\n": "pass  # T: torch.log?\n",
    "?torch\n": "pass  # T: ?torch\n",
    "pip install torch\n": "pass  # T: pip install torch\n",
    "!pip install \\\n  torch\nx = 1\n": "pass  # T: !pip install \\\n# T:   torch\nx = 1\n",
    "x = (a\n% b)\n": "x = (a\n% b)\n",
    "x = (a\n% b)\n%ls\n": "x = (a\n% b)\npass  # T: %ls\n",
    "s = '''\n%s ' \"\n!x\n'''\n!ls\n": "s = '''\n%s ' \"\n!x\n'''\npass  # T: !ls\n",
    "x = a \\\n % b\n%ls\n": "x = a \\\n % b\npass  # T: %ls\n",
    "x = '(' # (\n%ls\n": "x = '(' # (\npass  # T: %ls\n",
    "%%time\n%ls\nx = 1\n": "pass  # T: %%time\npass  # T: %ls\nx = 1\n",
    "\n%%capture out\nx = 1": "\npass  # T: %%capture out\nx = 1",
    "x %= 3\nls\n": "x %= 3\nls\n",
    "": "",
}


@pytest.mark.parametrize(("text", "expected"), MAGICS.items())
def test_magics(text, expected):
    assert "".join(as_python(text, "T")) == expected


@pytest.mark.parametrize("text", ["%%bash\nls", "%%html\n<b>", "\n%%writefile a.py\nx", "%%"])
def test_cells_that_are_no_python(text):
    assert as_python(text, "T") is None


# what random notebooks are made of
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)
STATEMENTS = st.sampled_from(
    [
        "%matplotlib inline", "!ls -l", "x = 1", "", "    ", "files = !ls", "# \\\"'", "if x:\n    !ls", BAD,
        "s = '''\n%a\n'''",
    ]
) | TEXTS.map(lambda text: f"# {text}") | TEXTS.map(lambda text: f"s = {text!r}")  # fmt: skip
SOURCES = st.lists(STATEMENTS, max_size=5).flatmap(
    lambda some: st.sampled_from(["\n".join(some), "\n".join(some) + "\n", "\n".join(["%%bash", *some])])
)


@st.composite
def documents(draw):
    """A notebook, and the text of one of the programs that write them."""
    cells = []
    for text in [START, *draw(st.lists(SOURCES, max_size=4))]:
        style = draw(st.sampled_from(["lines", "text", "odd"]))
        pieces = re.findall(r"[^\n]*\n|[^\n]+", text)
        if style == "odd" and text:
            cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
            pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        source = text if style == "text" else pieces
        kind = draw(st.sampled_from(["code", "code", "code", "markdown"])) if cells else "code"
        outputs = [{"output_type": "stream", "name": "stdout", "text": ["1\n", draw(TEXTS), "[{"]}]
        cell = {"cell_type": kind, "metadata": {"source": "x", draw(TEXTS): 1.50}, "outputs": outputs, "source": source}
        cells.append(dict(draw(st.permutations(list(cell.items())))))
    content = notebook(*cells, kernelspec={"language": "python"}, more=[[], {}, None, 1e5, draw(TEXTS)])
    text = json.dumps(
        dict(draw(st.permutations(list(content.items())))),
        indent=draw(st.sampled_from([None, 0, 1, 2, "\t"])),
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([None, (",", ":"), (" ,", " : ")])),
    )
    text = draw(st.sampled_from(["", "\n", " \n"])).join(["", text, ""])
    return draw(st.sampled_from([text, text.replace("\n", "\r\n"), text.replace("/", "\\/")]))


@given(documents())
def test_nothing_to_fix_changes_nothing(text):
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode()):
        source = decode_notebook(data, "a.ipynb")
        assert source.encode(source.text) == data


@given(documents())
def test_a_fix_changes_its_lines_only(text):
    """Where the search for a text in the file and the rewriting of the program meet."""
    source = decode_notebook(text.encode(), "a.ipynb")
    after = source.written(source.text.replace(BAD, GOOD))
    programs = [cell.text for cell in source.document.cells if not cell.text.lstrip().startswith("%%bash")]
    again = decode_notebook(after.encode(), "a.ipynb")
    changed = {cell.number: cell.text for cell in again.document.cells}
    for cell in source.document.cells:
        assert changed[cell.number] == (cell.text.replace(BAD, GOOD) if cell.text in programs else cell.text)
    before, now = json.loads(text), json.loads(after)
    for one in (*before["cells"], *now["cells"]):
        del one["source"]
    assert before == now
    if all(
        len(cell.pieces) == cell.text.count("\n") + (not cell.text.endswith("\n")) for cell in source.document.cells
    ):
        skipped = [cell for cell in source.document.cells if cell.text not in programs]
        if not any(BAD in cell.text for cell in skipped) and text.count(BAD) == sum(p.count(BAD) for p in programs):
            assert after == text.replace(BAD, GOOD)


@given(documents())
def test_places(text):
    source = decode_notebook(text.encode(), "a.ipynb")
    at = source.text.find(BAD)
    if at >= 0:
        span = Span(*source.position(at), *source.position(at + len(BAD)))
        (cell,) = (cell for cell in source.document.cells if cell.number == source.cell_of(span.start_line))
        assert cell.text.split("\n")[source.line_number(span.start_line) - 1].startswith(BAD)
        if source.file.slice(source.in_file(span)) != BAD:  # a string may end within
            assert '"' in source.file.slice(source.in_file(span))


def test_other_language_is_no_error():
    with pytest.raises(SkippedError):
        decode_notebook(b'{"cells": [], "metadata": {"language_info": {"name": "R"}}}', "a.ipynb")
    with pytest.raises(SourceError):
        decode_notebook(b"3", "a.ipynb")
