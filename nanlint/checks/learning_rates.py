"""Learning rates that no schedule and no clipping makes up for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.literals import Literal, Literals, Place, literals_of
from nanlint.checks.optimizers import NAMES, RATES, Made, argument, groups, optimizers
from nanlint.checks.structure import key_of, targets_of
from nanlint.checks.wording import remark
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.ir import nodes
from nanlint.ir.walk import parts
from nanlint.repair.edits import Repair

# the rate is tried out, searched for, or given by something that is not in sight
_SET_ELSEWHERE = re.compile(
    r"lr_?find|find_?lr|range_?test|lambdalr|multiplicativelr|noam|warm_?up|(?:get|create|build|make)\w{0,60}sched|"
    r"schedule(?:_fn)?$|adjust_\w{0,60}(?:lr|rate)|(?:lr|rate)_?(?:func|fn|adjust)|inject_hyperparams|maml|hypergrad",
    re.IGNORECASE,
)
# a schedule of one's own, or of another package: what it makes of the rate is not known
_OWN_SCHEDULE = re.compile(r"(?:^|\.)_?[A-Z]\w*Schedul|(?:^|\.)_LRScheduler")
# with these, plain gradient descent is run at rates that would diverge otherwise
_TAMED = re.compile(r"clip|max_grad_norm|opacus|schedul|lars\b|lamb\b|lr_?decay|anneal|[a-z]LR$", re.IGNORECASE)
_TRAINED = re.compile(r"(?:^|_)(?:params?|parameters|named_parameters|trainable\w*|weights?)(?:_|$)", re.IGNORECASE)
_LAYER = re.compile(
    r"(?:^|\.)(?:Linear|LazyLinear|Dense|Conv\w*|\w*Conv|"
    r"LSTM\w*|GRU\w*|RNN\w*|Embedding\w*|Transformer\w*|MultiheadAttention)$"
)
_DEEP = re.compile(r"LSTM|GRU|RNN|Embedding|Transformer|MultiheadAttention")  # one of them is a network already
# under a sigmoid gradients are at most a quarter, and rates up to 10 are in use
_SIGMOID = frozenset({"sigmoid", "Sigmoid"})
_UNBOUNDED = frozenset({"relu", "ReLU", "gelu", "GELU", "LeakyReLU", "leaky_relu", "silu", "SiLU", "elu", "ELU"})
# a handful of numbers: Gaussian processes, variational distributions
_NOT_NETWORKS = re.compile(r"^(?:gpytorch|botorch|pyro|numpyro|geoopt|kornia)\b")
_NETWORKS = re.compile(r"^(?:flax|haiku|equinox|jax\.example_libraries\.stax)\b")
_RATE = re.compile(r"(?:^|_)(?:lr|rate|learningrate|eta|step_?size)(?:_|\d*$)|[lL]earning[rR]ate", re.IGNORECASE)
# schedules that begin low and go up to `max_lr`
_PEAKS = {"OneCycleLR": ("max_lr", 1), "CyclicLR": ("max_lr", 2)}
_PEAK_OF_SGD = 3.0  # Smith & Topin 2018: super-convergence, up to 3
_FAST = 0.9  # the momentum from which steps are ten times as long
_FAST_CEILING = 0.5
_LARGE_EPSILON = 1e-4  # with it Adam becomes SGD, and takes rates of SGD


def learning_rate_too_high(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Optimisers of networks whose rate is written down and above what networks are trained with."""
    for made, written, literal, ceiling in rates_too_high(facts, options):
        yield _found(card, facts, made, written, literal, ceiling)


def rates_too_high(facts: Facts, options: RuleOptions) -> Iterator[tuple[Made, nodes.Expr, Literal, float]]:
    """The optimisers, their rates as they are written, the numbers, and what those are above of."""
    if facts.chain or facts.is_test or not facts.mentions(*NAMES):
        return
    if any(_SET_ELSEWHERE.search(word) or _OWN_SCHEDULE.search(word) for word in facts.words()):
        return
    file = literals_of(facts)
    if file.stored & {"lr", "learning_rate"}:
        return  # `group["lr"] = …`: a schedule by hand
    tamed = any(map(_TAMED.search, facts.words())) or (facts.mentions(*_SIGMOID) and not facts.mentions(*_UNBOUNDED))
    found = [one for made in optimizers(file) for one in _judged(made, file, facts, tamed, options)]
    right = {id(literal.node) for _, _, literal, ceiling in found if ceiling is None or literal.value <= ceiling}
    for made, written, literal, ceiling in found:
        # one number for several optimisers, of which one is chosen, is meant for that which takes it
        if ceiling is not None and literal.value > ceiling and id(literal.node) not in right:
            yield made, written, literal, ceiling


_Judged = tuple[Made, nodes.Expr, Literal, float | None]


def _judged(made: Made, file: Literals, facts: Facts, tamed: bool, options: RuleOptions) -> Iterator[_Judged]:
    """The rates of an optimiser that the file writes down, and above what they are too high; None if nothing is."""
    if made.name not in RATES or not _trains_a_network(made, file, facts):
        rates: Iterator[tuple[nodes.Expr, float | None]] = iter(() if made.rate is None else [(made.rate, None)])
    else:
        rates = _rates(made, file, tamed)
    own = (options.max_rates or {}).get(made.name)  # the project knows better
    for written, ceiling in rates:
        literal = file.follow(written, made.place.scope)
        if literal is not None:
            yield made, written, literal, ceiling if ceiling is None else own or ceiling


