"""Settings through the real command: where they come from, what they do, and what is said when they are wrong."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from nanlint.cli.check import check
from nanlint.config.keys import KEYS, RULE_KEYS, read_table
from nanlint.config.schema import schema, schema_as_json
from nanlint.config.settings import RuleOptions, Settings
from nanlint.trace.command import trace

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SOFTMAX = "import torch\n\n\ndef f(z):\n    x = torch.softmax(z, -1)\n    return torch.log(x)\n"  # NAN102, error
RELU = "import torch\n\n\ndef f(z):\n    return torch.log(torch.relu(z))\n"  # NAN101, error
BCE = (  # NAN142, info
    "import torch\nimport torch.nn.functional as F\n\n\ndef f(z, y):\n"
    "    return F.binary_cross_entropy(torch.sigmoid(z), y)\n"
)
UNKNOWN = "import torch\n\n\ndef f(z):\n    return torch.log(z)\n"  # NAN101 of unknown evidence


@pytest.fixture
def found(run):
    """What is found, as `file: code`."""

    def found(*arguments, **more):
        code, out, err = run("check", "--output-format", "json", *arguments, **more)
        assert code in {0, 1}, err
        return [f"{one['filename']}: {one['code']}" for one in json.loads(out)]

    return found


def test_the_nearest_file_wins_for_each_file(found, write):
    write(SOFTMAX, "a.py")
    write(SOFTMAX, "sub/b.py")
    write(SOFTMAX, "sub/deep/c.py")
    write(RELU, "other/d.py")
    write('[tool.nanlint]\nignore = ["NAN102"]\n', "pyproject.toml")
    write('ignore = ["NAN101"]\n', "sub/nanlint.toml")
    write("[tool.black]\n", "sub/deep/pyproject.toml")
    write('ignore = ["NAN101"]\n', "other/nanlint.toml")
    assert found() == ["sub/b.py: NAN102", "sub/deep/c.py: NAN102"]
    assert found("sub/deep/c.py", "a.py") == ["sub/deep/c.py: NAN102"]
    assert found("b.py", cwd="sub") == ["b.py: NAN102"]
    assert found("--isolated") == ["a.py: NAN102", "other/d.py: NAN101", "sub/b.py: NAN102", "sub/deep/c.py: NAN102"]
    assert found("-", "--stdin-filename", "sub/x.py", stdin=SOFTMAX) == ["sub/x.py: NAN102"]
    assert found("-", "--stdin-filename", "x.py", stdin=SOFTMAX) == []


def test_a_fault_in_a_nested_file_is_found_before_anything_is_linted(run, write):
    write(SOFTMAX, "a.py")
    write(SOFTMAX, "sub/b.py")
    write('ignor = ["NAN101"]\n', "sub/nanlint.toml")
    assert run("check") == (2, "", "nanlint: sub/nanlint.toml: unknown key `ignor`; did you mean `ignore`?\n")
    write('ignore = ["NAN1O1"]\n', "sub/nanlint.toml")
    assert run("check")[:2] == (2, "")
    assert run("check", "a.py")[0] == 1


def test_config_file(run, found, write):
    write(SOFTMAX)
    write('ignore = ["NAN102"]\n', "ci/strict.toml")
    write('ignore = ["NAN101"]\nzzz = 1\n', "nanlint.toml")
    assert found("--config", "ci/strict.toml") == []
    assert run("check", "--config", "ci/gone.toml")[1:] == ("", "nanlint: --config: no such file: ci/gone.toml\n")
    assert run("check", "--config", "ci/strict.toml", "--isolated")[0] == 2
    assert run("check", "--config", "ci/strict.toml", "--config", "nanlint.toml")[0] == 2
    write("[tool.black]\n", "ci/pyproject.toml")
    assert run("check", "--config", "ci/pyproject.toml")[2] == (
        "nanlint: ci/pyproject.toml: there is no `[tool.nanlint]` in it\n"
    )
    # as if it stood in the current folder
    write(SOFTMAX, "legacy/b.py")
    write('extend-exclude = ["/legacy/"]\n', "ci/strict.toml")
    assert found("--config", "ci/strict.toml") == ["a.py: NAN102"]


def test_inline_settings(run, found, write):
    write(SOFTMAX)
    write('select = ["NAN102"]\n[rules.NAN102]\nevidence = "unknown"\n', "nanlint.toml")
    assert found("--config", 'ignore = ["NAN102"]') == []
    assert found("--config", "select=['NAN101']", "--config", "evidence='certain'") == []
    # tables are merged
    inline = 'rules.NAN102.severity = "info"'
    shown = run("check", "--config", inline, "--show-settings")[1]
    assert 'evidence = "unknown"\nseverity = "info"' in shown
    assert found("--isolated", "--config", inline) == ["a.py: NAN102"]
    assert run("check", "--config", inline, "--fail-on", "warning")[0] == 0


@pytest.mark.parametrize(
    ("inline", "message"),
    [
        ("ignor = []", "--config: unknown key `ignor`; did you mean `ignore`?"),
        ("fail-on = 1", "--config: `fail-on` must be one of error, warning, info"),
        ("fail-on = error", "--config: `fail-on = error` is neither a file nor valid TOML: Invalid value"),
        ("rules.NAN101.epsilom = 1", "--config: unknown key `epsilom`; did you mean `epsilon`?"),
        ('ignore = ["NAN1O1"]', "unknown rule `NAN1O1`; did you mean `NAN1"),
        (
            "rules.NAN101.clip-norm = 1",
            "`rules.NAN101` has no option `clip-norm`; only `missing-gradient-clipping` has",
        ),
        ("rules.NAN301.max-rates = {adam = 1}", "`rules.NAN301.max-rates`: unknown key `adam`; did you mean `Adam`?"),
        ("rules.NAN301.max-rates = {Adam = 0}", "--config: `rules.NAN301.max-rates.Adam` must be a number above 0"),
        ("force-exclude = 1", "--config: `force-exclude` must be true or false"),
        ("per-file-ignores = []", '--config: `per-file-ignores` must be a table like "tests/*" = ["NAN101"]'),
        ('output-format = "sariff"', "--config: `output-format` must be one of full, concise, "),
        ("epsilon = inf", "--config: `epsilon` must be a number above 0"),
    ],
)
def test_wrong_settings_are_one_clear_line(run, write, inline, message):
    write(SOFTMAX)
    code, out, err = run("check", "--config", inline)
    assert (code, out) == (2, "")
    assert err.startswith(f"nanlint: {message}")
    assert err.count("\n") == 1


def test_settings_that_cannot_be_read(run, write, tmp_path):
    write(SOFTMAX)
    (tmp_path / "nanlint.toml").write_bytes(b"\xff")
    code, out, err = run("check")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("nanlint: nanlint.toml: cannot be read: ")
    write('[tool]\nnanlint = "x"\n', "pyproject.toml")
    (tmp_path / "nanlint.toml").unlink()
    assert run("check")[2] == "nanlint: pyproject.toml: `tool.nanlint` must be a table\n"


def test_select_and_extend(found, write):
    write(SOFTMAX, "a.py")
    write(RELU, "b.py")
    write('select = ["NAN101"]\nextend-select = ["log-of-softmax"]\nextend-ignore = ["NAN101"]\n', "nanlint.toml")
    assert found() == ["a.py: NAN102"]
    assert found("--select", "NAN1") == ["a.py: NAN102", "b.py: NAN101"]
    assert found("--extend-ignore", "NAN102") == []
    write('select = ["NAN101"]\n', "nanlint.toml")
    assert found("--extend-select", "NAN102") == ["a.py: NAN102", "b.py: NAN101"]


def test_per_file_ignores(found, write):
    for name in ("a.py", "tests/b.py", "tests/deep/c.py", "x_pb2.py"):
        write(SOFTMAX, name)
    write('[per-file-ignores]\n"tests/" = ["NAN1"]\n"*_pb2.py" = ["ALL"]\n"/a.py" = ["log-of-zero"]\n', "nanlint.toml")
    assert found() == ["a.py: NAN102"]
    assert found("b.py", cwd="tests") == []
    write('[per-file-ignores]\n"!tests/**" = ["NAN102"]\n', "nanlint.toml")
    assert found() == ["tests/b.py: NAN102", "tests/deep/c.py: NAN102"]
    # they are stronger than what the command line selects, which says nothing of files
    assert found("--select", "NAN102") == ["tests/b.py: NAN102", "tests/deep/c.py: NAN102"]


def test_a_suppression_of_a_rule_that_is_ignored_in_this_file_is_not_unused(found, write):
    write("y = 1  # nanlint: ignore[NAN102]\n")
    assert found() == ["a.py: NAN001"]
    write('[per-file-ignores]\n"a.py" = ["NAN102"]\n', "nanlint.toml")
    assert found() == []


def test_excludes(run, found, write):
    for name in ("a.py", "legacy/b.py", "build/c.py"):
        write(SOFTMAX, name)
    write('extend-exclude = ["legacy"]\n', "nanlint.toml")
    assert found() == ["a.py: NAN102"]
    assert found("legacy/b.py", "build") == ["legacy/b.py: NAN102", "build/c.py: NAN102"]
    assert found("--force-exclude", "legacy/b.py", "build/c.py", "build", "a.py") == ["a.py: NAN102"]
    assert run("check", "--force-exclude", "legacy/b.py") == (0, "No Python files found.\n", "")
    write('exclude = ["legacy"]\nforce-exclude = true\n', "nanlint.toml")
    assert found() == ["a.py: NAN102", "build/c.py: NAN102"]
    assert found("legacy/b.py") == []
    assert found("--no-force-exclude", "legacy/b.py") == ["legacy/b.py: NAN102"]
    assert found("--exclude", "a.py,build") == ["legacy/b.py: NAN102"]
    # an editor asks about every file, and wants its text back
    assert found("-", "--stdin-filename", "legacy/b.py", stdin=SOFTMAX) == []
    assert run("check", "--fix", "-", "--stdin-filename", "legacy/b.py", stdin=SOFTMAX)[1] == SOFTMAX


def test_gitignore(found, write):
    write(SOFTMAX, "a.py")
    write(SOFTMAX, "gen/b.py")
    write("gen/\n", ".gitignore")
    assert found() == ["a.py: NAN102"]
    assert found("--no-respect-gitignore") == ["a.py: NAN102", "gen/b.py: NAN102"]
    write("respect-gitignore = false\n", "nanlint.toml")
    assert found() == ["a.py: NAN102", "gen/b.py: NAN102"]


def test_an_ignored_folder_with_a_gitignore_of_its_own(found, write):
    write(SOFTMAX, "gen/a.py")
    write(SOFTMAX, "gen/b.py")
    write("gen/\n", ".gitignore")
    write("x", ".git/config")
    write("b.py\n", "gen/.gitignore")
    assert found("gen") == ["gen/a.py: NAN102"]


def test_severities(run, write):
    write(SOFTMAX, "a.py")
    write(BCE, "b.py")
    code, out, _ = run("check")
    assert (code, "Found 1 error, 1 note" in out) == (1, True)
    assert run("check", "b.py")[0] == 1
    assert run("check", "b.py", "--fail-on", "warning")[0] == 0
    assert run("check", "--fail-on", "warning")[0] == 1
    assert "1 note" not in run("check", "--min-severity", "warning")[1]
    assert run("check", "b.py", "--min-severity", "warning")[0] == 0
    write(
        'fail-on = "error"\n[rules.NAN1]\nseverity = "warning"\n[rules.bce-on-sigmoid]\nseverity = "error"\n',
        "nanlint.toml",
    )
    code, out, _ = run("check")
    assert "b.py:6:" in out
    assert "error[NAN142]" in out
    assert "warning[NAN102]" in out
    assert code == 1
    assert run("check", "a.py")[0] == 0


def test_fail_on_is_that_of_each_file(run, write):
    write(BCE, "strict/a.py")
    write(BCE, "lax/b.py")
    write('fail-on = "error"\n', "lax/nanlint.toml")
    assert run("check", "lax")[0] == 0
    assert run("check", "lax", "strict")[0] == 1


def test_evidence_of_a_rule_and_of_a_group(found, write):
    write(UNKNOWN)
    assert found() == []
    assert found("--config", 'rules.NAN101.evidence = "unknown"') == ["a.py: NAN101"]
    assert found("--config", 'rules.NAN1.evidence = "unknown"') == ["a.py: NAN101"]
    assert found("--config", 'rules.ALL.evidence = "unknown"', "--config", 'rules.NAN1.evidence = "certain"') == []
    assert found("--config", 'rules.NAN1.evidence = "certain"', "--evidence", "unknown") == ["a.py: NAN101"]


RATE = "import torch\n\nmodel = torch.nn.LSTM(2, 2)\noptimizer = torch.optim.Adam(model.parameters(), lr={rate})\n"
RECURRENT = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 9)
        self.rnn = nn.RNN(9, 9)

    def forward(self, x):
        return self.rnn(self.embedding(x))[0]


def train(model, loader, optimizer):
    for x, y in loader:
        optimizer.zero_grad()
        loss = (model(x) - y).abs().mean()
        loss.backward()
        optimizer.step()
"""


