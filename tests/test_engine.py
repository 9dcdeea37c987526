"""The run as a whole, with an analysis made up for the test."""

import re

import pytest

import nanlint.analysis
from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.engine import MAX_ROUNDS, Repair, lint_bytes, lint_file, lint_paths, lint_source
from nanlint.fix import Applicability, Edit, Fix
from nanlint.source import Source, SourceError, Span

CARDS = load_cards()
SAFE = Repair({Applicability.SAFE})


def finding(source, match, replacement=None, *, code="NAN102", evidence=Evidence.POSSIBLE):
    start, end = source.position(match.start()), source.position(match.end())
    span = Span(*start, *end)
    fix = None if replacement is None else Fix(Applicability.SAFE, "", (Edit(span, replacement),))
    name = next(card.name for card in CARDS if card.code == code)
    return Diagnostic(code, name, "", source.filename, span, Severity.ERROR, evidence, fix=fix)


@pytest.fixture
def analysis(monkeypatch):
    """Replace the analysis by one that finds a word and offers a replacement."""

    def replace(word, replacement=None, **more):
        def analyse(source, cards, settings):
            return [finding(source, match, replacement, **more) for match in re.finditer(word, source.text)]

        monkeypatch.setattr(nanlint.analysis, "analyse", analyse)

    return replace


def lint(text, **settings):
    return [one.code for one in lint_source(Source("a.py", text), CARDS, Settings(**settings))]


def test_findings_are_sorted_and_selected(analysis):
    analysis("bad")
    found = lint_source(Source("a.py", "import torch\nbad\nbad\n"), CARDS, Settings())
    assert [one.span.start_line for one in found] == [2, 3]
    assert lint("torch; bad", ignore=("NAN1",)) == []
    assert lint("torch; bad", ignore=("log-of-softmax",)) == []


def test_weak_evidence_is_not_reported_and_yet_uses_its_suppression(analysis):
    analysis("bad", evidence=Evidence.UNKNOWN)
    assert lint("torch; bad") == []
    assert lint("torch; bad", evidence=Evidence.UNKNOWN) == ["NAN102"]
    assert lint("torch; bad  # nanlint: ignore[NAN102]") == []
    assert lint("torch; fine  # nanlint: ignore[NAN102]") == ["NAN001"]


def test_the_gate_keeps_other_files_from_the_analysis(analysis):
    analysis("bad")
    assert lint("bad = 1") == []
    assert lint("import jax; bad = 1") == ["NAN102"]


def test_a_suppression_passes_the_gate(analysis):
    analysis("bad")
    assert lint("x = 1  # nanlint: ignore\n") == ["NAN001"]


def test_a_syntax_error_is_found_in_any_file_and_hard_to_hide():
    assert lint("x = (") == ["NAN003"]
    assert lint("x = (  # nanlint: ignore-file", select=("NAN101",)) == ["NAN003"]
    assert lint("x = (", ignore=("NAN003",)) == []


def test_recursion_becomes_one_line(monkeypatch):
    def analyse(*_):
        raise RecursionError

    monkeypatch.setattr(nanlint.analysis, "analyse", analyse)
    (found,) = lint_source(Source("a.py", "import torch"), CARDS, Settings())
    assert (found.code, found.message) == ("NAN003", "too deeply nested to analyse")


def test_a_crash_is_one_line_and_the_run_goes_on(monkeypatch, tmp_path, capsys):
    def analyse(source, cards, settings):
        if source.filename.endswith("a.py"):
            raise ZeroDivisionError("two\nlines")
        return []

    monkeypatch.setattr(nanlint.analysis, "analyse", analyse)
    monkeypatch.delenv("NANLINT_DEBUG", raising=False)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("import torch")
    crashed, fine = lint_paths([str(tmp_path)], Settings())
    assert re.fullmatch(
        r".*a\.py: internal error in nanlint, please report it: ZeroDivisionError at test_engine\.py:\d+: two lines",
        crashed.problem,
    )
    assert fine.problem is None
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("NANLINT_DEBUG", "1")
    list(lint_paths([str(tmp_path)], Settings()))
    assert "Traceback" in capsys.readouterr().err


