"""A function that takes too long to interpret is unknown from there on, and the rest of the file is linted."""

from __future__ import annotations

import time

import pytest

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.engine import lint_source
from nanlint.source import Source

CARDS = load_cards()
FOUND = "\n\ndef simple(x):\n    return torch.log(torch.softmax(x, -1))\n"


def _branches(count: int) -> str:
    body = "".join(f"    if c[{i}] > {i}:\n        x = x / (x.sum() + {i})\n" for i in range(count))
    return f"import torch\n\n\ndef many(x, c):\n{body}    return torch.log(torch.softmax(x, -1))\n"


def _loops(depth: int) -> str:
    heads = "".join(f"{' ' * at}for i{at} in range(x.shape[{at}]):\n" for at in range(1, depth))
    return f"import torch\n\n\ndef many(x):\n{heads}{' ' * depth}x = x / x.norm()\n return x\n"


def _mutual(count: int) -> str:
    return "import torch\n" + "".join(
        f"\n\ndef f{at}(x):\n    return f{(at + 1) % count}(x) + f{(at * 7 + 3) % count}(x) + torch.log(x)\n"
        for at in range(count)
    )


def _tree(depth: int) -> str:
    body = "    a = g{0}(x)\n    b = g{0}(a)\n    return torch.log(a.exp() + b) / g{0}(b)\n"
    calls = "".join(f"\n\ndef g{at}(x):\n{body.format(at + 1)}" for at in range(depth))
    return f"import torch\n{calls}\n\ndef g{depth}(x):\n    return x.softmax(-1)\n"


@pytest.mark.parametrize(
    "text", [_branches(5000), _loops(90), _mutual(2000), _tree(60)], ids=["branches", "loops", "mutual", "tree"]
)
def test_what_nobody_writes_by_hand(text: str) -> None:
    found = lint_source(Source("a.py", text + FOUND), CARDS, Settings())
    assert (found[-1].code, found[-1].span.start_line) == ("NAN102", text.count("\n") + 4)


@pytest.mark.parametrize(("text", "line"), [(_branches(5000), 4), (_loops(90), 4)], ids=["branches", "loops"])
def test_silence_is_not_taken_for_health(text: str, line: int) -> None:
    found = lint_source(Source("a.py", text + FOUND), CARDS, Settings())
    given_up = [one for one in found if one.code == "NAN004"]
    assert [(one.span.start_line, one.span.end_line, one.severity) for one in given_up] == [(line, line, "info")]
    assert given_up[0].message == "`many` takes too long to analyse: not everything in it was looked at"
    quiet = text.replace("def many(", "def many(  # nanlint: ignore[NAN004]\n    ") + FOUND
    assert "NAN004" not in [one.code for one in lint_source(Source("a.py", quiet), CARDS, Settings())]
    assert "NAN004" in [one.code for one in lint_source(Source("tests/test_a.py", text), CARDS, Settings())]


def test_a_module_that_takes_too_long() -> None:
    text = "import torch\nx = torch.rand(3)\n" + _loops(90).partition("def many(x):\n")[2].replace("\n ", "\n")[1:]
    found = lint_source(Source("a.py", text.replace(" return x\n", "").replace("return x\n", "")), CARDS, Settings())
    assert [(one.code, one.message.split(" takes")[0]) for one in found if one.code == "NAN004"] == [
        ("NAN004", "the module")
    ]


def test_what_is_large_and_ordinary() -> None:
    body = "".join(f"    x = torch.where(c > {at}, x, x + {at})\n" for at in range(1000))
    text = f"import torch\n\n\ndef long(x, c):\n{body}    return torch.log(torch.softmax(x, -1))\n"
    assert [one.code for one in lint_source(Source("a.py", text), CARDS, Settings())] == ["NAN102"]
    assert "NAN102" in [one.code for one in lint_source(Source("a.py", _branches(100)), CARDS, Settings())]


def test_short_private_helpers_are_always_run() -> None:
    """What a short private function is for, only its callers tell: even after much work on others."""
    line = "    x = x / (x.abs() + 1)\n"
    long = f"\n\ndef long(x):\n{line * 200}    return x\n"
    callers = "".join(f"\n\ndef f{at}(x):\n    return long(x + {at}) / 2\n" for at in range(9))
    share = "\n\ndef _share(x):\n    return x.sum() / (x > 0).sum()\n"
    kept = "\n\ndef kept(x):\n    return x[_share(x) > 0.5]\n"
    found = lint_source(Source("a.py", f"import torch\n{long}{callers}{share}{kept}"), CARDS, Settings())
    assert not [one for one in found if one.code == "NAN111"]


NESTED = {
    "where": "torch.where(x > {0}, x, {1})",
    "both arms": "torch.where(x > {0}, torch.log({1}), {1})",
    "where as condition": "torch.where({1} > 0, x, y)",
    "masked_fill": "({1}).masked_fill(x > {0}, {0})",
    "selection": "({1})[x > {0}]",
    "condition": "({1} if x > {0} else y)",
    "function": "f({1})",
    "lambda": "(lambda x: {1})(x)",
    "comprehension": "[{1} for x in y]",
    "maximum": "torch.max(x, {1})",
}


@pytest.mark.parametrize("name", NESTED)
def test_what_nests_is_not_looked_at_twice_as_often_on_every_level(name: str) -> None:
    text = "torch.log(x)"
    for at in range(8 if name == "both arms" else 40):  # the text of both arms doubles itself
        text = NESTED[name].format(at, text)
    text = f"import torch\n\n\ndef f(x):\n    return x / x.sum()\n\n\ndef deep(x, y):\n    return {text}\n" + FOUND
    started = time.process_time()
    found = lint_source(Source("a.py", text), CARDS, Settings())
    assert found[-1].code == "NAN102"
    assert time.process_time() - started < 10