def test_options_of_rules(run, found, write):
    write(RATE.format(rate=0.3))
    assert found() == ["a.py: NAN301"]
    assert found("--config", "rules.NAN301.max-rates = {Adam = 0.5}") == []
    write(RATE.format(rate=0.01))
    assert found() == []
    code, out, _ = run("check", "--config", "rules.learning-rate-too-high.max-rates = {Adam = 0.001}")
    assert (code, "0.001" in out) == (1, True)
    write(RECURRENT)
    assert "clip_grad_norm_(model.parameters(), 1.0)" in run("check", "--diff", "--unsafe-fixes")[1]
    option = "rules.NAN201.clip-norm = 0.25"
    assert (
        "clip_grad_norm_(model.parameters(), 0.25)" in run("check", "--diff", "--unsafe-fixes", "--config", option)[1]
    )
    write(RELU)
    assert "clamp_min(1e-05)" in run("check", "--diff", "--unsafe-fixes", "--config", "epsilon = 1e-5")[1].replace(
        "1e-5", "1e-05"
    )


def test_how_repairs_guard(run, write):
    def diff(*settings):
        return run("check", "--diff", "--unsafe-fixes", *(word for one in settings for word in ("--config", one)))[1]

    write(RELU + "\n\ndef scaled(x):\n    return x / (x.max() - x.min())\n")
    assert "clamp_min(1e-8)" in diff()
    assert "x / (x.max() - x.min() + 1e-8)" in diff()
    added = diff('rules.ALL.guard = "add"')
    assert "clamp_min" not in added
    assert "torch.log(torch.relu(z) + 1e-8)" in added
    clamped = diff('rules.ALL.guard = "clamp"', "epsilon = 1e-6")
    assert clamped.count(".clamp_min(1e-6)") == 2
    assert diff('rules.NAN111.guard = "clamp"').count(".clamp_min(1e-8)") == 2


