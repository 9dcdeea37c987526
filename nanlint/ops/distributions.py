"""The values that probability distributions can take, by their names in torch, Pyro, NumPyro and TensorFlow."""

from __future__ import annotations

import re

from nanlint.values.interval import BOOLEAN, COUNT, POSITIVE, REAL, Range, interval
from nanlint.values.value import Grounds, Kind, Value

_OPEN_UNIT = interval(0.0, 1.0, open="lo hi")
# https://pytorch.org/docs/stable/distributions.html, the `support` of each
_SUPPORTS: dict[str, Range] = {
    **dict.fromkeys(("Beta", "Kumaraswamy", "LogitNormal", "Dirichlet"), _OPEN_UNIT),
    **dict.fromkeys(
        ("Gamma", "InverseGamma", "Exponential", "LogNormal", "HalfNormal", "HalfCauchy", "Chi2", "Weibull", "Pareto",
         "FisherSnedecor"), POSITIVE),
    **dict.fromkeys(("Poisson", "Binomial", "Geometric", "NegativeBinomial", "Categorical"), COUNT),
    "Bernoulli": BOOLEAN,
    **dict.fromkeys(("Normal", "Laplace", "Cauchy", "StudentT", "Gumbel", "MultivariateNormal"), REAL),
}  # fmt: skip
_PATH = re.compile(r"(?:torch|pyro|numpyro|tensorflow_probability)\.(?:\w+\.)*distributions\.(?:\w+\.)*(\w+)$")

# functions that draw from the distribution given as their second argument, and methods that draw from their own
DRAWING_FUNCTIONS = frozenset({"pyro.sample", "numpyro.sample"})
DRAWING_METHODS = frozenset({"sample", "rsample"})
_TAG = "distribution"


def distribution(path: str) -> Value | None:
    """The distribution that a call of this constructor makes."""
    found = _PATH.match(path)
    support = None if found is None else _SUPPORTS.get(found[1])
    return None if support is None else Value(kind=Kind.OBJECT, payload=(_TAG, support), differentiable=False)


def drawn_from(value: Value) -> Value | None:
    """What is drawn from it; None of a value that is no distribution. A 0 that is counted is known, one that a
    positive number underflows to is not."""
    if not isinstance(value.payload, tuple) or value.payload[0] != _TAG:
        return None
    support = value.payload[1]
    return Value(support, Kind.TENSOR, Grounds.KNOWN if support.integer else Grounds.ASSUMED)
