"""A function that takes too long to interpret is unknown from there on, and the rest of the file is linted."""

from __future__ import annotations

import pytest

from nanlint.config import Settings
from nanlint.engine import lint_source, load_cards
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


def test_what_is_large_and_ordinary() -> None:
    body = "".join(f"    x = torch.where(c > {at}, x, x + {at})\n" for at in range(1000))
    text = f"import torch\n\n\ndef long(x, c):\n{body}    return torch.log(torch.softmax(x, -1))\n"
    assert [one.code for one in lint_source(Source("a.py", text), CARDS, Settings())] == ["NAN102"]
    assert "NAN102" in [one.code for one in lint_source(Source("a.py", _branches(100)), CARDS, Settings())]
