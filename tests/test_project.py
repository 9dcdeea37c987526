"""What files of one project say about each other, linted from disk by the real engine."""

import os
import subprocess
import sys

import pytest

import nanlint.project
from nanlint.config import Settings
from nanlint.diagnostic import Evidence
from nanlint.engine import lint_paths
from nanlint.flow.program import interpret
from nanlint.project import Project
from nanlint.source import read_source

LOG = "import torch\n\n\ndef safe(x):\n    return torch.log(x)\n"
SUM = "def safe(x):\n    return x + 1\n"
# `CALL` is the line the finding is expected in
CALLER = "import torch\n{}\n\n\ndef f(z):\n    p = torch.softmax(z, -1)\n    return {}(p)\n"
CALL = 7
# nanlint only runs functions that hold an operation which can break, or mention a dangerous import by name
BUSY_CALLER = CALLER.replace("(p)", "(p) + 1 / (z * z + 1)")


def caller(statement, called="safe"):
    return CALLER.format(statement, called)


@pytest.fixture
def project(tmp_path):
    """Write the files of a project; its folder."""

    def write(files):
        (tmp_path / "pyproject.toml").touch()
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return write


@pytest.fixture
def lint(project):
    """Write the files and lint the last of them; code and line of what is found."""

    def lint(files):
        folder = project(files)
        return places(folder / list(files)[-1])

    return lint


def diagnostics(path):
    (result,) = lint_paths([str(path)], Settings())
    assert result.problem is None
    return result.found


def places(path):
    return [(one.code, one.span.start_line) for one in diagnostics(path)]


FOUND = [("NAN102", CALL)]


# --- ways to import --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "called", "helper"),
    [
        ("from helpers import safe", "safe", "helpers.py"),
        ("from helpers import safe as secure", "secure", "helpers.py"),
        ("import helpers", "helpers.safe", "helpers.py"),
        ("import pkg.mod as m", "m.safe", "pkg/mod.py"),
        ("from pkg import mod", "mod.safe", "pkg/mod.py"),
        ("from pkg.mod import safe", "safe", "pkg/mod.py"),
        ("from namespace.mod import safe", "safe", "namespace/mod.py"),
    ],
)
def test_absolute_imports(lint, statement, called, helper):
    init = {"pkg/__init__.py": ""} if helper.startswith("pkg") else {}
    assert lint({**init, helper: LOG, "main.py": caller(statement, called)}) == FOUND
    assert lint({**init, helper: SUM, "main.py": caller(statement, called)}) == []


@pytest.mark.parametrize(
    ("statement", "called", "helper"),
    [
        ("from .helpers import safe", "safe", "pkg/sub/helpers.py"),
        ("from . import helpers", "helpers.safe", "pkg/sub/helpers.py"),
        ("from ..helpers import safe", "safe", "pkg/helpers.py"),
        ("from .. import helpers as h", "h.safe", "pkg/helpers.py"),
        ("from ..other.helpers import safe", "safe", "pkg/other/helpers.py"),
        ("from pkg.other.helpers import safe", "safe", "pkg/other/helpers.py"),
    ],
)
def test_imports_inside_a_package(lint, statement, called, helper):
    packages = {f"pkg/{name}__init__.py": "" for name in ("", "sub/", "other/")}
    assert lint({**packages, helper: LOG, "pkg/sub/main.py": caller(statement, called)}) == FOUND


@pytest.mark.parametrize(
    ("init", "called"),
    [
        ("from .helpers import safe\n", "safe"),
        ("from pkg.helpers import safe\n", "safe"),
        ("from .helpers import safe as secure\n", "secure"),
        ("from .helpers import (\n    other,  # (unused)\n    safe,\n)\n", "safe"),
        ("from .helpers import other, \\\n    safe\n", "safe"),
        ("from .helpers import *\n", "safe"),
        ("try:\n    from .helpers import safe\nexcept ImportError:\n    safe = None\n", "safe"),
        ("from .sub import safe\n", "safe"),
    ],
)
def test_what_a_package_re_exports(lint, init, called):
    files = {"pkg/sub/__init__.py": "from ..helpers import safe\n", "pkg/helpers.py": LOG, "pkg/__init__.py": init}
    expected = [] if init.startswith("try") else FOUND  # a name that is None perhaps is not followed
    assert lint({**files, "main.py": caller(f"from pkg import {called}", called)}) == expected