def test_families_of_models(found, write):
    write(RECURRENT)
    assert found() == ["a.py: NAN201"]
    assert found("--config", 'rules.NAN201.families = ["recurrent"]') == ["a.py: NAN201"]
    assert found("--config", 'rules.NAN201.families = ["attention", "policy"]') == []


def test_how_safe_a_repair_is_held_to_be(run, write):
    path = write(SOFTMAX + RELU)
    assert "-    return torch.log(x)" in run("check", "--diff")[1]
    for fix in ("never", "unsafe"):
        assert run("check", "--diff", "--config", f'rules.NAN102.fix = "{fix}"')[1] == ""
    assert run("check", "--fix", "--config", 'rules.ALL.fix = "safe"')[0] == 0
    assert "log_softmax" in path.read_text()
    assert "clamp_min" in path.read_text()


def test_output_format(run, write):
    write(SOFTMAX)
    write('output-format = "json"\n', "nanlint.toml")
    assert json.loads(run("check")[1])
    assert run("check", "--output-format", "concise")[1].startswith("a.py:6:")


def test_show_files(run, write):
    for name in ("a.py", "sub/b.py", "sub/c.txt", "build/d.py"):
        write("x = 1\n", name)
    assert run("check", "--show-files") == (0, "a.py\nsub/b.py\n", "")
    assert run("check", "--show-files", "--exclude", "sub") == (0, "a.py\nbuild/d.py\n", "")
    assert run("check", "--show-files", "gone", "sub") == (2, "sub/b.py\n", "nanlint: gone: no such file or folder\n")


