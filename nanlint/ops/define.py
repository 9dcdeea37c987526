"""The words in which operations are defined: results from ranges, grounds from operands."""

from __future__ import annotations

from collections.abc import Callable

from nanlint.ops.operation import Hazard, Operands, Operation, Role
from nanlint.values.interval import ANY, Range
from nanlint.values.value import Grounds, Kind, Value

Result = Callable[[Operands], Range]
GroundsRule = Callable[[Operands, Range], Grounds]

# the operands whose numbers meet in the result; "dim", "mask" and their like only say which of them
NUMERIC = ("x", "y", "z", "w", "value", "min", "max")
# and those between which numbers are made
_ALL_NUMERIC = (*NUMERIC, "low", "high", "start", "end")


def range_of(operands: Operands, name: str, default: Range = ANY) -> Range:
    """The range of one operand, or the default where it was left out."""
    value = operands.get(name)
    return default if value is None else value.range


def constant_of(operands: Operands, name: str, default: float | None) -> float | None:
    """The number one operand is: the default where it was left out, None where it is not known."""
    value = operands.get(name)
    return default if value is None else value.constant


# --- results -----------------------------------------------------------------------------------------------------


def always(r: Range) -> Result:
    """The same range, whatever the operands."""
    return lambda operands: r


def bounded(r: Range) -> Result:
    """One range for all numbers, and NaN where the operand may be NaN."""
    with_nan = r.with_nan()
    return lambda operands: with_nan if range_of(operands, "x").nan else r


def unary(f: Callable[[Range], Range]) -> Result:
    """A function of the range of x."""
    return lambda operands: f(range_of(operands, "x"))


def binary(f: Callable[[Range, Range], Range]) -> Result:
    """A function of the ranges of x and y."""
    return lambda operands: f(range_of(operands, "x"), range_of(operands, "y"))


# --- grounds -----------------------------------------------------------------------------------------------------


def weakest(operands: Operands, result: Range) -> Grounds:
    """As well founded as the least well founded operand that is not a constant; KNOWN if all are."""
    grounds = Grounds.REACHED
    varies = False
    for name in _ALL_NUMERIC:
        value = operands.get(name)
        if value is not None and not value.range.is_constant:
            varies = True
            grounds = min(grounds, value.grounds)
    return grounds if varies else Grounds.KNOWN


def all_at_once(operands: Operands, result: Range) -> Grounds:
    """Of many elements: one may well saturate, but for the whole to reach its end all must, far out."""
    inherited = weakest(operands, result)
    return Grounds.UNDERFLOW if inherited is Grounds.REACHED else inherited


def square(operands: Operands, result: Range) -> Grounds:
    """A square is 0 or more whatever it is the square of. That a setting (`self.sigma`) is 0 is another matter."""
    x = operands["x"]
    if x.range.lo >= 0 and x.grounds in (Grounds.UNDERFLOW, Grounds.REACHED):
        return x.grounds  # far out, where the operand saturates
    setting = x.grounds is Grounds.NONE and x.kind is Kind.UNKNOWN and x.term is not None and x.term.head == "attr"
    return Grounds.ASSUMED if setting or x.grounds is Grounds.ASSUMED else Grounds.KNOWN


def fixed_at(grounds: Grounds) -> GroundsRule:
    """The operation itself is the ground."""
    return lambda operands, result: grounds


known = fixed_at(Grounds.KNOWN)
reached = fixed_at(Grounds.REACHED)


def zero_from(*names: str) -> GroundsRule:
    """Where the result may be 0, the best founded of the operands that bring the 0 in; where none does, only extreme
    operands give 0: that they are is supposed. Elsewhere the weakest operand."""

    def grounds(operands: Operands, result: Range) -> Grounds:
        if not result.may_be_zero():
            return weakest(operands, result)
        zeros = [_own(operands[name]) for name in names if name in operands and operands[name].range.may_be_zero()]
        return min(max(zeros), Grounds.KNOWN) if zeros else min(weakest(operands, result), Grounds.ASSUMED)

    return grounds


def _own(value: Value) -> Grounds:
    return Grounds.KNOWN if value.range.is_constant else value.grounds


def floor_at(*names: str) -> GroundsRule:
    """KNOWN where a constant operand is the reached lower end (clamp, maximum); else the weakest operand."""

    def grounds(operands: Operands, result: Range) -> Grounds:
        inherited = weakest(operands, result)
        for name in names:
            bound = operands.get(name)
            if bound is not None and bound.constant is not None and bound.constant == result.lo:
                return max(Grounds.KNOWN, inherited)
        return inherited

    return grounds


# --- the operation -----------------------------------------------------------------------------------------------


def operation(
    name: str,
    phrase: str,
    operands: str,
    result: Result,
    grounds: GroundsRule = weakest,
    *,
    safe: Range | None = None,
    smooth: Range | None = None,
    hazard_of: str = "x",
    role: Role = Role.COMPUTE,
    overflow: Range | None = None,
    watched: bool = False,
) -> Operation:
    """One row of a table. `operands` are names with spaces between; `safe` and `smooth` are about `hazard_of`, and
    `overflow` is about x."""
    hazard = None if safe is None else Hazard(hazard_of, safe, smooth)
    return Operation(name, phrase, tuple(operands.split()), result, grounds, hazard, role, overflow, watched)
