"""The unbiased standard deviation divides by n - 1: of one element it is NaN."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.wording import finding
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.flow.leaves import parts
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Apply, Attribute, Call, Expr, Name, Subscript
from nanlint.ops.terms import literal
from nanlint.repair.corrections import without_correction
from nanlint.values.interval import Range
from nanlint.values.value import Kind, Term
from nanlint.weighing import Trouble

# one number per step of an episode or per answer: a minibatch, an episode or a group may hold one of them
_ONE_PER_STEP = re.compile(
    r"(?:.*_)?(?:adv|advs|advantages?|gae|gaes|returns?|rews?|rewards?|reward_to_go|rtgs?|td_errors?)(?:_.*)?$",
    re.IGNORECASE,
)
_OF_THEM = re.compile(
    r"whiten|advantage|(?:^|_)(?:adv|gae)s?(?:_|$)|(?:norm\w*|standard\w*)_(?:rewards?|returns?)", re.I
)
_SIZE = re.compile(r"(?:.*_)?(?:size|n|num|count|len|length|batch|bs|numel|rows|samples|n_\w+|num_\w+)$", re.IGNORECASE)

# from the deviation to the divisor
_STEPS = frozenset({"copy", "view", "detach", "add", "clamp", "maximum", "either", "sqrt", "part", "item", "abs"})
# a comparison with NaN is false
_MENDING = frozenset({"nan_to_num", "isnan", "isfinite", "where", "masked_fill", "gt", "ge", "lt", "le"})
_DIVISIONS = frozenset({"div", "reciprocal", "rsqrt"})
_LONGEST = 8


def std_of_one_element(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A deviation with Bessel's correction that something is divided by, over what may be one element."""
    for use in facts.uses(("std", "var")):
        if facts.elsewhere(use) is not None or not _is_corrected(use) or not facts.passes_on(use):
            continue
        evidence = _evidence(facts, use)
        if evidence is None or _is_guarded(facts, use) or not _divides(facts, use.result.term):
            continue
        yield finding(card, facts, use, Trouble(evidence, "NaN"), repair=without_correction(facts, use))


def _is_corrected(use: Use) -> bool:
    """Is n - 1 what it divides by? So it is in torch unless one says otherwise, and nowhere else."""
    x = use.values.get("x")
    if x is None or x.kind is Kind.ARRAY or use.framework not in ("torch", "jax"):
        return False
    said = [use.values[name] for name in ("correction", "unbiased") if name in use.values]
    dim = use.values.get("dim")
    if dim is not None and dim.term is not None and isinstance(literal(dim.term), bool):
        said.append(dim)  # `x.std(False)`
    if use.framework == "jax":
        return any(value.constant == 1 for value in said)
    return all(value.constant == 1 for value in said)


def _evidence(facts: Facts, use: Use) -> Evidence | None:
    """How likely there is one element: None over features or pixels."""
    dim = use.values.get("dim")
    whole = dim is None or dim.kind is Kind.NONE or isinstance(dim.term and literal(dim.term), bool)
    if not whole and (dim is None or dim.constant != 0):
        return None
    if whole and _is_collected(facts, use.values["x"].term):
        return Evidence.UNKNOWN
    if _ONE_PER_STEP.match(_name(use.node.operands.get("x"))) or _OF_THEM.search(facts.function_of(use)):
        return Evidence.POSSIBLE
    if whole:
        return None
    return Evidence.POSSIBLE if use.differentiable and facts.is_in_layer(use) else Evidence.UNKNOWN


def _is_collected(facts: Facts, term: Term | None) -> bool:
    """Is it `torch.tensor(returns)`, of what was collected step by step? Most episodes and rollouts have many steps."""
    return term is not None and any(part.head in ("list", "tuple", "tensor") for part in parts(term))


def _name(node: Expr | None) -> str:
    """What the values are called: `advantages` of `rollout.advantages[i].flatten()`."""
    while node is not None:
        if isinstance(node, Name):
            return node.id
        if isinstance(node, Attribute):
            return node.name
        if isinstance(node, Subscript):
            node = node.base
        elif isinstance(node, Apply):
            node = node.operands.get("x")
        elif isinstance(node, Call) and isinstance(node.func, Attribute):
            node = node.func.base
        else:
            return ""
    return ""


def _is_guarded(facts: Facts, use: Use) -> bool:
    """Does a condition say that some size is more than 1, or does the program ask for the size of this very value?"""
    if any(_is_several(fact) and _is_size(term) for term, fact in use.state.facts.items()):
        return True
    x = use.values["x"].term
    own = set() if x is None else set(parts(x))
    for term in facts.terms(("eq", "ne")):
        size, number = term.args[:2]
        if isinstance(number, Term) and literal(number) == 1 and _is_size_of(size, own):
            return True
    return False


def _is_size_of(size: Term, own: set[Term]) -> bool:
    """Is it `len(x)`, `x.size(0)` or `x.shape[0]`?"""
    sized = size.args[0] if size.head in ("len", "size", "item") and size.args else None
    if isinstance(sized, Term) and sized.head == "attr":
        sized = sized.args[0]
    return sized in own


def _is_several(fact: Range) -> bool:
    return fact.lo > 1 or (fact.lo == 1 and fact.lo_open)


def _is_size(term: Term) -> bool:
    if term.head in ("len", "size", "item", "sum", "count_nonzero"):
        return True
    return any(isinstance(arg, str) and _SIZE.match(arg) is not None for arg in term.args)


def _divides(facts: Facts, deviation: Term | None) -> bool:
    """Is something divided by it, and NaN not replaced before?"""
    waiting = [] if deviation is None else [deviation]
    divides = False
    for _ in range(_LONGEST):
        made = [(term, one) for term in waiting for one in facts.made_from(term)]
        if any(one.head in _MENDING for _, one in made):
            return False
        for term, one in made:
            divides = divides or (one.head in _DIVISIONS and (one.head != "div" or one.args[1] is term))
        if divides and any(one.head == "tensor" for _, one in made):
            return False  # it becomes a tensor only now: numpy, which does not correct
        waiting = [one for _, one in made if one.head in _STEPS or one.head in _DIVISIONS]
    return divides