@pytest.mark.parametrize(
    ("statement", "called"),
    [
        ("from helpers import *", "safe"),
        ("from pkg import *", "safe"),
        ("import pkg.mod", "pkg.mod.safe"),
    ],
)
def test_imports_that_are_seen_in_a_function_that_may_break(lint, statement, called):
    files = {"helpers.py": LOG, "pkg/__init__.py": "from .mod import *\n", "pkg/mod.py": LOG}
    assert lint({**files, "main.py": BUSY_CALLER.format(statement, called)}) == FOUND


@pytest.mark.parametrize(
    ("statement", "called"),
    [
        ("from helpers import *", "safe"),
        ("import pkg.mod", "pkg.mod.safe"),
        ("", "helpers.safe"),
    ],
)
def test_imports_that_only_a_harmless_function_uses(lint, statement, called):
    text = caller(statement, called)
    if not statement:
        text = text.replace("p =", "import helpers; p =")
    assert lint({"helpers.py": LOG, "pkg/__init__.py": "", "pkg/mod.py": LOG, "main.py": text}) == FOUND


# --- what is imported ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("from constants import EPS", "EPS"),
        ("from constants import *", "EPS"),
        ("import constants as c", "c.EPS"),
        ("from pkg import EPS", "EPS"),
    ],
)
@pytest.mark.parametrize(("value", "found"), [("1e-6", []), ("0.0", [("NAN101", 6)]), ("1e-300", [("NAN601", 6)])])
def test_a_constant(lint, statement, name, value, found):
    text = f"import torch\n{statement}\n\n\ndef f(z):\n    return torch.log(torch.softmax(z, -1) + {name})\n"
    init = "from constants import EPS\n"
    assert lint({"constants.py": f"EPS = {value}\n", "pkg/__init__.py": init, "main.py": text}) == found


@pytest.mark.parametrize("other", ["0.0", "1e-4"])
@pytest.mark.parametrize(
    "choice",
    [
        "if os.name == 'posix':\n    EPS = 1e-3\nelse:\n    EPS = {}\n",
        "try:\n    EPS = 1e-3\nexcept ImportError:\n    EPS = {}\n",
        "match os.name:\n    case 'posix':\n        EPS = 1e-3\n    case _:\n        EPS = {}\n",
    ],
    ids=["if", "try", "match"],
)
def test_a_constant_that_depends(lint, choice, other):
    text = "import torch\nfrom constants import EPS\n\n\ndef f(z):\n    return torch.log(torch.softmax(z, -1) + EPS)\n"
    found = lint({"constants.py": f"import os\n{choice.format(other)}", "main.py": text})
    assert found == ([("NAN101", 6)] if other == "0.0" else [])


def test_a_constant_made_of_others(lint):
    text = "import torch\nfrom a import EPS\n\n\ndef f(z):\n    return torch.log(torch.softmax(z, -1) + EPS)\n"
    assert lint({"b.py": "TINY = 1e-3\n", "a.py": "from b import TINY\nEPS = TINY / 2\n", "main.py": text}) == []
    assert lint({"b.py": "TINY = 0.0\n", "main.py": text}) == [("NAN101", 6)]


GATE = "import torch\nfrom torch import nn\n\n\nclass Gate(nn.Module):\n    def forward(self, p):\n        {}\n"
MODEL = (
    "import torch\nimport helpers\nfrom torch import nn\n\n\nclass Model(nn.Module):\n    def __init__(self):\n"
    "        super().__init__()\n        self.gate = helpers.Gate()\n\n    def forward(self, z):\n"
    "        p = torch.softmax(z, -1)\n        return self.gate(p) + 1 / (z * z + 1)\n"
)


