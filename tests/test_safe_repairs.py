"""The value-preserving repairs keep value and gradient, and are finite where the original is not.

The code under test is that of the fixtures `repairs.py`: the half before `# output` against the half after it, which
`test_fixtures.py` shows to be what nanlint writes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

RULES = Path(__file__).parent / "fixtures" / "rules"

# where the original breaks: a far logit, an overflowing exponent, a zero vector
BAD_POINTS = {
    "NAN102-log-of-softmax": [[0.0, 200.0, -200.0], [200.0, 0.0, 1.0], [1.0, 2.0, 200.0]],
    "NAN103-log-of-sigmoid": [[200.0, -200.0, 0.0]] * 3,
    "NAN104-log-sum-exp-by-hand": [[200.0, -200.0, 0.0]] * 3,
    "NAN105-softmax-by-hand": [[200.0, -200.0, 0.0]] * 3,
    "NAN112-division-by-norm": [[0.0, 0.0, 0.0]] * 3,
    "NAN122-norm-by-hand": [[0.0, 0.0, 0.0]] * 3,
    "NAN125-where-does-not-stop-gradients": [[0.0, 0.0, 0.0]] * 3,
}


def _functions(code: str) -> dict[str, Callable[..., torch.Tensor]]:
    scope: dict[str, Any] = {}
    exec(compile(code, "repairs.py", "exec"), scope)
    return {name: made for name, made in scope.items() if hasattr(made, "__code__")}


CASES = [
    pytest.param(rule, before, after, id=f"{rule[:6]}-{name}")
    for rule in BAD_POINTS
    for halves in [(RULES / rule / "repairs.py").read_text(encoding="utf-8").split("# output\n")]
    for afters in [_functions(halves[1])]
    for name, before in _functions(halves[0]).items()
    for after in [afters[name]]
]


def _run(function: Callable[..., torch.Tensor], inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    """The value, and the gradient with respect to each input of a weighted sum of it."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    value = function(*inputs)
    # uneven weights: the plain sum of a softmax has no gradient
    weights = torch.linspace(0.5, 1.5, value.numel()).reshape(value.shape)
    return [value.detach(), *torch.autograd.grad((value * weights).sum(), inputs)]


@pytest.mark.parametrize(("rule", "before", "after"), CASES)
def test_value_and_gradient_are_kept(
    rule: str, before: Callable[..., torch.Tensor], after: Callable[..., torch.Tensor]
) -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        inputs = [torch.randn(3, 3, generator=generator) for _ in range(before.__code__.co_argcount)]
        for expected, found in zip(_run(before, inputs), _run(after, inputs), strict=True):
            finite = torch.isfinite(expected)  # below 0 the gradient of a root that is not chosen is NaN
            assert finite.any()
            torch.testing.assert_close(found[finite], expected[finite], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("rule", "before", "after"), CASES)
def test_the_repaired_form_is_finite_where_the_original_is_not(
    rule: str, before: Callable[..., torch.Tensor], after: Callable[..., torch.Tensor]
) -> None:
    inputs = [torch.tensor(BAD_POINTS[rule])]
    # a second input that leaves the bad point where it is: the identity for a product, zeros for the rest
    second = torch.eye(3) if before.__code__.co_varnames[1:2] == ("w",) else torch.zeros(3, 3)
    inputs += [second] * (before.__code__.co_argcount - 1)
    assert not all(torch.isfinite(part).all() for part in _run(before, inputs))
    assert all(torch.isfinite(part).all() for part in _run(after, inputs))
