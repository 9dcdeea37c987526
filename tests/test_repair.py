"""What repairs do at the edges: which names they use, what they keep, and when they rather do nothing."""

import textwrap

import pytest

from nanlint.fix import Applicability, apply_fixes
from nanlint.source import Source
from nanlint.testing import Lint


def _repaired(lint: Lint, code: str, *, unsafe: bool = True) -> str:
    source = Source("t.py", textwrap.dedent(code))
    allowed = {Applicability.SAFE, Applicability.UNSAFE} if unsafe else {Applicability.SAFE}
    fixes = [one.fix for one in lint(source) if one.fix is not None and one.fix.applicability in allowed]
    text, _ = apply_fixes(source, fixes)
    return text


def _last_line(lint: Lint, imports: str, body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return _repaired(lint, f"{imports}\n\n\ndef f(x, y, a, b):\n{lines}").splitlines()[-1].strip()


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ("import torch", "torch.nn.functional.logsigmoid(x)"),
        ("import torch\nimport torch.nn.functional as F", "F.logsigmoid(x)"),
        ("from torch import nn", "nn.functional.logsigmoid(x)"),
        ("from torch.nn.functional import logsigmoid", "logsigmoid(x)"),
        ("from torch.nn.functional import logsigmoid as ls", "ls(x)"),
        ("import torch.nn", "torch.nn.functional.logsigmoid(x)"),
    ],
)
def test_the_imported_name_is_used(lint: Lint, imports: str, expected: str) -> None:
    assert _last_line(lint, imports, "return x.sigmoid().log()") == f"return {expected}"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_missing_import_is_added_after_the_last_one(lint: Lint, newline: str) -> None:
    code = "from torch import nn  # layers\n\n\ndef f(x):\n    return x.var(0).sqrt() + (x * x).sum().sqrt()\n"
    source = Source("t.py", code.replace("\n", newline))
    fixes = [one.fix for one in lint(source) if one.fix is not None]
    text, _ = apply_fixes(source, fixes)
    expected = (
        "from torch import nn  # layers\nimport torch\n\n\n"
        "def f(x):\n    return x.std(0) + torch.linalg.vector_norm(x)\n"
    )
    assert text == expected.replace("\n", newline)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return (x + y).softmax(dim=-1).log()", "return (x + y).log_softmax(dim=-1)"),
        ("return (1 - (x + y).sigmoid()).log()", "return torch.nn.functional.logsigmoid(-(x + y))"),
        ("return 1 / (1 + torch.exp(x))", "return torch.sigmoid(-x)"),
        ("return x.exp() / (1 + x.exp())", "return torch.sigmoid(x)"),
        ("return (1 + (-x).exp()).reciprocal()", "return torch.sigmoid(x)"),
        ("return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())", "return torch.tanh(x)"),
        ("return ((x - y) ** 2).sum() ** 0.5", "return torch.linalg.vector_norm(x - y)"),
        ("return x / x.norm(2, -1, True)", "return torch.nn.functional.normalize(x, dim=-1)"),
        ("return torch.log(x.exp().sum())", "return torch.logsumexp(x.flatten(), 0)"),
        ("return torch.sqrt(x.var(dim=(0, 1), unbiased=False))", "return x.std(dim=(0, 1), unbiased=False)"),
    ],
)
def test_safe_rewrites(lint: Lint, body: str, expected: str) -> None:
    source = f"import torch\n\n\ndef f(x, y):\n    {body}\n"
    assert _repaired(lint, source, unsafe=False).splitlines()[-1].strip() == expected


@pytest.mark.parametrize(
    "body",
    [
        "x.sigmoid_().log_()",  # in place: the variable changes too
        "return torch.log(torch.sigmoid(x), out=y)",
        "return (x.softmax(-1)  # why\n    ).log()",
        "p = torch.sigmoid(x)\nx = y\nreturn p.log()",  # the logits have lost their name
        "x /= x.norm(dim=-1, keepdim=True)",
        "return x / x.norm(dim=-1)",  # another shape
        "return x / x.norm(p=1, dim=-1, keepdim=True)",
        "return x / x.norm()",
        "return x.exp() / x.exp().sum()",
        "return x.exp() / x.exp().sum((0, 1), keepdim=True)",
        "return torch.log(x.exp().sum(-1, dtype=torch.float64))",
        "return torch.log(x.softmax(-1).detach())",
        "return (x.half() ** 2 + y.half() ** 2).sqrt()",
    ],
)
def test_no_safe_rewrite_where_it_is_doubtful(lint: Lint, body: str) -> None:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    code = f"import torch\n\n\ndef f(x, y):\n{lines}"
    assert _repaired(lint, code, unsafe=False) == code


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "return torch.log(x.abs() if a else y.abs())",
            "return torch.log((x.abs() if a else y.abs()).clamp_min(1e-8))",
        ),
        ("return x.abs() ** 0.5", "return (x.abs() + 1e-8) ** 0.5"),
        ("x /= y.abs()", "x /= y.abs() + 1e-8"),
        ("x.div_(y.abs())", "x.div_(y.abs() + 1e-8)"),
        ("return torch.log(x.half().abs())", "return torch.log(x.half().abs().clamp_min(1e-4))"),
        ("return torch.log1p(-x.abs())", "return torch.log1p((-x.abs()).clamp_min(-0.999999))"),
        ("return x / (a == b).sum().item()", "return x / max((a == b).sum().item(), 1)"),
        ("n = (a == b).sum().item()\nreturn x / n", "return x / max(n, 1)"),
        ("n = int((a == b).sum())\nreturn x / n", "return x / max(n, 1)"),
        ("n = (a == b).sum()\nreturn x / n", "return x / n.clamp_min(1)"),
        ("x.abs_().log_()", "x.abs_().log_()"),
    ],
)
def test_guards(lint: Lint, body: str, expected: str) -> None:
    assert _last_line(lint, "import torch", body) == expected