EVERYTHING = """\
select = ["NAN1"]
ignore = ["NAN105"]
extend-select = ["NAN301"]
extend-ignore = ["log-of-zero"]
evidence = "certain"
min-severity = "warning"
fail-on = "error"
epsilon = 1e-06
target-torch = "2.4"
assume-positive = ["*_scale"]
safe-functions = ["mylib.safe_*"]
exclude = ["vendor/"]
extend-exclude = ["a \\"b\\"/"]
force-exclude = true
respect-gitignore = false
extra-rules = ["lint/rules"]
baseline = "known.json"
output-format = "concise"
cache-dir = "kept"

[per-file-ignores]
"tests/*" = ["ALL"]

[rules."NAN301"]
evidence = "unknown"
severity = "info"
fix = "never"
max-rates = { "Adam" = 0.5 }

[rules."missing-gradient-clipping"]
epsilon = 0.5
guard = "clamp"
clip-norm = 2.0
families = ["recurrent"]

[trace]
"batch" = 4
"""


def test_show_settings_can_be_read_again(run, write):
    write("x = 1\n")
    write(EVERYTHING, "nanlint.toml")
    write("x = 1\n", "lint/rules/README.md")
    code, out, err = run("check", "--show-settings", "a.py")
    assert (code, err) == (0, "")
    head, _, body = out.partition("\n")
    assert head == "# nanlint.toml: 1 file, a.py"
    assert body == EVERYTHING
    assert set(tomllib.loads(EVERYTHING)) == set(KEYS)
    assert {option for table in tomllib.loads(EVERYTHING)["rules"].values() for option in table} == set(RULE_KEYS)