def test_repair_until_nothing_is_left(analysis, tmp_path):
    analysis("bad+", "bad")
    path = tmp_path / "a.py"

    def analyse(source, cards, settings):
        return [finding(source, match, match[0][:-1]) for match in re.finditer("x_+", source.text)]

    nanlint.analysis.analyse = analyse
    path.write_bytes(b"\xef\xbb\xbfimport torch\r\ny = x___\r\nz = x_\n")
    result = lint_file(str(path), CARDS, Settings(), SAFE)
    assert path.read_bytes() == b"\xef\xbb\xbfimport torch\r\ny = x\r\nz = x\n"
    assert (result.fixed, result.found, result.changed) == (4, (), True)


def test_rounds_are_bounded(analysis, tmp_path):
    analysis("bad", "bad ")
    path = tmp_path / "a.py"
    path.write_text("import torch\nbad\n")
    result = lint_file(str(path), CARDS, Settings(), SAFE)
    assert result.fixed == MAX_ROUNDS
    assert len(result.found) == 1


@pytest.mark.parametrize("replacement", ["(", "漢"])
def test_a_repair_that_breaks_the_file_is_not_written(analysis, tmp_path, replacement):
    analysis("bad", replacement)
    path = tmp_path / "a.py"
    data = b"# coding: latin-1\nimport torch\nbad\n"
    path.write_bytes(data)
    (tmp_path / "mode").touch()

    def analyse(source, cards, settings, inner=nanlint.analysis.analyse):
        compile(source.text, "a.py", "exec") if replacement == "漢" else None
        if "(" in source.text:
            raise SourceError("broken")
        return inner(source, cards, settings)

    nanlint.analysis.analyse = analyse
    result = lint_file(str(path), CARDS, Settings(), SAFE)
    assert path.read_bytes() == data
    assert (result.fixed, len(result.found)) == (0, 1)


def test_unsafe_repairs_are_not_made_unasked(monkeypatch, tmp_path):
    def analyse(source, cards, settings):
        fix = Fix(Applicability.UNSAFE, "", (Edit(Span(1, 1, 1, 1), "# "),))
        name = "log-of-softmax"
        return [Diagnostic("NAN102", name, "", "a.py", Span(1, 1, 1, 2), Severity.ERROR, Evidence.CERTAIN, fix=fix)] * (
            not source.text.startswith("#")
        )

    monkeypatch.setattr(nanlint.analysis, "analyse", analyse)
    path = tmp_path / "a.py"
    path.write_text("import torch\n")
    assert lint_file(str(path), CARDS, Settings(), SAFE).fixed == 0
    both = {Applicability.SAFE, Applicability.UNSAFE}
    assert lint_file(str(path), CARDS, Settings(), Repair(both, write=False)).fixed == 1
    assert path.read_text() == "import torch\n"
    assert lint_file(str(path), CARDS, Settings(), Repair(both)).fixed == 1
    assert path.read_text() == "# import torch\n"


def test_a_folder_that_cannot_be_written_to(analysis, tmp_path, monkeypatch):
    analysis("bad", "good")
    path = tmp_path / "a.py"
    path.write_text("torch.bad\n")
    monkeypatch.setattr("nanlint.engine.write_source", _denied)
    result = lint_file(str(path), CARDS, Settings(), SAFE)
    assert result.problem == f"{path}: cannot write file: Permission denied"


def _denied(*_):
    raise PermissionError(13, "Permission denied")


def test_standard_input(analysis):
    analysis("bad", "good")
    result = lint_bytes(b"torch.bad\r\n", "x.py", CARDS, Settings(), SAFE)
    assert result.source.text == "torch.good\r\n"
    assert [one.code for one in lint_bytes(b"\0", "x.py", CARDS, Settings()).found] == ["NAN003"]


def test_a_gate_that_is_worth_having(monkeypatch):
    def lower(tree, source):
        raise AssertionError("a file without tensors was analysed; a large one takes seconds")

    monkeypatch.setattr("nanlint.project.lower_module", lower)
    assert lint("x = [" + "1, " * 300_000 + "]\n") == []
    with pytest.raises(AssertionError):
        lint("import torch\ny = torch.log(torch.relu(x))\n")
