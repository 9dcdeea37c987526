"""What the interpreter knows about one value: range × kind × dtype × term × why."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

from nanlint.values.interval import ANY, Range, constant
from nanlint.values.quick import quick


class Kind(Enum):
    """What sort of thing a value is. UNKNOWN is a kind, and the usual one."""

    UNKNOWN = "unknown"
    TENSOR = "tensor"  # torch.Tensor, jax.Array, tf.Tensor
    ARRAY = "array"  # numpy
    NUMBER = "number"  # a Python number; dividing by it raises instead of giving NaN
    SIZE = "size"  # a length or one entry of a shape
    SHAPE = "shape"
    SEQUENCE = "sequence"  # tuple or list
    DICT = "dict"
    STRING = "string"
    NONE = "none"
    MODULE = "module"  # a layer: something that is called on tensors
    FUNCTION = "function"
    CLASS = "class"
    NAMESPACE = "namespace"  # an imported module, or a name inside one
    OBJECT = "object"  # an instance of some class that is none of the above


class DType(Enum):
    """Element type, where it is visible. `None` instead of a DType means: not visible, reason as for float32."""

    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    COMPLEX = "complex"


class Grounds(IntEnum):
    """How well founded it is that the ends of a range (above all: zero) are really reached. Ordered.

    NONE       nothing is known; the range is wide because we are ignorant.
    ASSUMED    the range rests on a convention (a hyper-parameter's name or default, sizes are at least 1).
    UNDERFLOW  the end is reached only by underflow far out (exp below -103).
    KNOWN      a known producer bounds the value and the bound is part of it (relu, abs, a count, a norm).
    REACHED    a floating-point fact: ordinary inputs do reach the end (softmax and sigmoid saturate).
    """

    NONE = 0
    ASSUMED = 1
    UNDERFLOW = 2
    KNOWN = 3
    REACHED = 4


@quick
class Why:
    """One link of the chain that explains a range: which expression bounds it, and what that rests on.

    `node` is the IR expression (or statement) it is about; this room treats it as opaque. The sentence is put
    into words only when a finding needs it: "`p` is a softmax: [0, 1]".
    """

    node: Any
    phrase: str
    range: Range
    grounds: Grounds
    because: tuple[Why, ...] = ()


class Term:
    """A symbolic expression, hash-consed: two terms are equal exactly when they are the same object.

    `head` is an operation's name ("softmax", "sub"), "const", "param", "attr", "fresh" or "random"; `args` are
    terms, or plain hashable constants. `number` counts those that are equal to no other, and is 0 of all others. Make
    terms through `Terms`, never directly.
    """

    __slots__ = ("args", "head", "number", "size")

    def __init__(self, head: str, args: tuple[Any, ...], size: int, number: int = 0) -> None:
        self.head = head
        self.args = args
        self.size = size
        self.number = number

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self.args))
        return f"{self.head}({inside})" if self.head != "const" else inside


class Terms:
    """The hash-consing table of one file."""

    # beyond this many nodes a term is replaced by a fresh one: relations that deep help nobody and cost time
    LIMIT = 200

    def __init__(self) -> None:
        self._table: dict[tuple[Any, ...], Term] = {}
        self.made = 0  # fresh ones
        self.sources: dict[Term, frozenset[Term]] = {}  # what `sharing` found out, as long as it is true

    def make(self, head: str, *args: Any) -> Term:
        """The one term with this head and these arguments."""
        key = (head, *(id(arg) if isinstance(arg, Term) else (type(arg), arg) for arg in args))
        found = self._table.get(key)
        if found is None:
            size = 1 + sum(arg.size for arg in args if isinstance(arg, Term))
            if size > self.LIMIT:
                return self.fresh(*(arg for arg in args if isinstance(arg, Term)))
            found = self._table[key] = Term(head, args, size)
        return found

    def fresh(self, *sources: Term | None, head: str = "fresh") -> Term:
        """A term equal to no other: a value about whose making nothing is known but, perhaps, what went into it."""
        self.made += 1
        return Term(head, (self.made, *(source for source in sources if source is not None)), 1, self.made)

    def clear(self) -> None:
        """Forget all terms; those that exist stay what they are."""
        self._table.clear()
        self.sources.clear()

    def add_source(self, fresh: Term, source: Term) -> None:
        """The value of a fresh term is also made of `source`, as is seen at the end of a loop only."""
        fresh.args = (*fresh.args, source)
        self.sources.clear()


@quick
class Value:
    """One abstract value. Immutable; `with_…` returns a changed copy.

    Attributes:
        range: the numbers it (or each of its elements) may be.
        grounds: how well founded the ends of `range` are; this becomes the evidence of a finding.
        attains: some element along every reduced row equals this number: a row of `exp(x - x.max())`
            attains 1, so its sum is at least 1.
        differentiable: gradients may flow through it. False under no_grad, for numpy and plain numbers.
        items: the elements of a tuple or list display, where all are known.
        payload: what a NAMESPACE names (a dotted path), a MODULE computes, a FUNCTION is, a STRING says.
    """

    range: Range = ANY
    kind: Kind = Kind.UNKNOWN
    grounds: Grounds = Grounds.NONE
    term: Term | None = None
    why: Why | None = None
    dtype: DType | None = None
    framework: str | None = None
    attains: float | None = None
    differentiable: bool = True
    items: tuple[Value, ...] | None = None
    payload: Any = None

    @property
    def constant(self) -> float | None:
        """The one number this is, if it is one number."""
        return self.range.lo if self.range.is_constant else None

    @property
    def is_scalar(self) -> bool:
        """A plain Python number or size, on which a tensor's rounding and gradients do not apply."""
        return self.kind in (Kind.NUMBER, Kind.SIZE)

    @property
    def is_array(self) -> bool:
        """A tensor or numpy array, as far as we know."""
        return self.kind in (Kind.TENSOR, Kind.ARRAY)

    def with_term(self, term: Term | None) -> Value:
        # written out, because `dataclasses.replace` takes four times as long and this is called for every expression
        return Value(
            self.range,
            self.kind,
            self.grounds,
            term,
            self.why,
            self.dtype,
            self.framework,
            self.attains,
            self.differentiable,
            self.items,
            self.payload,
        )

    def with_range(self, range: Range) -> Value:
        return self if range == self.range else replace(self, range=range)

    def with_why(self, why: Why | None) -> Value:
        return replace(self, why=why)


if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414  (others import it from here)
else:

    def replace(value: Value, **changes: Any) -> Value:
        """A changed copy, as `dataclasses.replace` makes it, in a third of the time."""
        copied = value.with_term(value.term)
        for name, new in changes.items():
            setattr(copied, name, new)
        return copied


def number(x: float | int | bool) -> Value:
    """A literal. What is written down is known, whatever it is."""
    return Value(constant(x), Kind.NUMBER, Grounds.KNOWN, differentiable=False)


UNKNOWN = Value()