def test_an_object_of_an_imported_class(project):
    folder = project({"helpers.py": GATE.format("return torch.log(p)"), "main.py": MODEL})
    (found,) = diagnostics(folder / "main.py")
    assert (found.code, found.span.start_line) == ("NAN102", 13)
    assert (found.related[0].filename, found.related[0].span.start_line) == (str(folder / "helpers.py"), 7)
    assert found.message.endswith("in `forward` of helpers.py")
    project({"helpers.py": GATE.format("return torch.log(p + 1)")})
    touch(folder / "helpers.py")
    assert diagnostics(folder / "main.py") == ()


BASE = (
    "import torch\n\n\nclass Base:\n    def __init__(self):\n        self.floor = {}\n\n"
    "    def safe(self, y):\n        return torch.log(y)\n"
)
HEIR = "import torch\nfrom base import Base\n\n\nclass Heir(Base):\n    def forward(self, z):\n        return {}\n"


def test_an_inherited_method(lint):
    base = BASE.format(1)
    assert lint({"base.py": base, "main.py": HEIR.format("self.safe(torch.softmax(z, -1)) / z.exp()")}) == FOUND
    # the base is not mentioned in the method, and nothing else in it may break
    assert lint({"base.py": base, "main.py": HEIR.format("self.safe(torch.softmax(z, -1))")}) == FOUND


@pytest.mark.parametrize("other_file", [True, False])
@pytest.mark.parametrize(("value", "expected"), [("1e-6", []), ("0.0", [Evidence.CERTAIN])])
def test_an_attribute_of_a_base_class(project, other_file, value, expected):
    base = BASE.format(value).replace("log(y)", "sin(y)")
    heir = HEIR.format("torch.log(torch.softmax(z, -1) + self.floor)")
    text = heir if other_file else base + heir.replace("from base import Base\n", "")
    folder = project({"base.py": base, "main.py": text})
    (result,) = lint_paths([str(folder / "main.py")], Settings(evidence=Evidence.UNKNOWN))
    assert [one.evidence for one in result.found] == expected


# --- awkward projects ------------------------------------------------------------------------------------------------


def test_files_that_import_each_other(project):
    folder = project(
        {
            "a.py": "from b import safe, EPS\n" + CALLER.format("LIMIT = EPS", "safe").replace("f(z)", "g(z)"),
            "b.py": "from a import g, LIMIT\n" + LOG.replace("\n\n\n", "\n\nEPS = LIMIT\n\n\n") + "\n\n"
            "def f(z):\n    return g(z)\n",
        }
    )
    assert places(folder / "a.py") == [("NAN102", CALL + 1)]
    assert places(folder / "b.py") == []


def test_functions_that_call_each_other_through_two_files(lint):
    a = "import torch\nfrom b import g\n\n\ndef f(x):\n    return g(torch.log(torch.softmax(x, -1)))\n"
    b = "import torch\nfrom a import f\n\n\ndef g(x):\n    return f(torch.exp(x)) / 2\n"
    assert lint({"b.py": b, "a.py": a}) == [("NAN102", 6)]


def test_a_module_that_is_not_there(lint):
    assert lint({"main.py": caller("from nowhere import safe")}) == []
    assert lint({"main.py": caller("from .nowhere import safe")}) == []
    assert lint({"main.py": caller("from ........nowhere import safe")}) == []
    assert lint({"main.py": caller("from .nowhere import safe").replace("safe(p)", "safe(torch.log(p))")}) == FOUND


@pytest.mark.parametrize(
    "broken", [LOG.encode() + b"x = (\n", LOG.encode() + b"\0", LOG.encode() + b"# \xe9\n", b"(" * 5000, b""]
)
def test_a_broken_file_is_unknown_and_the_importer_is_linted(lint, broken):
    text = caller("from helpers import safe") + "\n\ndef g(z):\n    return torch.log(torch.softmax(z, -1))\n"
    assert lint({"helpers.py": broken, "main.py": text}) == [("NAN102", CALL + 4)]


