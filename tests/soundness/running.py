"""Both sides of the comparison: what nanlint claims of each `reveal_range(x)`, and what torch computes there."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite, isinf, isnan
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from nanlint.flow.program import interpret
from nanlint.ir.lower import lower_module
from nanlint.ir.positions import locate
from nanlint.source import Source
from nanlint.syntax import parse
from nanlint.values.interval import Range, interval
from nanlint.values.value import Grounds, Value

# float32 keeps 7 digits, and a program loses some of them
PRECISION = 1e-5
# a program that nears this many reveals loops
MOST_REVEALS = 400
MOST_STEPS = 3000
FILENAME = "<random program>"
# the conventions of values/arithmetic.py: these may underflow to an open 0 when their operands are extreme
_MAY_UNDERFLOW = frozenset({"mul", "div", "pow", "reciprocal", "square", "expm1"})
# Shall NaN from an infinite operand count? Not yet: sin(inf), softmax(-inf), gelu(-inf) (`bounded` in ops/define.py),
# and the differences and quotients of flow/relations.py at infinity
NAN_AT_INFINITY = False
# float32 has no numbers between 0 and this one
TINIEST = 1.4e-45
_DIVISIONS = frozenset({
    "div", "true_divide", "reciprocal", "reciprocal_", "rsqrt", "pow", "pow_", "div_", "__truediv__", "__rtruediv__",
    "__pow__", "__rpow__", "__rdiv__", "__itruediv__", "__ipow__", "atan2", "rdiv", "floor_divide", "__rfloordiv__",
})  # fmt: skip
# "One element's NaN is a rule's affair"
_SPREADS = frozenset({"std", "var"})


@dataclass(frozen=True)
class Seen:
    """The numbers of one value, at the moment when a line was reached."""

    line: int
    numbers: tuple[float, ...]
    nans: int  # how many operations have given NaN so far
    divisions: int  # how many divisions by zero: nanlint supposes of a zero the sign of the other numbers


@dataclass(frozen=True)
class Violation:
    """A number that nanlint says cannot be there. `claimed` is None where it says that the line cannot be reached."""

    line: int
    number: float
    claimed: Value | None

    @property
    def kind(self) -> str:
        """What sort of claim is wrong, and of which operation: violations of one kind often have one cause."""
        if self.claimed is None:
            return "unreachable"
        what = "nan" if isnan(self.number) else "inf" if isinf(self.number) else "0" if self.number == 0 else "number"
        return f"{what} from {self.claimed.term.head if self.claimed.term else 'nothing'}"

    def __str__(self) -> str:
        claim = "unreachable" if self.claimed is None else str(self.claimed.range)
        return f"line {self.line}: {self.number!r} where nanlint says {claim} [{self.kind}]"


class Stop(BaseException):
    """The program has shown enough. Not an exception that its own `except Exception` would catch."""


def _limit() -> Callable[[FrameType, str, Any], Any]:
    """A trace function that stops a program which loops without end."""
    left = MOST_STEPS

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != FILENAME:
            return None
        left -= 1
        if left < 0:
            raise Stop
        return trace

    return trace


def claims(text: str) -> dict[int, Value]:
    """What nanlint knows of each revealed name, by line. A line that it takes for dead is absent."""
    source = Source(FILENAME, text)
    analysis = interpret(lower_module(parse(source), source), everything=True)
    revealed = [node for node, _, _ in analysis.reveals]
    spans = locate(source, analysis.module.origin, [node.origin for node in revealed])
    found: dict[int, Value] = {}
    for node in revealed:
        value = analysis.value_of(node)
        if value is not None:
            found[spans[id(node.origin)].start_line] = value
    return found


class _CountNaN(TorchFunctionMode):
    """Counts the operations that gave NaN: nanlint does not suppose that an unknown operand is NaN already, so only
    the first is its affair."""

    def __init__(self) -> None:
        super().__init__()
        self.found = 0
        self.divided = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.__name__ == "nan_to_num" and self.found > 1:
            self.divided += 1  # that its operand is NaN is not supposed
        infinite = not NAN_AT_INFINITY and any(map(_is_infinite, args))  # before: it may be done in place
        result = func(*args, **(kwargs or {}))
        made = [one for one in (result if isinstance(result, tuple) else (result,)) if isinstance(one, torch.Tensor)]
        if any(one.numel() == 0 for one in made):
            raise Stop  # "the sum of one or more elements"
        if any(bool(one.isnan().any()) for one in made):
            self.found += 2 if infinite or func.__name__ in _SPREADS else 1
        if func.__name__ in _DIVISIONS and any(map(_is_infinite, made)):
            self.divided += 1
        return result


def _is_infinite(operand: object) -> bool:
    return isinstance(operand, torch.Tensor) and bool(operand.isinf().any())


@dataclass
class Execution:
    """One run of a program on real tensors."""

    text: str
    seen: list[Seen] = field(default_factory=list)

    def run(self, arguments: dict[str, Any]) -> None:
        """Executes the program and calls its `main`. What it reached before an exception counts all the same."""
        counter = _CountNaN()

        def reveal_range(value: object) -> None:
            line = sys._getframe(1).f_lineno
            numbers = tuple(_numbers(value))
            if numbers:
                self.seen.append(Seen(line, numbers, counter.found, counter.divided))
            if len(self.seen) >= MOST_REVEALS:
                raise Stop

        space: dict[str, Any] = {"reveal_range": reveal_range, "__name__": "program"}
        code = compile(self.text, FILENAME, "exec")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            before = sys.gettrace()
            sys.settrace(_limit())
            try:
                exec(code, space)
                with counter:
                    space["main"](**arguments)
            except (Exception, Stop):
                return
            finally:
                sys.settrace(before)


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, torch.Tensor):
        with torch.no_grad(), torch._C.DisableTorchFunction():
            yield from value.detach().double().flatten().tolist()
    elif isinstance(value, int | float):
        yield float(value)


def violations(claimed: Mapping[int, Value], seen: list[Seen], *, extreme: bool) -> Iterator[Violation]:
    """Where one run contradicts the claims, up to the point where it leaves what nanlint models. `extreme`: its inputs
    are so large or small that products overflow and underflow."""
    for site in seen:
        value = claimed.get(site.line)
        if value is None:
            yield Violation(site.line, site.numbers[0], None)
            return
        outside = [number for number in site.numbers if not _lies_in(value.range, number)]
        outside = [number for number in outside if not (isnan(number) and site.nans > 1)]
        if any(site.divisions or _unmodelled(value, number, extreme) for number in outside):
            return
        if outside:
            yield Violation(site.line, outside[0], value)
            return
        if any(map(isnan, site.numbers)) and (site.nans > 1 or value.grounds is Grounds.NONE or not value.range.nan):
            return  # see `_input` in flow/apply.py: nothing is supposed of the NaN any more


def _lies_in(claimed: Range, number: float) -> bool:
    if claimed.contains(number) or isnan(number) or isinf(number) or number == 0:
        return claimed.contains(number)
    near = PRECISION * abs(number) + 200 * TINIEST
    return claimed.overlaps(interval(number - near, number + near)) and not _is_whole_missed(claimed, number)


def _is_whole_missed(claimed: Range, number: float) -> bool:
    return claimed.integer and isfinite(number) and number != math.floor(number)


def _unmodelled(value: Value, number: float, extreme: bool) -> bool:
    """Does a documented convention say that this number is not considered? See values/arithmetic.py."""
    head, range = (value.term.head if value.term is not None else ""), value.range
    if isnan(number):
        return extreme  # sums of finite elements count as finite
    if isinf(number):
        return range.contains(-number) or (inf if number > 0 else -inf) in (range.lo, range.hi)  # -0.0; an open end
    return extreme and number == 0 and head in _MAY_UNDERFLOW and (range.lo == 0 or range.hi == 0 or range.nonzero)
