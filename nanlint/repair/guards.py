"""Guards around an operand: a clamp, an added epsilon, a divisor of at least 1. They change numbers: unsafe."""

from __future__ import annotations

from math import isfinite

from nanlint.config import RuleOptions
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply, Assign, Attribute, Expr
from nanlint.ops.operation import Form
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import Written, library
from nanlint.repair.precedence import as_argument, as_primary, as_summand
from nanlint.values.interval import Range
from nanlint.values.value import DType, Kind, Value

_EPSILON = 1e-8
_HALF_EPSILON = 1e-4  # 1e-8 is 0 in float16
# the nearest to 1 that the format and a little arithmetic still tell from 1
_RESOLUTION = 1e-6
_HALF_RESOLUTION = {DType.FLOAT16: 1e-3, DType.BFLOAT16: 1e-2}


def clamp(facts: Facts, use: Use, options: RuleOptions) -> Repair | None:
    """Keep the operand inside the operation's safe range."""
    hazard = use.operation.hazard
    found = _operand(use)
    if hazard is None or found is None or hazard.safe.nonzero:
        return None
    node, value = found
    safe = hazard.smooth if hazard.smooth is not None and use.differentiable else hazard.safe
    if options.guard == "add" and value.range.lo >= 0 == safe.lo:
        return _added(facts, use, node, _epsilon(value, options))
    epsilon = _epsilon(value, options)
    least = _HALF_RESOLUTION.get(value.dtype, _RESOLUTION) if value.dtype is not None else _RESOLUTION
    low, high = _inside(safe.lo, safe.lo_open, epsilon, least), _inside(safe.hi, safe.hi_open, -epsilon, least)
    clamped = _clamped(facts, use, _unclamped(facts, use, node, safe), value, low, high)
    if clamped is None:
        return None
    bound = low if high is None else high if low is None else f"[{low}, {high}]"
    side = "at least " if high is None else "at most " if low is None else ""
    return _replace(facts, use, node, clamped.text, f"clamp to {side}{bound}", clamped.imports)


def limit(facts: Facts, use: Use, low: float | None, high: float) -> Repair | None:
    """Keep the operand x of an operation that overflows below `high`, and above `low` if there is one."""
    node, value = use.node.operands.get("x"), use.values.get("x")
    if node is None or value is None or use.node.spelling.form is Form.INPLACE:
        return None
    ends = None if low is None else _text(low), _text(high)
    clamped = _clamped(facts, use, node, value, *ends)
    if clamped is None:
        return None
    message = f"clamp to at most {ends[1]}" if low is None else f"clamp to [{ends[0]}, {ends[1]}]"
    return _replace(facts, use, node, clamped.text, message, clamped.imports)


def add_epsilon(facts: Facts, use: Use, options: RuleOptions) -> Repair | None:
    """Add a small constant to an operand that is never negative."""
    found = _operand(use)
    if found is None:
        return None
    node, value = found
    if value.range.lo < 0:
        return None  # a sum moves the zero, it does not remove it
    epsilon = _epsilon(value, options)
    if options.guard == "clamp" and (clamped := _clamped(facts, use, node, value, _text(epsilon), None)) is not None:
        return _replace(facts, use, node, clamped.text, f"clamp to at least {_text(epsilon)}", clamped.imports)
    return _added(facts, use, node, epsilon)


def _added(facts: Facts, use: Use, node: Expr, epsilon: float) -> Repair:
    text = _text(epsilon)
    return _replace(facts, use, node, f"{as_summand(facts.text(node))} + {text}", f"add {text}")


def epsilon_inside(facts: Facts, use: Use, options: RuleOptions) -> Repair | None:
    """Add the constant under the root; a value that may be negative is clamped instead."""
    found = _operand(use)
    if found is None:
        return None
    return clamp(facts, use, options) if found[1].range.lo < 0 else add_epsilon(facts, use, options)


def guard_divisor(facts: Facts, use: Use, options: RuleOptions) -> Repair | None:
    """Make a count at least 1, so that nothing divided by nothing is 0; add a small constant to a real number."""
    found = _operand(use)
    if found is None:
        return None
    node, value = found
    if not value.range.integer or value.range.lo < 0:
        return add_epsilon(facts, use, options)
    clamped = _clamped(facts, use, node, value, "1", None)
    if clamped is None:
        return None
    return _replace(facts, use, node, clamped.text, "divide by at least 1", clamped.imports)


