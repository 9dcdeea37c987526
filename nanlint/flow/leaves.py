"""What a term is made of in the end: what was given, what is fixed, and what an unknown function made."""

from __future__ import annotations

from collections.abc import Iterator

from nanlint.values.value import Term

# they tell of a shape or a type, and not of the numbers
_OUTWARD = frozenset({"shape", "dtype", "device", "ndim", "size"})
_SIZES = frozenset({"size", "len"})
_NOTHING = frozenset({"const", "none", "path", "finfo", "how", "slice"})
_OWN = ("self", "cls")
# among the sources of what a function of the program computes when no work is left to look into it
UNFOLLOWED = "unfollowed"


def is_outward(term: Term) -> bool:
    """Is it `x.shape`, `x.dtype` and the like?"""
    return term.head == "attr" and term.args[-1] in _OUTWARD


def parts(term: Term) -> Iterator[Term]:
    """The term and all that went into its numbers, each once."""
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        part = waiting.pop()
        if part in seen or part.head in _SIZES or is_outward(part):
            continue
        seen.add(part)
        yield part
        if part.head != "attr":
            waiting += (arg for arg in part.args if isinstance(arg, Term))


def given(term: Term) -> Iterator[tuple[Term, str]]:
    """The parameters and the attributes of parameters in it, with their names. `self.mask` is not given but owned."""
    for part in parts(term):
        if part.head == "param" and part.args[0] not in _OWN:
            yield part, part.args[0]
        elif part.head == "attr" and not is_owned(part):
            yield part, part.args[-1]
        elif part.head == "item" and (name := _key(part)) is not None:
            yield part, name


def is_owned(term: Term) -> bool:
    """Is it `self.something`, a buffer or a setting?"""
    while term.head == "attr" and isinstance(term.args[0], Term):
        term = term.args[0]
    return term.head == "param" and term.args[0] in _OWN


def is_unknown(term: Term) -> bool:
    """Is something in it that an unknown function made?"""
    return any(part.head in ("fresh", "global") for part in parts(term))


def is_unfollowed(term: Term) -> bool:
    """Does the program itself compute it, where nobody looked? What it is called tells nothing then."""
    return any(part.head == UNFOLLOWED for part in parts(term))


def contains(term: Term, wanted: Term) -> bool:
    """Did `wanted` go into it?"""
    return any(part is wanted for part in parts(term))


def _key(item: Term) -> str | None:
    """`mask` of `batch["mask"]`."""
    index = item.args[1] if len(item.args) == 2 else None
    key = index.args[0] if isinstance(index, Term) and index.head == "const" else None
    return key if isinstance(key, str) else None
