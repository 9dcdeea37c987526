"""What an operation is: its operands, the range of its result, and where it is safe.

An `Operation` is a fact about mathematics and floats, shared by all frameworks; a `Spelling` is one way to write
it in one framework. Both are data: property tests compare them with the real libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from nanlint.values.interval import Range
from nanlint.values.value import Grounds, Value

# The operands of one application, by canonical name ("x", "y", "min", "dim"). Absent operands are absent.
Operands = Mapping[str, Value]


class Role(Enum):
    """What an operation does to the identity of its operand `x`."""

    COMPUTE = "compute"  # new numbers
    VIEW = "view"  # the same numbers, rearranged or converted: reshape, detach, to, contiguous
    REDUCE = "reduce"  # fewer numbers: sum, mean, max over a dimension


class Form(Enum):
    """How an application is written; a fix keeps the form where it can."""

    FUNCTION = "function"  # torch.log(x)
    METHOD = "method"  # x.log()
    INPLACE = "inplace"  # x.log_()
    OPERATOR = "operator"  # x / y, abs(x)
    MODULE = "module"  # nn.Softmax(-1)(x)


@dataclass(frozen=True, slots=True)
class Hazard:
    """Where an operand leaves the safe range.

    Attributes:
        operand: the canonical name of the operand this is about.
        safe: inside, the result is finite; outside, it is NaN or Inf.
        smooth: inside, the gradient with respect to the operand is finite too (None: the same as `safe`).
    """

    operand: str
    safe: Range
    smooth: Range | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: canonical, e.g. "log"; cards and terms use it.
        phrase: as messages say it: "a softmax", "the sum", "the difference".
        operands: canonical names in order; the first is the one that flows through.
        result: operands → range of every element of the result, as floats compute it.
        grounds: operands and result → how well founded the ends of that range are.
        hazard: where it breaks, if it does.
        overflow: where a result in float32 is finite, if that is bounded.
        role: what it does to the identity of its first operand.
        watched: a rule may speak of it although no number is dangerous: of its shape or its options.
    """

    name: str
    phrase: str
    operands: tuple[str, ...]
    result: Callable[[Operands], Range]
    grounds: Callable[[Operands, Range], Grounds]
    hazard: Hazard | None = None
    role: Role = Role.COMPUTE
    overflow: Range | None = None
    watched: bool = False


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write an operation in one framework.

    Attributes:
        operation: what it computes.
        framework: "torch", "numpy", "jax", "tensorflow" or "keras"; "python" for operators and builtins.
        form: function, method, in-place method, operator or module.
        positions: canonical operand names in the order of positional arguments; "_" for one we do not track.
            For a method the receiver comes first. For a module these are the constructor's arguments.
        keywords: the framework's keyword → canonical operand name.
        fixed: operands that this spelling implies, e.g. clamp_min has no "max", square has exponent 2.
    """

    operation: Operation
    framework: str
    form: Form
    positions: tuple[str, ...]
    keywords: Mapping[str, str]
    fixed: Mapping[str, Value]
