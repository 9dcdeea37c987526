"""What would crash the parser is refused before it; what people write is not."""

import subprocess
import sys

import pytest

from nanlint.depth import check_depth, on_deep_stack
from nanlint.source import Source, SourceError

N = 10_000
DEEP = {
    "parentheses": "x = " + "(" * N + "1" + ")" * N,
    "unclosed": "x = " + "(" * N,
    "lists": "x = " + "[" * N + "]" * N,
    "dicts": "x = " + "{1: " * N + "1" + "}" * N,
    "calls inside": "x = " + "f(" * N + ")" * N,
    "minus": "x = " + "-" * N + "1",
    "not": "x = " + "not " * N + "1",
    "attributes": "x = a" + ".b" * N,
    "calls": "x = a" + "()" * N,
    "calls with arguments": "x = a" + "(b, c)" * N,
    "sum": "x = " + "+".join("a" * N),
    "sum over lines": "x = (" + "\n+ ".join("a" * N) + ")",
    "sum over continued lines": "x = " + "\\\n + ".join("a" * N),
    "sum of calls": "x = " + " + ".join(["f(a, b)"] * N),
    "power": "x = " + "**".join("a" * N),
    "and": "x = " + " and ".join("a" * N),
    "conditional": "x = " + "a if b else " * N + "c",
    "lambda": "x = " + "lambda: " * N + "c",
    "lambda with parameters": "x = " + "lambda a, b: " * N + "c",
    "strings": "x = " + '"a" ' * N,
    "formatted": "x = f'{" + "(" * N + ")" * N + "}'",
    "elif": "if a: pass\n" + "elif b: pass\n" * N,
}
FLAT = {
    "list": "x = [" + "1, " * N + "]\n",
    "list of calls": "x = [" + "f(a, b)[0].c + 1,\n" * N + "]\n",
    "statements": "x = f(a, b) + 1\n" * N,
    "statements on one line": "x = 1; " * N,
    "old Macintosh": "x = f(a, b) + 1\r" * N,
    "brackets in strings": 'x = "' + "(" * N + '"\n# ' + "[" * N + "\n'''" + "{\n" * N + "'''\n",
    "branches": "if a:\n    pass\nelif b:\n    pass\n" * N,
    "closers": ")" * N,
}


@pytest.mark.parametrize("name", DEEP)
def test_deep(name):
    with pytest.raises(SourceError, match="too deep to analyse"):
        check_depth(Source("a.py", DEEP[name]))


@pytest.mark.parametrize("name", FLAT)
def test_flat(name):
    check_depth(Source("a.py", FLAT[name]))


@pytest.mark.parametrize(
    "text",
    ["x = " + "-" * 1900 + "1", "x = " + "+".join("a" * 900), "x = a" + ".b" * 900, "x = a" + "()" * 900,
     "if a: pass\n" + "elif b: pass\n" * 999, "x = " + "(" * 199 + "1" + ")" * 199],
)  # fmt: skip
def test_what_is_let_through_can_be_parsed_and_printed(text):
    script = (
        "import sys, libcst; from nanlint.depth import *; from nanlint.source import Source\n"
        "text = sys.stdin.read(); check_depth(Source('a.py', text))\n"
        "assert on_deep_stack(lambda: libcst.parse_module(text).code) == text"
    )
    done = subprocess.run([sys.executable, "-c", script], input=text, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_where_it_is_too_deep():
    with pytest.raises(SourceError) as error:
        check_depth(Source("a.py", "\n  " + "(" * 201))
    assert (error.value.line, error.value.column) == (2, 203)


def test_recursion_fits_and_the_limit_comes_back():
    limit = sys.getrecursionlimit()

    def down(levels):
        return levels and 1 + down(levels - 1)

    assert on_deep_stack(lambda: down(10_000)) == 10_000
    assert sys.getrecursionlimit() == limit


def test_what_is_raised_arrives():
    with pytest.raises(ZeroDivisionError):
        on_deep_stack(lambda: 1 // 0)
