"""Epsilons made effective: added last, or enlarged to what the format can tell apart. They change numbers: unsafe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply, Constant, Expr
from nanlint.repair.edits import Repair
from nanlint.repair.halves import with_argument
from nanlint.repair.precedence import as_summand
from nanlint.values.rounding import round_to
from nanlint.values.value import DType, Term

_RESOLUTION = {None: "1e-6", DType.FLOAT32: "1e-6", DType.FLOAT16: "1e-3", DType.BFLOAT16: "1e-2"}
_SMALLEST = {DType.FLOAT16: "1e-4"}


@dataclass(frozen=True, slots=True)
class Lost:
    """A small constant that does nothing.

    Attributes:
        inside: the sum or clamp that it is lost in.
        epsilon: the constant's term; for a bound, the term of the bound (`1 - 1e-8`).
        size: the constant.
        beside: the number that it vanishes beside; 0 where it is 0 itself.
        dtype: the format in which it is lost.
        bounds: is it one of the limits of a clamp?
    """

    inside: Term
    epsilon: Term
    size: float
    beside: float
    dtype: DType | None
    bounds: bool

    def __str__(self) -> str:
        name = "float32" if self.dtype is None else self.dtype.value
        if self.beside == 0:
            return f"{short(self.size)} is 0 in {name}"
        sign = "+" if self.size > 0 else "-"
        return f"{short(self.beside)} {sign} {short(abs(self.size))} is {short(self.beside)} in {name}"


def short(number: float) -> str:
    """1e-8 rather than 1e-08, and 1 rather than 1.0."""
    if not 0 < abs(number) < 1e-2:
        return f"{number:.3g}"
    digits, _, exponent = f"{number:.2e}".partition("e")
    return f"{float(digits):g}e{int(exponent)}"


def effective(facts: Facts, use: Use, lost: Sequence[Lost]) -> Repair | None:
    """All lost constants of an operand made effective; None if one of them is out of reach."""
    replaced: list[tuple[Expr, str]] = []
    words: list[str] = []
    for one in lost:
        made = facts.producer(one.inside, use)
        node = None if made is None else _node_of(facts, made, one.epsilon)
        found = None if node is None or made is None else _enlarged(node, one) or _reordered(facts, use, node, one)
        if found is None:
            return None
        if all(found[0] is not node for node, _ in replaced):
            replaced.append(found[:2])
            words.append(found[2])
    return Repair(Applicability.UNSAFE, "; ".join(dict.fromkeys(words)), tuple(replaced)) if replaced else None


def larger_argument(facts: Facts, use: Use) -> Repair | None:
    """`eps=1e-4` for a function in half precision."""
    given = use.node.operands.get("eps")
    size = _SMALLEST[DType.FLOAT16]
    if given is not None:
        return Repair(Applicability.UNSAFE, f"enlarge to {size}", ((given, size),)) if _is_literal(given) else None
    return with_argument(facts, use.node, f"eps={size}", f"give `eps={size}`")


def _enlarged(node: Expr, lost: Lost) -> tuple[Expr, str, str] | None:
    if not _is_literal(node):
        return None
    if lost.bounds and lost.beside != 0:
        size = _RESOLUTION[lost.dtype]
        sign = "+" if lost.size > 0 else "-"
        return node, f"{lost.beside:.0f} {sign} {size}", f"enlarge to {size}"
    if lost.beside == 0 and lost.dtype in _SMALLEST:
        size = ("-" if lost.size < 0 else "") + _SMALLEST[lost.dtype]
        return node, size, f"enlarge to {size}"
    return None


def _reordered(facts: Facts, use: Use, node: Expr, lost: Lost) -> tuple[Expr, str, str] | None:
    """`1e-10 + 1 - p` → `1 - p + 1e-10`."""
    whole = _whole_sum(use, node)
    if lost.bounds or lost.beside == 0 or whole is None or facts.chain or round_to(lost.size, lost.dtype) == 0:
        return None
    parts = list(_summands(whole))
    if len(parts) < 3 or any(part is use.node for _, part in parts):
        return None
    last = next(pair for pair in parts if pair[1] is node)
    parts = [*(pair for pair in parts if pair is not last), last]
    first = next((pair for pair in parts if pair[0] > 0), parts[0])
    parts = [first, *(pair for pair in parts if pair is not first)]
    text = "".join(f" {'+' if sign > 0 else '-'} {as_summand(facts.text(part))}" for sign, part in parts)
    text = text.removeprefix(" + ")
    return (whole, text, f"add {facts.text(node)} last") if not text.startswith(" -") else None


def _node_of(facts: Facts, made: Apply, term: Term) -> Expr | None:
    return next((node for node in made.operands.values() if facts.term_of(node) is term), None)


def _whole_sum(use: Use, node: Expr) -> Apply | None:
    """The outermost sum inside the use that this is a direct summand of."""
    for operand in use.node.operands.values():
        for each in _applications(operand):
            if any(part is node for _, part in _summands(each)):
                return each
    return None


def _applications(node: Expr) -> Iterator[Apply]:
    if isinstance(node, Apply):
        yield node
        for operand in node.operands.values():
            yield from _applications(operand)


def _summands(node: Expr, sign: int = 1) -> Iterator[tuple[int, Expr]]:
    name = node.spelling.operation.name if isinstance(node, Apply) and node.callee is None else ""
    if isinstance(node, Apply) and name in ("add", "sub") and node.spelling.framework == "python":
        yield from _summands(node.operands["x"], sign)
        yield from _summands(node.operands["y"], -sign if name == "sub" else sign)
    else:
        yield sign, node


def _is_literal(node: Expr) -> bool:
    """Is it written in numbers only?"""
    if isinstance(node, Apply) and node.spelling.framework == "python":
        return all(map(_is_literal, node.operands.values()))
    return isinstance(node, Constant)
