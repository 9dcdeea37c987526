"""Data of known size that reaches a network as it was loaded: pixels up to 255, columns in the thousands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.initialisation.layers import LAYERS, library_of
from nanlint.checks.literals import Literals, Place, literals_of
from nanlint.checks.structure import key_of, scopes, targets_of
from nanlint.checks.wording import remark
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.ir import nodes
from nanlint.ir.walk import expressions, statements
from nanlint.repair.edits import Repair

# the largest number in each, measured
_TABLES = {
    "load_wine": 1680, "load_breast_cancer": 4254, "load_linnerud": 300, "fetch_california_housing": 35682,
    "fetch_covtype": 7173, "load_boston": 711,
}  # fmt: skip
_KERAS = {"mnist": 255, "fashion_mnist": 255, "cifar10": 255, "cifar100": 255, "boston_housing": 711}
_IMAGES = frozenset({"MNIST", "FashionMNIST", "KMNIST", "EMNIST", "QMNIST", "CIFAR10", "CIFAR100", "SVHN"})
_LOADERS = (*_TABLES, "load_data", *_IMAGES)
# whoever writes one of these has thought of it: a scaler, a normalising layer, a division by the largest
_SCALED = re.compile(
    r"norm|scal|standardi|whiten|preprocess|z_?score|\bstd|\.var\b|255|/=?\s*256|127|ToTensor|to_tensor|amax|\.max\(|\bmax\(|"
    r"quantile|rank|log1p|binari|threshold|one_?hot\(x|embedding",
    re.IGNORECASE,
)


def unnormalised_input(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A data set that is known to be large, a network that is trained, and nothing in the file that scales."""
    if facts.chain or not facts.mentions(*_LOADERS) or not facts.mentions("backward", "fit", "GradientTape"):
        return
    if facts.says(_SCALED):
        return
    file = literals_of(facts)
    if not any(_is_layer(place) for place in file.calls):
        return
    for place in file.calls:
        largest = _largest(place, facts, file)
        if largest is not None:
            yield remark(
                card,
                place.call,
                place.statement,
                Evidence.POSSIBLE,
                repair=_scaled(facts, place),
                operand=facts.text(place.call.func),
                trouble=str(largest),
            )


def _is_layer(place: Place) -> bool:
    path = getattr(place.call.func, "path", None) or ""
    return library_of(path) is not None and LAYERS.match(path.rpartition(".")[2]) is not None


def _largest(place: Place, facts: Facts, file: Literals) -> int | None:
    """The largest number that a call loads, if that is known to be large."""
    path: str = getattr(place.call.func, "path", None) or ""
    *_, module, name = ("", "", *path.split("."))
    if path.startswith("sklearn.datasets.") and name in _TABLES:
        return _TABLES[name]
    if name == "load_data" and "keras" in path:
        return _KERAS.get(module)
    if path.startswith("torchvision.datasets.") and name in _IMAGES and "transform" not in place.call.keywords:
        # as a data set it gives images, which no network takes; `.data` is a tensor of bytes
        return 255 if set(targets_of(place.statement)) & _taken_apart(facts) else None
    return None


def _taken_apart(facts: Facts) -> set[str]:
    """The data sets of which `.data` is read."""
    return {
        key
        for _, body in scopes(facts.body)
        for statement in statements(body)
        for one in expressions(statement)
        if isinstance(one, nodes.Attribute) and one.name == "data" and (key := key_of(one.base)) is not None
    }


def _scaled(facts: Facts, place: Place) -> Repair | None:
    """A line after the one that loads, where that gives names to the inputs."""
    statement, call = place.statement, place.call
    if not isinstance(statement, nodes.Assign) or statement.value is not call or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    line_break = facts.line_break(target)
    if line_break is None or not isinstance(target, nodes.Display) or len(target.items) != 2:
        return None
    first, second = target.items
    if isinstance(first, nodes.Name) and "return_X_y" in call.keywords:
        x = first.id
        line = f"{x} = ({x} - {x}.mean(0)) / ({x}.std(0) + 1e-8)"
        message = "give each column mean 0 and deviation 1"
    elif _is_pair(first) and _is_pair(second) and "boston" not in (getattr(call.func, "path", None) or ""):
        train, test = (facts.text(pair.items[0]) for pair in (first, second) if isinstance(pair, nodes.Display))
        line = f"{train}, {test} = {train} / 255.0, {test} / 255.0"
        message = "divide the pixels by 255"
    else:
        return None
    return Repair(Applicability.UNSAFE, message, ((call, facts.text(call) + line_break + line),))


def _is_pair(expr: nodes.Expr) -> bool:
    return isinstance(expr, nodes.Display) and len(expr.items) == 2 and isinstance(expr.items[0], nodes.Name)