def _operand(use: Use) -> tuple[Expr, Value] | None:
    """The operand that may leave its safe range. None where writing around it would change more than the operand."""
    hazard = use.operation.hazard
    if hazard is None:
        return None
    node, value = use.node.operands.get(hazard.operand), use.values.get(hazard.operand)
    if node is None or value is None:
        return None
    if use.node.spelling.form is Form.INPLACE and hazard.operand == use.node.spelling.positions[0]:
        return None  # a guarded copy would be changed in place of the variable
    return node, value


def _unclamped(facts: Facts, use: Use, node: Expr, safe: Range) -> Expr:
    """`x` of `x.clamp(-1, 1)`, which a tighter clamp makes needless."""
    if not isinstance(node, Apply) or node.spelling.operation.name != "clamp" or use.framework != "torch":
        return node
    for name, end in (("min", safe.lo), ("max", safe.hi)):
        bound = node.operands.get(name)
        limit = None if bound is None else facts.value_of(bound)
        if bound is not None and (limit is None or limit.constant != end):
            return node
    return node if node.spelling.form is Form.INPLACE else node.operands["x"]


def _inside(end: float, is_open: bool, margin: float, least: float = _RESOLUTION) -> str | None:
    """A number just inside this end of the safe range; None if it has no such end."""
    if not isfinite(end):
        return None
    if not is_open:
        return _text(end)
    return _text(end + (margin if end == 0 else max(abs(margin), least) * (1 if margin > 0 else -1)))


def _clamped(facts: Facts, use: Use, node: Expr, value: Value, low: str | None, high: str | None) -> Written | None:
    if low is None and high is None:
        return None
    text = as_argument(facts.text(node))
    if value.kind in (Kind.NUMBER, Kind.SIZE) or _is_plain(facts, use, node, value):
        text = text if low is None else f"max({text}, {low})"
        return Written(text if high is None else f"min({text}, {high})")
    if use.framework == "torch":
        limits = f"clamp_min({low})" if high is None else f"clamp_max({high})" if low is None else ""
        return Written(f"{as_primary(text)}.{limits or f'clamp({low}, {high})'}")
    function = library(facts, use, "maximum" if high is None else "minimum" if low is None else "clip")
    if function is None:
        return None
    return Written(function.call(text, *(end for end in (low, high) if end is not None)), function.imports)


def _is_plain(facts: Facts, use: Use, node: Expr, value: Value) -> bool:
    """Was it taken out of its tensor, by `x.item()` or `int(x)`? Then it has no methods of a tensor."""
    made = node if isinstance(node, Apply) or value.term is None else facts.producer(value.term, use)
    if not isinstance(made, Apply):
        return False
    if made.spelling.form is Form.FUNCTION:
        return made.spelling.framework == "python"
    return isinstance(made.callee, Attribute) and made.callee.name == "item"


def _epsilon(value: Value, options: RuleOptions) -> float:
    if options.epsilon is not None:
        return options.epsilon
    return _HALF_EPSILON if value.dtype is DType.FLOAT16 else _EPSILON


def _text(number: float) -> str:
    """1e-8 rather than 1e-08, 1e-4 rather than 0.0001, 1 rather than 1.0."""
    if 0 < abs(number) < 1e-3:
        digits, _, exponent = f"{number:.11e}".partition("e")
        return f"{float(digits):.12g}e{int(exponent)}"
    return f"{number:.12g}"


def _replace(facts: Facts, use: Use, node: Expr, text: str, message: str, imports: tuple[str, ...] = ()) -> Repair:
    return Repair(Applicability.UNSAFE, message, ((node, _fitted(facts, use, node, text)),), imports)


def _fitted(facts: Facts, use: Use, node: Expr, text: str) -> str:
    """The new operand, in parentheses where its place needs them and it has none yet."""
    form = use.node.spelling.form
    enclosed = facts.is_enclosed(node)
    augmented = isinstance(use.statement, Assign) and use.statement.augmented and use.statement.value is use.node
    is_argument = form in (Form.FUNCTION, Form.MODULE) or node is not use.node.operands.get("x")
    if enclosed or augmented or (is_argument and form is not Form.OPERATOR):
        return text
    return as_primary(text)
