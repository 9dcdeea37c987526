"""What a probability distribution declares of its own parameters and of the values it is asked about.

`arg_constraints = {"rate": constraints.positive}` and `support = constraints.unit_interval` are checked whenever such
a distribution is made or asked (torch.distributions, Pyro, NumPyro): they are as good as an assertion. A declaration
that admits 0 is a promise too: the author says that 0 may come.
"""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.flow.functions import Class
from nanlint.ir import nodes
from nanlint.values.interval import BOOLEAN, COUNT, NONNEGATIVE, POSITIVE, SIZE, UNIT, Range
from nanlint.values.value import Grounds, Term, Value

_PARAMETERS, _SUPPORT = "arg_constraints", "support"
_LIBRARY = "constraints"
# https://pytorch.org/docs/stable/distributions.html#module-torch.distributions.constraints
_RANGES = {
    "positive": POSITIVE,
    "nonnegative": NONNEGATIVE,
    "unit_interval": UNIT,
    "simplex": UNIT,
    "boolean": BOOLEAN,
    "positive_integer": SIZE,
    "nonnegative_integer": COUNT,
    "softplus_positive": POSITIVE,
}


def declared_parameters(cls: Class) -> Iterator[tuple[str, Value]]:
    """The parameters of a distribution, by name, with what the class says of each."""
    table = _constant(cls, _PARAMETERS)
    if isinstance(table, nodes.DictDisplay):
        for key, constraint in zip(table.keys, table.values, strict=True):
            declared = _range(constraint)
            if declared is not None and isinstance(key, nodes.Constant) and isinstance(key.value, str):
                yield key.value, Value(declared, grounds=_grounds(declared))


def declared_support(cls: Class, term: Term) -> Value | None:
    """The values that the distribution can take; whoever asks about others is told so by the library."""
    declared = _range(_constant(cls, _SUPPORT))
    return None if declared is None else Value(declared, grounds=Grounds.ASSUMED, term=term)


def _grounds(declared: Range) -> Grounds:
    """Of a parameter that may be 0 this is known; that it is positive is taken on trust."""
    return Grounds.KNOWN if declared.may_be_zero() else Grounds.ASSUMED


def _constant(cls: Class, name: str) -> nodes.Expr | None:
    for statement in cls.node.body:
        if isinstance(statement, nodes.Assign):
            target = statement.targets[0]
            if isinstance(target, nodes.Name) and target.id == name:
                return statement.value
    return next((found for base in cls.bases if (found := _constant(base, name)) is not None), None)


def _range(constraint: nodes.Expr | None) -> Range | None:
    """`constraints.positive`, whatever library and alias it comes from."""
    if not isinstance(constraint, nodes.Attribute):
        return None
    base = constraint.base
    library = getattr(base, "id", None) or getattr(base, "name", None)
    return _RANGES.get(constraint.name) if library == _LIBRARY else None