def test_a_file_in_another_encoding(lint):
    helper = b"# coding: latin-1\n# \xe9\n" + LOG.encode()
    assert lint({"helpers.py": helper, "main.py": caller("from helpers import safe")}) == FOUND


def test_a_folder_that_is_named_like_a_file(lint):
    assert lint({"helpers.py/__init__.py": LOG, "main.py": caller("from helpers import safe")}) == []


def test_a_huge_file_is_not_looked_into(project, monkeypatch):
    folder = project(
        {"helpers.py": LOG + "X = 1  # some table\n" * 16_000, "main.py": caller("from helpers import safe")}
    )
    read = reads(monkeypatch)
    assert places(folder / "main.py") == []
    assert read == set()
    project({"helpers.py": LOG + "X = 1  # some table\n" * 100})
    touch(folder / "helpers.py")
    assert places(folder / "main.py") == FOUND


def touch(path, seconds=10):
    """Give the file a time that differs from before, whatever the clock's grain."""
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + seconds))


@pytest.mark.parametrize("init", ["from .helpers import safe\n", "from .helpers import *\n"])
def test_a_file_that_changes_between_two_runs(project, init):
    folder = project({"pkg/__init__.py": init, "pkg/helpers.py": SUM, "main.py": caller("from pkg import safe")})
    assert places(folder / "main.py") == []
    for text, found in ((LOG, FOUND), (SUM, []), (LOG, FOUND)):
        time = (folder / "pkg/helpers.py").stat().st_mtime
        project({"pkg/helpers.py": text})
        os.utime(folder / "pkg/helpers.py", (time + 10, time + 10))
        assert places(folder / "main.py") == found


def test_files_that_come_and_go_between_two_runs(project):
    folder = project({"main.py": caller("from helpers import safe")})
    assert places(folder / "main.py") == []
    project({"helpers.py": LOG})
    assert places(folder / "main.py") == FOUND
    (folder / "helpers.py").unlink()
    assert places(folder / "main.py") == []


def test_a_file_above_the_folder_of_the_script(lint):
    assert lint({"helpers.py": LOG, "scripts/train/main.py": caller("from helpers import safe")}) == FOUND
    # the nearest counts
    assert lint({"scripts/helpers.py": SUM, "scripts/train/main.py": caller("from helpers import safe")}) == []


def test_relative_file_names(project, monkeypatch):
    folder = project({"helpers.py": LOG, "scripts/main.py": caller("from helpers import safe")})
    for where, name, other in (
        (folder, "scripts/main.py", "helpers.py"),
        (folder / "scripts", "main.py", os.path.join("..", "helpers.py")),  # noqa: PTH118
    ):
        monkeypatch.chdir(where)
        (found,) = diagnostics(name)
        assert (found.filename, found.related[0].filename) == (name, other)


