"""The intermediate representation: Python with names resolved and operations recognised.

`x.log()`, `torch.log(x)`, `from torch import log as ln; ln(x)` and `jnp.log(x)` are all one `Apply` of the
operation "log". Parentheses, aliases and comments are gone. Each node keeps the syntax node it came from as an
opaque `origin`, for its place in the text; only this package looks into it.

Nodes compare by identity. They are built once by `lower` and never changed afterwards.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from nanlint.ops.operation import Spelling
from nanlint.source import Source

# ruff: noqa: D101 - the node names are Python's own grammar


@dataclass(slots=True, eq=False)
class Expr:
    origin: Any


@dataclass(slots=True, eq=False)
class Constant(Expr):
    value: object  # number, str, bytes, bool, None or Ellipsis


@dataclass(slots=True, eq=False)
class Name(Expr):
    id: str
    path: str | None = None  # the dotted path it was imported as, or builtins.NAME; None for a variable


@dataclass(slots=True, eq=False)
class Attribute(Expr):
    base: Expr
    name: str
    path: str | None = None

    @property
    def key(self) -> str | None:
        """`self.a.b` as the state's variable name, if it is a plain chain of names."""
        base = self.base
        if isinstance(base, Name):
            return f"{base.id}.{self.name}"
        if isinstance(base, Attribute) and (prefix := base.key):
            return f"{prefix}.{self.name}"
        return None


@dataclass(slots=True, eq=False)
class Subscript(Expr):
    base: Expr
    index: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Slice(Expr):
    parts: tuple[Expr | None, Expr | None, Expr | None]


@dataclass(slots=True, eq=False)
class Apply(Expr):
    """An operation applied to operands: a function, method or operator whose meaning `ops` knows.

    A method call is only *probably* an operation (`logger.log(x)`): `callee` lets the interpreter decide by the
    receiver's kind, and treat it as an ordinary call otherwise.
    """

    spelling: Spelling
    operands: dict[str, Expr]
    extras: tuple[Expr, ...] = ()  # arguments the operation does not name (dtype=, out=, device=)
    callee: Expr | None = None
    args: tuple[Expr, ...] = ()  # the positional arguments as written, without the receiver
    keywords: dict[str, Expr] = field(default_factory=dict)  # every keyword argument as written


@dataclass(slots=True, eq=False)
class Call(Expr):
    func: Expr
    args: tuple[Expr, ...]
    keywords: dict[str, Expr]


@dataclass(slots=True, eq=False)
class Logical(Expr):
    """`and` or `or`."""

    operator: str
    left: Expr
    right: Expr


@dataclass(slots=True, eq=False)
class Not(Expr):
    operand: Expr


@dataclass(slots=True, eq=False)
class Compare(Expr):
    """A chain `a < b <= c` is the conjunction of its links; operators as written, `is not` and `in` included."""

    left: Expr
    links: tuple[tuple[str, Expr], ...]


@dataclass(slots=True, eq=False)
class Conditional(Expr):
    test: Expr
    body: Expr
    orelse: Expr


@dataclass(slots=True, eq=False)
class Display(Expr):
    """A tuple, list or set display."""

    kind: str
    items: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class DictDisplay(Expr):
    keys: tuple[Expr | None, ...]  # None: `**mapping`
    values: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Starred(Expr):
    value: Expr


@dataclass(slots=True, eq=False)
class Walrus(Expr):
    target: Expr
    value: Expr


@dataclass(slots=True, eq=False)
class Generator:
    target: Expr
    iter: Expr
    conditions: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Comprehension(Expr):
    kind: str  # list, set, dict, generator
    elements: tuple[Expr, ...]
    generators: tuple[Generator, ...]


@dataclass(slots=True, eq=False)
class Param:
    name: str
    default: Expr | None
    annotation: str | None  # the last name of a simple annotation: "float", "Tensor"
    starred: bool = False


@dataclass(slots=True, eq=False)
class Lambda(Expr):
    params: tuple[Param, ...]
    body: Expr


@dataclass(slots=True, eq=False)
class Opaque(Expr):
    """Something whose value is unknown but whose parts still run: f-strings, await, yield."""

    parts: tuple[Expr, ...]
    is_text: bool = False  # an f-string: what goes in is only shown


# --- statements ------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Stmt:
    origin: Any


@dataclass(slots=True, eq=False)
class Assign(Stmt):
    """`targets` receive `value`; for `x += y` the value is the Apply and `augmented` is set."""

    targets: tuple[Expr, ...]
    value: Expr
    augmented: bool = False
    annotation: str | None = None


@dataclass(slots=True, eq=False)
class Evaluate(Stmt):
    value: Expr


@dataclass(slots=True, eq=False)
class Return(Stmt):
    value: Expr | None


@dataclass(slots=True, eq=False)
class Raise(Stmt):
    parts: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class Assert(Stmt):
    test: Expr


@dataclass(slots=True, eq=False)
class Break(Stmt):
    pass


@dataclass(slots=True, eq=False)
class Continue(Stmt):
    pass


@dataclass(slots=True, eq=False)
class If(Stmt):
    test: Expr
    body: list[Stmt]
    orelse: list[Stmt]


@dataclass(slots=True, eq=False)
class While(Stmt):
    test: Expr
    body: list[Stmt]
    orelse: list[Stmt]


@dataclass(slots=True, eq=False)
class For(Stmt):
    target: Expr
    iter: Expr
    body: list[Stmt]
    orelse: list[Stmt]


@dataclass(slots=True, eq=False)
class With(Stmt):
    items: tuple[tuple[Expr, Expr | None], ...]
    body: list[Stmt]


@dataclass(slots=True, eq=False)
class Handler:
    name: str | None
    body: list[Stmt]


@dataclass(slots=True, eq=False)
class Try(Stmt):
    body: list[Stmt]
    handlers: tuple[Handler, ...]
    orelse: list[Stmt]
    final: list[Stmt]


@dataclass(slots=True, eq=False)
class Case:
    pattern: object | None  # the constant of a literal pattern wrapped in Constant; None for any other pattern
    names: tuple[str, ...]  # what the pattern binds
    catches_all: bool
    guard: Expr | None
    body: list[Stmt]


@dataclass(slots=True, eq=False)
class Match(Stmt):
    subject: Expr
    cases: tuple[Case, ...]


@dataclass(slots=True, eq=False)
class Delete(Stmt):
    targets: tuple[Expr, ...]


@dataclass(slots=True, eq=False)
class FunctionDef(Stmt):
    name: str
    params: tuple[Param, ...]
    body: list[Stmt]
    decorators: tuple[Expr, ...]
    has_hazard: bool  # holds an operation that a rule may speak of; others need no interpreting
    assigned: frozenset[str] = frozenset()  # names its body binds
    mentioned: frozenset[str] = frozenset()  # names and attributes its body reads
    paths: frozenset[str] = frozenset()  # dotted paths of the imported names it reads
    is_generator: bool = False
    numbers: int = 0  # operations in its body that make new numbers


@dataclass(slots=True, eq=False)
class ClassDef(Stmt):
    name: str
    bases: tuple[Expr, ...]
    body: list[Stmt]


@dataclass(slots=True, eq=False)
class Module:
    origin: ast.Module
    source: Source
    body: list[Stmt]
    imports: dict[str, str]  # module-level alias → dotted path
    stars: tuple[str, ...] = ()  # `from path. import *`, with the dot after the path
    mentions: dict[str, int] = field(default_factory=dict)  # how often each name or attribute is read
    allocations: tuple[Apply | Call, ...] = ()  # what makes memory and writes nothing to it: `torch.empty(3)`
