"""Reductions, scans, comparisons and products of matrices: results that mix elements, or forget their numbers."""

from __future__ import annotations

from math import inf

from nanlint.ops.define import all_at_once, always, constant_of, fixed_at, known, operation, range_of, unary, zero_from
from nanlint.ops.operation import Operands, Operation, Role
from nanlint.values import arithmetic as ar
from nanlint.values.field import mul
from nanlint.values.interval import ANY, BOOLEAN, COUNT, NONNEGATIVE, SIZE, Range, interval
from nanlint.values.value import Grounds


def _sum(operands: Operands) -> Range:
    x = operands.get("x")
    if x is None:
        return ANY
    total = ar.sum_of(x.range)
    if x.attains is not None and x.range.lo >= 0:
        return total.meet(Range(x.attains, inf, nan=True))  # no element is negative and one is this large
    return total


def _product_grounds(operands: Operands, result: Range) -> Grounds:
    x = range_of(operands, "x")
    below_one = not x.is_empty and x.lo < 1 and x.lo >= 0
    return Grounds.KNOWN if below_one and x.hi <= 1 else zero_from("x")(operands, result)


def _bits(operands: Operands) -> Range:
    x, y = range_of(operands, "x"), range_of(operands, "y")
    return interval(0.0, integer=True) if min(x.lo, y.lo) >= 0 else interval(integer=True)


def _norm(operands: Operands) -> Range:
    x, order = ar.absolute(range_of(operands, "x")), constant_of(operands, "ord", 2.0)
    if x.is_empty or order is None or order <= 0:
        return NONNEGATIVE.with_nan(x.nan)
    return interval(x.lo, inf, open="lo" if x.lo_open else "", nan=x.nan)


def _var(r: Range) -> Range:
    return ar.square(ar.spread_of(r))


def _same(r: Range) -> Range:
    return r


def _scattered(operands: Operands) -> Range:
    """What arrives in each group, and 0 in one where nothing does."""
    x = range_of(operands, "x")
    how = operands["reduce"].payload if "reduce" in operands else "sum"
    arrived = {"sum": ar.sum_of, "add": ar.sum_of, "mean": _same, "max": _same, "min": _same, "mul": ar.product_of}
    return arrived[how](x).join(Range(0.0, 0.0)) if how in arrived else ANY


def _scattered_grounds(operands: Operands, result: Range) -> Grounds:
    """That a group may be empty is known; that sums of anything may be 0 is no more than ignorance."""
    return Grounds.KNOWN if range_of(operands, "x").lo >= 0 else Grounds.NONE


def _matmul(operands: Operands) -> Range:
    x, y = range_of(operands, "x"), range_of(operands, "y")
    products_are_all = "z" not in operands
    return ar.sum_of(mul(x, y)) if products_are_all and min(x.lo, y.lo) >= 0 else ANY


def _matmul_grounds(operands: Operands, result: Range) -> Grounds:
    return all_at_once(operands, result) if result.lo >= 0 else Grounds.NONE


def _reduction(name: str, phrase: str, result: ar.Function) -> Operation:
    return operation(name, phrase, "x dim keepdim", unary(result), role=Role.REDUCE)


_nothing_known = fixed_at(Grounds.NONE)

REDUCTIONS = (
    operation("sum", "a sum", "x dim keepdim", _sum, all_at_once, role=Role.REDUCE),
    operation(
        "prod", "a product of all elements", "x dim keepdim", unary(ar.product_of), _product_grounds, role=Role.REDUCE
    ),
    operation("mean", "a mean", "x dim keepdim", unary(ar.mean_of), all_at_once, role=Role.REDUCE, watched=True),
    _reduction("max", "a maximum", _same),
    _reduction("min", "a minimum", _same),
    operation("topk", "the largest", "x k dim", unary(_same)),
    _reduction("median", "a median", _same),
    operation("quantile", "a quantile", "x q dim keepdim", unary(ar.mean_of), role=Role.REDUCE),
    operation(
        "std",
        "a standard deviation",
        "x dim correction keepdim unbiased",
        unary(ar.spread_of),
        known,
        role=Role.REDUCE,
        watched=True,
    ),
    operation(
        "var", "a variance", "x dim correction keepdim unbiased", unary(_var), known, role=Role.REDUCE, watched=True
    ),
    operation("norm", "a norm", "x ord dim keepdim", _norm, known, role=Role.REDUCE),
    operation("trace", "a trace", "x", unary(ar.sum_of), role=Role.REDUCE),
    operation("argmax", "an index", "x dim keepdim", always(COUNT), known, role=Role.REDUCE),
    operation("bucketize", "an index", "x", always(COUNT), known),
    operation("count_nonzero", "a count", "x dim", always(COUNT), known, role=Role.REDUCE),
    operation("bincount", "a count", "x", always(COUNT), known),
    operation("any", "a truth value", "x dim keepdim", always(BOOLEAN), known, role=Role.REDUCE),
    operation("all", "a truth value", "x dim keepdim", always(BOOLEAN), known, role=Role.REDUCE),
    operation("cumsum", "a running sum", "x dim", unary(ar.sum_of), all_at_once),
    operation("cumprod", "a running product", "x dim", unary(ar.product_of), _product_grounds),
    operation("scatter", "what was scattered", "x index dim reduce", _scattered, _scattered_grounds),
    operation("matmul", "a matrix product", "x y z", _matmul, _matmul_grounds),
    operation("bitwise", "bits", "x y", _bits, _nothing_known),
    operation("ptp", "a range from end to end", "x dim keepdim", unary(ar.spread_of), known, role=Role.REDUCE),
    operation("len", "a length", "x", always(SIZE), fixed_at(Grounds.ASSUMED)),
    operation("size", "a size", "x dim", always(SIZE), fixed_at(Grounds.ASSUMED)),
)

COMPARISONS = tuple(
    operation(name, "a comparison", operands, always(BOOLEAN), known)
    for names, operands in (
        ("eq ne lt le gt ge isclose logical_and logical_or", "x y"),
        ("logical_not isnan isinf isfinite", "x"),
    )
    for name in names.split()
)

# what is true or false: no number, and no gradient
CONDITIONS = frozenset(one.name for one in COMPARISONS)