def test_the_command(project):
    folder = project(
        {"pkg/__init__.py": "", "pkg/helpers.py": LOG, "pkg/main.py": caller("from ..pkg.helpers import safe")}
    )
    done = subprocess.run(
        [sys.executable, "-m", "nanlint", "check", "--isolated", "main.py"],
        cwd=folder / "pkg",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"main.py:{CALL}:12" in done.stdout
    assert "helpers.py:5" in done.stdout.replace("\\", "/")


def test_a_name_of_the_standard_library(lint):
    # beside a script the own file comes first, inside a package it does not
    assert lint({"random.py": LOG, "main.py": caller("from random import safe")}) == FOUND
    files = {"random.py": SUM, "pkg/__init__.py": "", "pkg/random.py": LOG}
    assert lint({**files, "pkg/main.py": caller("from random import safe")}) == []
    assert lint({**files, "pkg/main.py": caller("from .random import safe")}) == FOUND
    assert lint({"math.py": LOG.replace("safe", "log"), "main.py": caller("import math", "math.log")}) == []


# --- what is reported, and where -------------------------------------------------------------------------------------


def test_a_finding_is_at_the_call_and_points_to_the_other_file(project):
    folder = project({"helpers.py": LOG, "main.py": caller("from helpers import safe")})
    (found,) = diagnostics(folder / "main.py")
    assert found.filename == str(folder / "main.py")
    assert found.span == (CALL, 12, CALL, 19)
    assert found.fix is None
    assert found.message == "log of `x`, a softmax that underflows to 0, in `safe` of helpers.py"
    there, here = found.related
    assert (there.filename, there.span, there.message) == (
        str(folder / "helpers.py"),
        (5, 12, 5, 24),
        "here, in `safe`",
    )
    assert (here.filename, here.span.start_line) == (None, CALL - 1)


def test_a_finding_two_files_away(project):
    middle = "from helpers import safe\n\n\ndef twice(x):\n    return safe(x) / x.numel()\n"
    folder = project({"helpers.py": LOG, "middle.py": middle, "main.py": caller("from middle import twice", "twice")})
    (found,) = diagnostics(folder / "main.py")
    assert (found.code, found.span.start_line) == FOUND[0]
    assert found.related[0].filename == str(folder / "helpers.py")


def test_what_is_bad_without_the_caller_is_reported_in_its_own_file_only(project):
    bad = "import torch\n\n\ndef safe(x):\n    return torch.log(torch.softmax(x, -1))\n"
    folder = project({"helpers.py": bad, "main.py": caller("from helpers import safe")})
    found = [one for result in lint_paths([str(folder)], Settings()) for one in result.found]
    assert [(one.filename, one.span.start_line) for one in found] == [(str(folder / "helpers.py"), 5)]


def test_what_only_the_caller_makes_bad_is_not_reported_in_the_helper(project):
    folder = project({"helpers.py": LOG, "main.py": caller("from helpers import safe")})
    found = [one for result in lint_paths([str(folder)], Settings()) for one in result.found]
    assert [(one.filename, one.span.start_line) for one in found] == [(str(folder / "main.py"), CALL)]


@pytest.mark.parametrize("guarded", ["p.clamp_min(1e-6)", "p + 1e-6", "torch.where(p > 0, p, 1.0)", "p[p > 0]"])
def test_a_caller_that_guards(lint, guarded):
    text = caller("from helpers import safe").replace("(p)", f"({guarded})")
    assert lint({"helpers.py": LOG, "main.py": text}) == []


@pytest.mark.parametrize("guarded", ["x.clamp_min(1e-6)", "x + EPS"])
def test_a_helper_that_guards(lint, guarded):
    helper = LOG.replace("torch.log(x)", f"torch.log({guarded})").replace("\n\n\n", "\n\nEPS = 1e-6\n\n\n", 1)
    assert lint({"helpers.py": helper, "main.py": caller("from helpers import safe")}) == []
    helper = helper.replace("1e-6", "0.0")
    assert lint({"other.py": helper, "main.py": caller("from other import safe")}) != []


# --- what is read ----------------------------------------------------------------------------------------------------


def reads(monkeypatch):
    """The files that are read because of an import, from now on."""
    read = set()

    def record(path, filename):
        read.add(str(path))
        return read_source(path, filename)

    monkeypatch.setattr(nanlint.project, "read_source", record)
    return read


def test_nothing_outside_of_the_project_is_read(project, monkeypatch):
    imports = (
        "import os, json, random, numpy, scipy.special, pytest, libcst\nfrom collections import OrderedDict\n"
        "from torch.distributions.utils import probs_to_logits\nfrom pytest import approx\nfrom libcst import *\n"
        "from outside import safe\nfrom .outside import safe as b\nfrom ..outside import safe as c\n"
        "from ...outside import safe as d\nfrom ....outside import LIMIT\n"
        "import outside as o\nfrom inside import safe as e\n"
    )
    calls = (
        "safe(p) + b(p) + c(p) + d(p) + o.safe(p) + e(p) + LIMIT + approx(p) + probs_to_logits(p) + json.loads(p) / p"
    )
    text = f"import torch\n{imports}\n\ndef f(z):\n    p = torch.softmax(z, -1)\n    return {calls}\n"
    folder = project({"outside.py": LOG + "LIMIT = 1\n", "inner/pyproject.toml": "", "inner/inside.py": SUM})
    project({"inner/src/main.py": text})
    read = reads(monkeypatch)
    loaded = []
    load = Project.load
    monkeypatch.setattr(Project, "load", lambda self, filename: (loaded.append(filename), load(self, filename))[1])
    diagnostics(folder / "inner/src/main.py")
    assert read == {str(folder / "inner/inside.py")}
    assert set(loaded) <= read


def test_what_holds_nothing_that_breaks_is_not_parsed(project, monkeypatch):
    folder = project({"helpers.py": SUM, "main.py": BUSY_CALLER.format("from helpers import safe", "safe")})
    monkeypatch.setattr(Project, "load", lambda *_: pytest.fail("it was parsed"))
    diagnostics(folder / "main.py")


def dependencies(path):
    project = Project()
    source = read_source(path, str(path))
    return interpret(project.parsed(source), filename=str(path), modules=project).dependencies


def test_dependencies(project):
    files = {"pkg/__init__.py": "from .helpers import safe\n", "pkg/helpers.py": LOG, "pkg/unused.py": LOG}
    text = BUSY_CALLER.format("from pkg import safe\nfrom constants import EPS\nfrom lost import LIMIT", "safe")
    folder = project({**files, "constants.py": "EPS = 1\n", "main.py": text.replace("1 /", "EPS /")})
    names = ("pkg/__init__.py", "pkg/helpers.py", "constants.py")
    assert dependencies(folder / "main.py") == {str(folder / name) for name in names}


def test_dependencies_of_which_only_the_text_was_read(project):
    folder = project({"helpers.py": SUM, "main.py": caller("from helpers import safe")})
    assert dependencies(folder / "main.py") == {str(folder / "helpers.py")}


# --- Project itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "importer", "filename", "rest"),
    [
        ("helpers", "main.py", "helpers.py", ()),
        ("helpers.safe", "main.py", "helpers.py", ("safe",)),
        ("helpers.Gate.forward", "main.py", "helpers.py", ("Gate", "forward")),
        ("pkg", "main.py", "pkg/__init__.py", ()),
        ("pkg.safe", "main.py", "pkg/__init__.py", ("safe",)),
        ("pkg.mod.safe", "main.py", "pkg/mod.py", ("safe",)),
        ("pkg.both.safe", "main.py", "pkg/both/__init__.py", ("safe",)),  # a package comes before a module
        ("space.mod.safe", "main.py", "space/mod.py", ("safe",)),
        (".mod.safe", "pkg/main.py", "pkg/mod.py", ("safe",)),
        (".safe", "pkg/main.py", "pkg/__init__.py", ("safe",)),
        (".", "pkg/main.py", "pkg/__init__.py", ()),
        ("..mod.safe", "pkg/both/main.py", "pkg/mod.py", ("safe",)),
        ("...helpers.safe", "pkg/both/main.py", "helpers.py", ("safe",)),
        ("pkg.mod", "pkg/both/main.py", "pkg/mod.py", ()),
        ("mod.safe", "pkg/main.py", "pkg/mod.py", ("safe",)),  # a script beside its helpers
        ("helpers", "a/b/c/main.py", "helpers.py", ()),
    ],
)
def test_find(project, path, importer, filename, rest):
    packages = dict.fromkeys(("pkg/__init__.py", "pkg/both/__init__.py", "pkg/both.py", "pkg/mod.py"), "")
    folder = project({**packages, "helpers.py": "", "space/mod.py": "", "a/b/c/main.py": ""})
    assert Project().find(path, str(folder / importer)) == (str(folder / filename), rest)


