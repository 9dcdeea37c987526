"""The mean of what a mask selects: of nothing it is 0 / 0."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.fills import fills_of
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow import assumptions
from nanlint.flow.leaves import contains, given, parts
from nanlint.flow.state import peel
from nanlint.flow.uses import Use
from nanlint.ops.terms import literal
from nanlint.repair.emptiness import guarded_means
from nanlint.values.interval import BOOLEAN
from nanlint.values.value import Kind, Term, Value
from nanlint.weighing import Trouble

_LOSSES = ("cross_entropy", "mse_loss", "l1_loss")
_IGNORED = -100.0  # torch's default

# element by element, so that of an empty selection they are empty
_STEPS = frozenset({
    "copy", "view", "truncated", "add", "sub", "mul", "div", "neg", "abs", "square", "pow", "sqrt", "rsqrt", "exp",
    "log", "log1p", "clamp", "relu", "sigmoid", "tanh", "softplus", "logsigmoid", "softmax", "log_softmax", "maximum",
    "minimum", "where", "masked_fill", "either", "item", "masked_select", "part", *_LOSSES,
})  # fmt: skip
_DEPTH = 8

# of a batch some tokens are no padding
_NEVER_EMPTY = re.compile(r"finite|nan|action|legal|avail|idx|ind(?:ex|ices)", re.IGNORECASE)
# what is compared with the largest, the median or itself selects something
_RELATIVE = frozenset({"max", "min", "median", "quantile", "argmax", "isnan", "isfinite", "isinf", "triangle"})
_COUNTS = frozenset({"len", "size", "item", "sum", "count_nonzero", "copy", "detach", "truncated"})
_RANDOM = frozenset({"random"})
_MENDING = frozenset({"nan_to_num", "isnan", "isfinite", "where", "masked_fill"})


def mean_of_nothing(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A mean, or a loss that takes one, over what a mask selects or leaves; where a gradient is taken. Of several over
    the same mask in one function the first is enough."""
    alike: dict[tuple[int, Term], dict[Use, Trouble]] = {}
    for use in sorted(facts.uses(("mean", *_LOSSES)), key=_place):
        for mask, trouble in _masks(facts, use):
            group = alike.setdefault((id(use.function), mask), {})
            group.setdefault(use, trouble)
            if len(group) == 1:
                break
    for group in alike.values():
        use, trouble = next(iter(group.items()))
        yield finding(card, facts, use, trouble, repair=guarded_means(facts, list(group)))


def _masks(facts: Facts, use: Use) -> Iterator[tuple[Term, Trouble]]:
    """The masks that may leave nothing of what is averaged here."""
    x = use.values.get("x")
    if x is None or x.term is None or facts.elsewhere(use) is not None or not facts.passes_gradient(use):
        return
    if not _takes_mean(use) or _is_mended(facts, use.result.term):
        return
    masks = [(mask, "the mask selects nothing") for mask in _selections(facts, x.term)]
    masks += [(mask, "all targets are ignored") for mask in _ignored(facts, use)]
    for mask, what in masks:
        evidence = _evidence(facts, use, mask, x.term)
        if evidence is not None:
            yield mask, Trouble(evidence, what)


def _place(use: Use) -> tuple[int, int]:
    """Where it stands in the file."""
    origin = use.node.origin
    return getattr(origin, "lineno", 0), getattr(origin, "col_offset", 0)


def _takes_mean(use: Use) -> bool:
    """Over all elements, or over those that were selected?"""
    if use.operation.name == "mean":
        dim = use.values.get("dim")
        return dim is None or dim.kind is Kind.NONE or dim.constant == 0
    reduction = use.values.get("reduction")
    return reduction is None or reduction.payload == "mean"


def _selections(facts: Facts, term: Term, depth: int = _DEPTH) -> Iterator[Term]:
    """The masks that chose these elements."""
    if depth == 0 or term.head not in _STEPS:
        return
    if term.head == "masked_select" and isinstance(term.args[1], Term):
        yield term.args[1]
    elif term.head == "item":
        yield from (index for index in term.args[1:] if isinstance(index, Term) and _is_mask(facts, index))
    for arg in term.args if term.head not in ("item", "masked_select", "part", "where") else term.args[:1]:
        if isinstance(arg, Term):
            yield from _selections(facts, arg, depth - 1)


