"""What is written down of how a file treats memory: what is written, what is read, and under which names."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from nanlint.ir import nodes


class Touch(Enum):
    """What is done to a piece of memory."""

    LOOK = "look"  # its shape is asked for, or it is shown
    READ = "read"  # its numbers matter
    CHANGE = "change"  # written with what is reckoned from what it held: `x += 1`
    PART = "part"  # an item or slice is assigned
    WRITE = "write"
    HAND = "hand"  # handed to a function that we do not know, whose result is used
    ESCAPE = "escape"  # handed to a function that we do not know, perhaps to be filled
    LEAVE = "leave"  # returned


class Place(NamedTuple):
    """Where memory is kept: "name", an attribute of `self`, an attribute of something else, or where it was made.

    Attributes:
        owner: the id of the function, class or expression it belongs to; 0 for the module and for any object.
    """

    kind: str
    owner: int
    name: str


class Touched(NamedTuple):
    """One occasion."""

    touch: Touch
    node: nodes.Expr
    loops: int  # how many loops it stands in


@dataclass(slots=True, eq=False)
class Site:
    """An expression that allocates memory and writes nothing to it.

    Attributes:
        frozen: it becomes a buffer or a parameter that is not trained: such things are loaded.
        trained: it becomes a parameter.
        owner: the class in whose methods it stands.
        given_data: what it is given came out of a call together with other things, and is hardly a size.
    """

    node: nodes.Apply | nodes.Call
    statement: nodes.Stmt
    owner: nodes.ClassDef | None
    loops: int
    frozen: bool
    trained: bool
    given_data: bool = False


# what becomes of a value: it is treated so, or goes to these places
How = Touch | tuple[Place, ...]

ANY = "*"
UNNAMED = "?"  # an attribute whose name is found out when the program runs


@dataclass(slots=True)
class Touches:
    """What a file, or some classes of it, do to memory.

    Attributes:
        flows: place → the places that the same memory is known under from there.
        sources: place → where what it holds may come from; None for what is none of ours.
        leaks: classes (by id) whose objects hand themselves to functions that we do not know.
        called: class → the methods of `self` that it calls.
        applied: class → what `self.apply` is given.
        unpacked: names that are bound to one of several results of a call that we do not know, or of a round of a loop.
    """

    touched: dict[Place, list[Touched]] = field(default_factory=dict)
    flows: dict[Place, set[Place]] = field(default_factory=dict)
    sources: dict[Place, set[Place | None]] = field(default_factory=dict)
    sites: dict[Place, Site] = field(default_factory=dict)
    leaks: set[int] = field(default_factory=set)
    called: dict[int, set[str]] = field(default_factory=dict)
    applied: dict[int, list[nodes.Expr]] = field(default_factory=dict)
    unpacked: set[Place] = field(default_factory=set)