@pytest.mark.parametrize(
    ("path", "importer"),
    [
        ("nothing.safe", "main.py"),
        ("space", "main.py"),  # a folder says nothing by itself
        ("space.nothing", "main.py"),
        (".nothing.safe", "main.py"),
        ("", "main.py"),
        (".", "main.py"),
        ("..outside.safe", "main.py"),
        ("outside.safe", "main.py"),
        ("os.path.join", "main.py"),
        ("random.safe", "pkg/main.py"),
        ("helpers", "a/b/c/d/e/main.py"),  # too far up
    ],
)
def test_find_nothing(project, path, importer):
    files = {"outside.py": LOG, "inner/pyproject.toml": "", "inner/space/mod.py": "", "inner/pkg/__init__.py": ""}
    folder = project({**files, "inner/pkg/random.py": LOG, "inner/helpers.py": "", "inner/a/b/c/d/e/main.py": ""})
    assert Project().find(path, str(folder / "inner" / importer)) is None


@pytest.mark.parametrize("mark", [".git", "pyproject.toml"])
def test_the_search_ends_at_the_root_of_a_project_but_not_in_a_package(project, mark):
    folder = project({"helpers.py": "", f"inner/{mark}": "", "inner/scripts/main.py": ""})
    importer = str(folder / "inner/scripts/main.py")
    assert Project().find("helpers", importer) is None
    assert Project().find("...helpers", importer) is None
    project({"inner/__init__.py": ""})
    assert Project().find("helpers", importer) == (str(folder / "helpers.py"), ())
    assert Project().find("...helpers", importer) == (str(folder / "helpers.py"), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LOG, True),
        ("def safe(x):\n    return x / y\n", True),
        ("def safe(x):\n    x /= y\n    return x\n", True),
        ("def safe(x):\n    return x.sqrt()\n", True),
        ("async def safe(x):\n    return x.log()\n", True),
        ("if x:\n    def safe(x):\n        return x.log()\n", True),
        ("def safe(\n    x,\n):\n    return x.log()\n", True),
        ("class A:\n    def safe(self):\n        return 1\n\n\n" + LOG, True),
        ('def safe(x):\n    """Of x:\n\nthe logarithm.\n    """\n    return x.log()\n', True),
        ("def safe(x):\n    '''Don't:\nnot \"so\".\n    '''\n    return x.log()\n", True),
        ("def safe(x, mark='\\''):\n    return x.log()  # '\n", True),
        (SUM, False),
        ("def safe(x):\n    return x / 2 + x // 3\n", False),
        ("def safe(x):\n    # x / y\n    return 'x / y', \"log(x)\"\n", False),
        ('def safe(x):\n    """log(x) / y"""\n    return x\n', False),
        ("def safe(x):\n    return x\n\n\ndef other(x):\n    return x.log()\n", False),
        ("def safer(x):\n    return x.log()\n", False),
        ("", False),
    ],
)
def test_may_break(project, text, expected):
    folder = project({"helpers.py": text})
    assert Project().weigh("helpers.safe", str(folder / "main.py")).may_break is expected


def test_may_break_a_module(project):
    folder = project({"good.py": SUM, "bad.py": SUM + "\n\ndef other(x):\n    return x.log()\n"})
    main = str(folder / "main.py")
    assert not Project().weigh("good", main).may_break
    assert Project().weigh("bad", main).may_break
    assert not Project().weigh("bad.Class.method", main).may_break
    assert not Project().weigh("nowhere.safe", main).may_break


def test_may_break_through_other_files(project):
    chain = {f"m{at}.py": f"from m{at + 1} import safe\n" for at in range(5)}
    folder = project({**chain, "m5.py": LOG, "x.py": "from y import *\n", "y.py": "from x import *\n"})
    main = str(folder / "main.py")
    shared = Project()
    assert not shared.weigh("m0.safe", main).may_break  # too long a chain
    assert [shared.weigh(f"m{at}.safe", main).may_break for at in range(1, 6)] == [False, True, True, True, True]
    assert not shared.weigh("x.safe", main).may_break