def test_show_settings_of_several_configurations(run, write):
    write("x = 1\n", "a.py")
    write("x = 1\n", "sub/b.py")
    write('fail-on = "error"\n', "sub/nanlint.toml")
    out = run("check", "--show-settings")[1]
    assert re.findall(r"^# .*", out, re.MULTILINE) == [
        "# no configuration file: 1 file, a.py", "# sub/nanlint.toml: 1 file, sub/b.py",
    ]  # fmt: skip
    assert 'fail-on = "error"' in out


def test_every_key_is_a_setting():
    names = {key.replace("-", "_") for key in KEYS}
    assert names == set(Settings.__dataclass_fields__) - {"root", "source", "ignored_here"}
    assert {key.replace("-", "_") for key in RULE_KEYS} == set(RuleOptions.__dataclass_fields__)


def test_the_published_schema_is_the_one_that_is_read(run, update):
    published = DOCS / "nanlint.schema.json"
    if update:
        published.write_text(schema_as_json(), encoding="utf-8")
    assert published.read_text(encoding="utf-8") == schema_as_json() == run("show", "schema")[1]
    jsonschema.Draft7Validator.check_schema(schema())


@pytest.mark.parametrize(
    "text",
    [
        EVERYTHING, "", "select = 1", "select = [1]", "ignor = []", "evidence = 'sure'", "fail-on = 'never'",
        "epsilon = 0", "epsilon = true", "epsilon = '1'", "target-torch = 2.4", "target-torch = 'x'",
        "force-exclude = 1", "rules = []",
        "rules.NAN101 = 1",
        "rules.NAN101.epsilon = -1", "rules.NAN101.epsilom = 1", "per-file-ignores = {a = 1}",
        "per-file-ignores = {a = ['NAN1']}", "output-format = 'xml'", "baseline = 1", "rules.NAN301.max-rates.SGD = 1",
        "rules.NAN301.max-rates.SGD = 'x'", "rules.ALL.fix = 'x'", "rules.NAN101.severity = 'fatal'",
    ],
)  # fmt: skip
def test_schema_and_reader_agree(text):
    table = tomllib.loads(text)
    try:
        jsonschema.validate(table, schema())
    except jsonschema.ValidationError:
        valid = False
    else:
        valid = True
    try:
        read_table(table, KEYS)
    except Exception:
        assert not valid
    else:
        assert valid


def test_documented_settings(update):
    page = DOCS / "settings.md"
    text = page.read_text(encoding="utf-8")
    for name, keys in (("settings", KEYS), ("options", RULE_KEYS)):
        rows = [f"| `{key}` | {one.default.replace('|', '/')} | {one.about} |" for key, one in keys.items()]
        table = "\n".join(["| key | default | |", "|---|---|---|", *rows])
        block = re.compile(rf"<!-- {name} -->\n.*?<!-- end -->", re.S)
        wanted = f"<!-- {name} -->\n{table}\n<!-- end -->"
        if update:
            text = block.sub(lambda _, wanted=wanted: wanted, text)
        assert wanted in text
    if update:
        page.write_text(text, encoding="utf-8")


def test_the_settings_in_the_documents_are_valid():
    for page in (*DOCS.glob("*.md"), ROOT / "README.md"):
        for block in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            data = tomllib.loads(block)
            if "language-server" in data:
                continue  # an editor's own
            read_table(data.get("tool", {}).get("nanlint", data), KEYS)


def test_options_in_the_documents_exist():
    parameters = (*check.params, *trace.params)
    known = {word for parameter in parameters for word in (*parameter.opts, *parameter.secondary_opts)}
    for page in (*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"):
        text = page.read_text(encoding="utf-8")
        commands = re.findall(r"nanlint check [^`\n]*", text) + re.findall(r"`(--[^`]*)`", text)
        named = {word for command in commands for word in re.findall(r"(?<![\w-])--[a-z][a-z-]*", command)}
        assert named <= known | {"--all", "--version"}, page.name


def test_every_option_is_documented():
    text = "".join(page.read_text(encoding="utf-8") for page in (*DOCS.glob("*.md"), ROOT / "README.md"))
    text = text.replace("--[no-]", "--")
    names = {max(parameter.opts, key=len) for parameter in check.params if parameter.param_type_name == "option"}
    assert not {name for name in names if not re.search(rf"{name}\b(?!-)", text)}