def _found(card: Card, facts: Facts, made: Made, written: nodes.Expr, literal: Literal, ceiling: float) -> Finding:
    repair = None
    if literal.node is written or (isinstance(literal.node, nodes.Constant) and _is_rate(written)):
        message = f"use {made.default}, the documented default"
        if literal.node is not written:
            message += ", where the rate is set"
        repair = Repair(Applicability.UNSAFE, message, ((literal.node, made.default),))
    return remark(
        card,
        written,
        made.place.statement,
        Evidence.POSSIBLE,
        repair=repair,
        operand=f"{literal.value:g}",
        operation=made.name,
        trouble=f"{ceiling:g}",
    )


def _is_rate(written: nodes.Expr) -> bool:
    """Is it called a learning rate, so that the number it stands for is used for nothing else?"""
    if isinstance(written, nodes.Subscript) and len(written.index) == 1:
        written = written.index[0]
    name = getattr(written, "value", getattr(written, "name", getattr(written, "id", "")))
    return _RATE.search(str(name)) is not None


def _rates(made: Made, file: Literals, tamed: bool) -> Iterator[tuple[nodes.Expr, float | None]]:
    """The rates that an optimiser is given, and above what they are too high."""
    peaks = list(_peaks(made, file))
    for peak in peaks:
        yield peak, max(RATES[made.name].ceiling, _PEAK_OF_SGD) if made.name == "SGD" else RATES[made.name].ceiling
    ceiling = _ceiling(made, file, tamed)
    if peaks:
        return  # they are all that counts
    if made.rate is not None:
        yield made.rate, ceiling
    for group in groups(made, file):
        if "lr" in group:
            yield group["lr"], ceiling


def _ceiling(made: Made, file: Literals, tamed: bool) -> float | None:
    """None where there is none: plain descent that is clipped or scheduled, Adam with a large epsilon."""
    ceiling = RATES[made.name].ceiling
    if made.name in ("SGD", "ASGD"):
        clipped = {"clipnorm", "clipvalue", "global_clipnorm"} & made.call.keywords.keys()
        if tamed or clipped or made.framework == "optax":  # optax clips and schedules in a chain, anywhere
            return None
        momentum = file.follow(argument(made.call, ("momentum",), None), made.place.scope)
        return min(ceiling, _FAST_CEILING) if momentum is not None and momentum.value >= _FAST else ceiling
    epsilon = file.follow(argument(made.call, ("eps", "epsilon"), None), made.place.scope)
    return ceiling if epsilon is None or epsilon.value <= _LARGE_EPSILON else None


def _peaks(made: Made, file: Literals) -> Iterator[nodes.Expr]:
    """`max_lr` of a schedule of this optimiser."""
    for other in file.calls:
        path = getattr(other.call.func, "path", None) or ""
        name = path.rpartition(".")[2]
        if path.startswith("torch.optim.") and name in _PEAKS:
            of, _ = file.origin(argument(other.call, ("optimizer",), 0), other.scope)
            keyword, place = _PEAKS[name]
            peak = argument(other.call, (keyword,), place)
            if of is made.call and peak is not None:
                yield peak


def _trains_a_network(made: Made, file: Literals, facts: Facts) -> bool:
    """Are its parameters those of a network? An image, a prompt, a straight line or a handful of numbers is optimised
    at other rates."""
    if any(map(_NOT_NETWORKS.match, facts.imports.values())):
        return False
    if made.framework == "transformers":
        return True
    layers = [name for place in file.calls if _LAYER.search(name := _last_name(place.call))]
    if len(layers) == 1 and not _DEEP.match(layers[0]):
        return False  # a linear model
    if made.framework == "optax":
        if _is_shown(made, facts, file) or _is_lone(file):
            return False
        return any(map(_NETWORKS.match, facts.imports.values()))
    if made.framework == "keras":
        return not facts.mentions("minimize") or made.is_of_tf1  # `minimize(loss, [slope, intercept])`
    if not layers and (facts.mentions("Parameter") or made.name in ("SGD", "ASGD")):
        return False  # a formula, whose parameters have units; a model out of sight, which may tame its gradients
    given = argument(made.call, ("params",), 0)
    held, _ = file.origin(given, made.place.scope)
    words = [word for expr in (given, held) if expr is not None for part in parts(expr) for word in _words(part)]
    return any(map(_TRAINED.search, words))


def _is_shown(made: Made, facts: Facts, file: Literals) -> bool:
    """Is its state made, and never updated? It is shown, and trains nothing."""
    if facts.mentions("update", "apply_updates", "apply_gradients", "TrainState"):
        return False
    own = set(targets_of(made.place.statement))
    return any(key in own for place in file.calls if (key := _initialised(place)) is not None)


def _is_lone(file: Literals) -> bool:
    """Is some layer a model by itself, as `nn.Dense(5)` in `model.init(key, x)`: a straight line?"""
    layers = {
        key
        for place in file.calls
        if _LAYER.search(_last_name(place.call)) and getattr(place.statement, "value", None) is place.call
        for key in targets_of(place.statement)
    }
    return any(_initialised(place) in layers for place in file.calls)


def _initialised(place: Place) -> str | None:
    """`model` of `model.init(…)`"""
    func = place.call.func
    return key_of(func.base) if isinstance(func, nodes.Attribute) and func.name == "init" else None


def _last_name(call: nodes.Call) -> str:
    return getattr(call.func, "name", getattr(call.func, "id", ""))


def _words(expr: nodes.Expr) -> Iterator[str]:
    for name in ("id", "name"):
        if isinstance(word := getattr(expr, name, None), str):
            yield word