def _is_mask(facts: Facts, index: Term) -> bool:
    value: Value | None = facts.value_of_term(index)
    return value is not None and value.range == BOOLEAN and not value.is_scalar


def _ignored(facts: Facts, use: Use) -> Iterator[Term]:
    """The masks that wrote the number of what is to be ignored into the targets."""
    y, said = use.values.get("y"), use.values.get("ignore_index")
    number = _IGNORED if said is None else said.constant
    if use.operation.name == "cross_entropy" and y is not None and y.term is not None and number is not None:
        for fill in fills_of(facts, y.term, number):
            if fill.scores is None or not contains(fill.mask, peel(fill.scores)):
                yield fill.mask


def _evidence(facts: Facts, use: Use, mask: Term, selected: Term) -> Evidence | None:
    """How sure it is that the mask may leave nothing; None where something surely stays or one looks first."""
    inside = set(parts(mask))
    sources = dict(given(mask))
    if not sources or any(part.head in _RELATIVE for part in inside) or _is_of_its_own(mask):
        return None
    if _is_looked_at(use, inside | {selected}) or _is_counted(facts, {*sources, mask}):
        return None
    unknown = any(part.head in _RANDOM or _is_of_unknown_origin(facts, part) for part in inside)
    if use.framework == "numpy" or unknown or any(map(_is_never_empty, sources.values())):
        return Evidence.UNKNOWN
    return Evidence.POSSIBLE


def _is_never_empty(name: str) -> bool:
    return assumptions.is_padding_mask(name) or _NEVER_EMPTY.search(name) is not None


def _is_of_unknown_origin(facts: Facts, part: Term) -> bool:
    """Did an unknown function make it, or a loop over what one made (`for label in labels.unique()`)?"""
    value = facts.value_of_term(part)
    return part.head in ("fresh", "global") and (value is None or not value.is_scalar)


def _is_of_its_own(mask: Term) -> bool:
    """Is a value compared with one that occurs in it (`y == c` for each c of `y.unique()`)?"""
    for part in parts(mask):
        if part.head in ("eq", "ge", "le", "gt", "lt") and len(part.args) > 1:
            a, b = part.args[:2]
            varying = [one for one in (a, b) if isinstance(one, Term) and one.head != "const"]
            if len(varying) == 2 and (contains(a, peel(b)) or contains(b, peel(a))):
                return True
    return False


def _is_looked_at(use: Use, inside: set[Term]) -> bool:
    """Is it known here that some number which the mask goes into is not 0 (`mask.any()`, `len(x[mask])`)?"""
    return any(
        not fact.may_be_zero() and not _counts_a_list(term) and not inside.isdisjoint(_everything(term))
        for term, fact in use.state.facts.items()
    )


def _is_counted(facts: Facts, sources: set[Term]) -> bool:
    """Does the program anywhere compare the number of what is selected with 0, or ask whether there is any?"""
    for term in facts.terms(("any", "eq", "ne", "gt", "ge", "lt", "le")):
        asked = term.args[0]
        if term.head != "any" and not (asked.head in _COUNTS and literal(term.args[1]) in (0, 1)):
            continue
        if not sources.isdisjoint(_everything(asked)):
            return True
    return False


def _counts_a_list(term: Term) -> bool:
    """Is it the length of a list of results?"""
    return term.head == "len" and isinstance(term.args[0], Term) and term.args[0].head == "list"


def _everything(term: Term) -> Iterator[Term]:
    """The term and what it was made of, sizes included."""
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        part = waiting.pop()
        if part not in seen:
            seen.add(part)
            yield part
            waiting += (arg for arg in part.args if isinstance(arg, Term))


def _is_mended(facts: Facts, mean: Term | None) -> bool:
    """Is NaN replaced afterwards? The gradient of an empty selection is empty and does no harm."""
    waiting = [] if mean is None else [mean]
    for _ in range(4):
        made = [one for term in waiting for one in facts.made_from(term)]
        if any(one.head in _MENDING for one in made):
            return True
        waiting = [one for one in made if one.head in ("copy", "view", "mul", "div", "neg")]
    return False
