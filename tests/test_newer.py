"""Grammar newer than the Python that nanlint runs under is read all the same, and every place in it is right."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.engine import lint_source
from nanlint.newer import in_older_grammar
from nanlint.source import Source, SourceError
from nanlint.syntax import parse

CARDS = load_cards()
HAZARD = "import torch\n\n\n{}\n\n\ndef loss(z):\n    return torch.log(torch.softmax(z, -1)).mean()\n"
NEWER = {
    "parameters of a function": "def f[T: (int, str), *Ts, **P](x: T) -> T:\n    return x",
    "parameters over lines": "def f[\n    T,  # one\n    U = int,\n](x: T) -> U:\n    return x",
    "parameters of a class": "class A[T = int](B):\n    x: T",
    "alias": "type X[T] = list[T]",
    "alias over lines": "type X = (\n    int\n    | str\n)",
    "quotes in a shown expression": 'def f(d):\n    return f"{d["a"]} {d["b"]:>{d["w"]}}"',
    "shown expression over lines": 'def f(d):\n    return f"{\n        d  # all of it\n    }"',
    "joined strings": 'def f(d):\n    return ("a"\n        f"{d["a"]}")',
    "space behind a conversion": 'def f(d):\n    return f"{d!r  }", f"{d["a"]!s \t:>9}"',
    "template": 'def f(d):\n    return t"{d}"',
    "exceptions without parentheses": "try:\n    pass\nexcept KeyError, ValueError:\n    pass",
}


@pytest.mark.parametrize("name", NEWER)
def test_a_finding_beside_newer_grammar_has_its_place(name: str) -> None:
    text = HAZARD.format(NEWER[name])
    (found,) = lint_source(Source("a.py", text), CARDS, Settings())
    assert found.code == "NAN102"
    line = text.splitlines()[found.span.start_line - 1]
    assert line[found.span.start_column - 1 :].startswith("torch.softmax(z, -1)")


@pytest.mark.parametrize("name", NEWER)
def test_lines_and_columns_stay(name: str) -> None:
    text = HAZARD.format(NEWER[name])
    older = in_older_grammar(Source("a.py", text))
    assert older is not None
    assert [len(line) for line in older.split("\n")] == [len(line) for line in text.split("\n")]
    ast.parse(older)


@pytest.mark.parametrize("text", ["def f[T(x):\n    return x\n", "type X = \n", 'x = f"{"\n', "except A, B:\n"])
def test_what_is_wrong_in_every_grammar(text: str) -> None:
    with pytest.raises(SourceError):
        parse(Source("a.py", text))


def test_what_libcst_loses_moves_nothing() -> None:
    text = "class A[T]:\n    x: T\n\n\nx = 1\n\n  # the end\n"
    assert in_older_grammar(Source("a.py", text)) == text.replace("[T]", "   ")
    assert in_older_grammar(Source("a.py", "\f" + text)) is None


def test_other_files_do_without_libcst() -> None:
    script = (
        "import sys; from nanlint.config import Settings; from nanlint.cards import load_cards\n"
        "from nanlint.engine import lint_source\n"
        "from nanlint.source import Source\n"
        f"text = {HAZARD.format('x = 1')!r}\n"
        "assert lint_source(Source('a.py', text), load_cards(), Settings())\n"
        "assert not {'libcst', 'torch', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
