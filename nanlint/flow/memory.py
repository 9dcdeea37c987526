"""Memory that is read although nobody wrote it.

Allocations are found where a file is lowered; here each is followed through its names. It counts only what is sure:
whatever might fill it, anywhere in the file or in a class of the project that it belongs to, silences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from nanlint.flow import assumptions
from nanlint.flow.functions import Class, Function
from nanlint.flow.touches import ANY, UNNAMED, Place, Site, Touch, Touched, Touches
from nanlint.flow.walk import Walk
from nanlint.ir import nodes
from nanlint.ir.walk import expressions, parts
from nanlint.ops import memory
from nanlint.ops.reductions import CONDITIONS

_FILLED = (Touch.WRITE, Touch.ESCAPE, Touch.HAND)
# methods of a base class that nobody sees, and that may initialise what this class adds
_SETTING_UP = re.compile(r"init|reset|post|load|build|setup", re.IGNORECASE)
# names of one number each
_NUMBER = re.compile(
    r"^num_|^n_(?:\w*s|in|inp|out|dim|hidden|embd|embed|feat|state|obs|act|head|layer|token)$|^[nN]$|"
    r"(?:^|_)(?:dim|channels|features|classes|heads|units|planes)$|(?:hidden|batch|vocab|embed\w*)_size$"
)
_INDEX = re.compile(r"(?:ind|idx|index|indices|order|perm)_")  # of masks: all of them, perhaps
_LOADED = frozenset({"_load_from_state_dict", "from_float", "from_linear", "from_pretrained", "weight_loader"})


class Fault(Enum):
    """What is wrong."""

    NEVER_WRITTEN = "never written"
    ADDED_TO = "added to"
    PARTLY_WRITTEN = "partly written"


@dataclass(frozen=True, slots=True)
class Uninitialised:
    """Uninitialised memory that is read.

    Attributes:
        site: where it is allocated.
        name: what it is called there, "self.weight" or "out"; None if it has no name.
        fault: what is wrong.
        node: where it is changed or partly written; else where it is allocated.
        is_loaded: it is a buffer or parameter of a kind that comes from a file, as that of quantised layers does.
    """

    site: Site
    name: str | None
    fault: Fault
    node: nodes.Expr
    is_loaded: bool

    @property
    def is_attribute(self) -> bool:
        return self.name is not None and "." in self.name


class Program(Protocol):
    """What has to be known of classes."""

    def class_at(self, node: nodes.ClassDef) -> Class | None:
        """The class that this top-level definition makes."""

    def bases_of(self, cls: Class) -> tuple[list[Class], list[str]]:
        """Its bases in the project, and the dotted paths of those that are none of it."""

    def function_at(self, path: str) -> Function | None:
        """The function of the project that an imported name denotes."""


def uninitialised(module: nodes.Module, program: Program) -> Iterator[Uninitialised]:
    """All uninitialised memory of a file that is read."""
    if any(map(_may_hold_nan, module.allocations)):
        walk = Walk(module.allocations)
        walk.block(module.body)
        judge = _Judge(walk.found, module, program)
        for place, site in walk.found.sites.items():
            if site.given_data or not _may_hold_nan(site.node) or _is_to_be_nan(site):
                continue
            if (found := judge.verdict(place, site)) is not None:
                yield found


class _Judge:
    """Follows one allocation after the other."""

    def __init__(self, touches: Touches, module: nodes.Module, program: Program) -> None:
        self.touches = touches
        self.program = program
        self.families = _Families(module, program)

    def verdict(self, place: Place, site: Site) -> Uninitialised | None:
        reached = self._reached(place)
        reads: list[Touched] = []
        changes: list[Touched] = []
        parts: list[Touched] = []
        for each in reached:
            pure = self._holds_nothing_else(each)
            if not pure and each.kind == "attribute":
                return None
            for one in self.touches.touched.get(each, ()):
                if one.touch in _FILLED or (not pure and one.touch in (Touch.CHANGE, Touch.PART)):
                    return None
                if pure and one.touch is not Touch.PART:
                    (changes if one.touch is Touch.CHANGE else reads).append(one)
                elif pure:
                    parts.append(one)
        found = self._fault(site, reads, changes, parts)
        attributes = [each for each in reached if each.kind == "attribute"]
        own = [each for each in attributes if each.owner == id(site.owner)]
        if found is None or (attributes and not own) or any(map(self._is_filled_otherwise, own)):
            return None
        packed = any(_is_packed(other) for other in self.touches.sites.values() if other.owner is site.owner)
        return Uninitialised(site, _name(reached), *found, site.frozen or (packed and site.trained))

    def _fault(
        self, site: Site, reads: list[Touched], changes: list[Touched], parts: list[Touched]
    ) -> tuple[Fault, nodes.Expr] | None:
        if parts:
            one = parts[0]
            whole = [read for read in reads if not isinstance(read.node, nodes.Subscript)]
            if len(parts) == 1 and whole and one.loops == site.loops and _is_partial(one.node):
                return Fault.PARTLY_WRITTEN, one.node
            return None
        if changes:
            return Fault.ADDED_TO, changes[0].node
        return (Fault.NEVER_WRITTEN, site.node) if any(read.touch is Touch.READ for read in reads) else None

    def _reached(self, place: Place) -> list[Place]:
        """Every name that the memory of a place is known under, those in kindred classes included."""
        found = {place: None}
        waiting = [place]
        while waiting:
            here = waiting.pop()
            kindred = (
                [Place("attribute", owner, here.name) for owner in self.families.of(here.owner) if here.owner]
                if here.kind == "attribute"
                else []
            )
            for there in (*self.touches.flows.get(here, ()), *kindred):
                if there not in found:
                    found[there] = None
                    waiting.append(there)
        return list(found)

    def _holds_nothing_else(self, place: Place, seen: frozenset[Place] = frozenset()) -> bool:
        """Can nothing but uninitialised memory have been put here?"""
        if place.kind == "site" or place in seen:
            return True
        sources = self.touches.sources.get(place)
        if sources is None:
            return place.kind == "attribute"  # of a kindred class, which does not set it
        return all(source is not None and self._holds_nothing_else(source, seen | {place}) for source in sources)

    def _is_filled_otherwise(self, place: Place) -> bool:
        """Might the attribute be filled through another name, or by what stands in another file?"""
        owners = (*self.families.of(place.owner), 0)
        everybody = (*self.families.own, *owners)  # a class may contain another, and initialise all there is in both
        if self.families.is_loaded(place.owner) or any(owner in self.touches.leaks for owner in owners):
            return True
        outer = [Place("attribute", 0, place.name), *(Place("attribute", owner, ANY) for owner in everybody)]
        outer += [Place("attribute", owner, UNNAMED) for owner in owners]
        if any(_is_written(self.touches, each) for each in outer):
            return True
        if self.families.hidden_method(place.owner, self.touches.called):
            return True
        applied = [fn for owner in owners for fn in self.touches.applied.get(owner, ())]
        if any(self._may_initialise(fn, place) for fn in applied):
            return True
        return any(
            _is_written(touches, Place("attribute", owner, name))
            for owner, touches in self.families.elsewhere(place.owner)
            for name in (place.name, *((ANY, UNNAMED) if owner else ()))
        )

    def _may_initialise(self, function: nodes.Expr, place: Place) -> bool:
        """Might what is given to `self.apply` initialise the attribute? What stands in this file has been seen."""
        path = getattr(function, "path", None)
        if isinstance(function, nodes.Lambda) or path is None:
            return not isinstance(function, nodes.Lambda | nodes.Name | nodes.Attribute)
        found = self.program.function_at(path)
        if found is None or not isinstance(found.node, nodes.FunctionDef):
            return True
        walk = Walk()
        walk.function(found.node)
        return any(_is_written(walk.found, Place("attribute", 0, name)) for name in (place.name, ANY))


class _Families:
    """Which classes share their attributes, in this file and in others."""

    def __init__(self, module: nodes.Module, program: Program) -> None:
        self.program = program
        self.module = module
        self.own = {id(one): one for one in module.body if isinstance(one, nodes.ClassDef)}
        self._walked: dict[int, Touches] = {}
        self._lines: dict[int, tuple[list[Class], list[str]]] = {}

    def of(self, owner: int) -> tuple[int, ...]:
        """The class itself, those of this file that inherit from it, and all that it inherits from."""
        if owner not in self.own:
            return (owner,) if owner else ()
        found = {owner: None}
        for base in self._ancestors(owner)[0]:
            found[id(base.node)] = None
        for other in self.own:
            if any(id(base.node) == owner for base in self._ancestors(other)[0]):
                found[other] = None
        return tuple(found)

    def _ancestors(self, owner: int) -> tuple[list[Class], list[str]]:
        """The classes of the project that a class inherits from, and the paths of others."""
        if owner not in self._lines:
            self._lines[owner] = ([], [])
            found: dict[int, Class] = {}
            foreign: list[str] = []
            cls = self.program.class_at(self.own[owner])
            waiting = [] if cls is None else [cls]
            while waiting:
                bases, paths = self.program.bases_of(waiting.pop())
                foreign += paths
                new = [base for base in bases if id(base.node) not in found]
                found.update((id(base.node), base) for base in new)
                waiting += new
            self._lines[owner] = list(found.values()), foreign if cls is not None else ["?"]
        return self._lines[owner]

    def is_loaded(self, owner: int) -> bool:
        """Does the class say how its memory comes from a file?"""
        return any(method in _LOADED for method in self._methods(owner))

    def _methods(self, owner: int) -> Iterator[str]:
        nodes_ = [self.own[each] for each in self.of(owner) if each in self.own]
        if owner in self.own:
            nodes_ += [base.node for base in self._ancestors(owner)[0]]
        for node in nodes_:
            yield from (one.name for one in node.body if isinstance(one, nodes.FunctionDef))

    def hidden_method(self, owner: int, called: dict[int, set[str]]) -> bool:
        """Does the class call a method that may initialise, of a base that nobody sees?"""
        if owner not in self.own:
            return True
        if all(path == "torch.nn.Module" for path in self._ancestors(owner)[1]):
            return False
        known = set(self._methods(owner))
        names = {name for each in self.of(owner) for name in called.get(each, ())}
        return any(_SETTING_UP.search(name) for name in names - known)

    def elsewhere(self, owner: int) -> Iterator[tuple[int, Touches]]:
        """What the classes of other files do that some class of this file inherits from: to their own attributes if
        this is one of the family, and to those of others."""
        family = self.of(owner)
        for each in self.own:
            for base in self._ancestors(each)[0]:
                key = id(base.node)
                if key not in self.own:
                    if key not in self._walked:
                        walk = Walk()
                        walk.class_(base.node)
                        self._walked[key] = walk.found
                    yield 0, self._walked[key]
                    if key in family:
                        yield key, self._walked[key]


def _is_written(touches: Touches, place: Place) -> bool:
    """Is a place, or anything else that its memory is known as, written or set?"""
    seen = {place}
    waiting = [place]
    if place.name not in (ANY, UNNAMED) and touches.sources.get(place, {None}) - set(touches.sites) - {None}:
        return True
    if place.name not in (ANY, UNNAMED) and None in touches.sources.get(place, ()):
        return True
    while waiting:
        here = waiting.pop()
        for one in touches.touched.get(here, ()):
            if one.touch in (Touch.WRITE, Touch.PART) or (
                one.touch is Touch.ESCAPE and place.name not in (ANY, UNNAMED)
            ):
                return True
        new = touches.flows.get(here, set()) - seen
        seen |= new
        waiting += new
    return False


def _name(reached: list[Place]) -> str | None:
    """The first name it is given; an attribute if it becomes one."""
    named = [place for place in reached if place.kind != "site"]
    attribute = next((place for place in named if place.kind == "attribute"), None)
    if attribute is not None:
        return f"self.{attribute.name}"
    return named[0].name if named else None


def _is_partial(target: nodes.Expr) -> bool:
    """Is it plain that an assignment to this item or slice leaves others as they were?"""
    return isinstance(target, nodes.Subscript) and any(map(_leaves_some_out, target.index))


def _leaves_some_out(index: nodes.Expr) -> bool:
    if isinstance(index, nodes.Slice):
        start, stop, step = (
            part.value if isinstance(part, nodes.Constant) and isinstance(part.value, int) else 0
            for part in index.parts
        )
        return start > 0 or stop < 0 or step > 1
    if isinstance(index, nodes.Compare):
        return True
    if isinstance(index, nodes.Apply):
        return index.spelling.operation.name in CONDITIONS
    if not isinstance(index, nodes.Name) or index.path is not None or _INDEX.match(index.id):
        return False
    return assumptions.is_mask(index.id)


# --- allocations -------------------------------------------------------------------------------------------------


def _may_hold_nan(node: nodes.Apply | nodes.Call) -> bool:
    """Are there floats in it, and any at all?"""
    path = getattr(node.func, "path", "") if isinstance(node, nodes.Call) else ""
    if path in memory.CONSTRUCTORS and not _is_given_sizes(node.args):
        return False
    dtype = node.keywords.get("dtype") or (node.operands.get("dtype") if isinstance(node, nodes.Apply) else None)
    if _last_word(dtype) in memory.WHOLE_DTYPES:
        return False
    device = node.keywords.get("device")
    if isinstance(device, nodes.Call) and device.args:
        device = device.args[0]
    if isinstance(device, nodes.Constant) and device.value == "meta":
        return False
    args = node.args if path or not isinstance(node, nodes.Apply) else (*node.args, *node.operands.values())
    return not any(_is_zero(arg) for arg in args)


def _is_to_be_nan(site: Site) -> bool:
    """`torch.Tensor(n) * numpy.nan`: whatever it held, it is NaN then."""
    products = (one for one in expressions(site.statement) if isinstance(one, nodes.Apply))
    factors = (operand for one in products for operand in one.operands.values())
    return any((getattr(factor, "path", None) or "").endswith(".nan") for factor in factors)


def _is_packed(site: Site) -> bool:
    """Is it a parameter that nobody trains: not even of floats, or of a dtype found by asking what there is?"""
    dtype = site.node.keywords.get("dtype")
    named = isinstance(dtype, nodes.Name) and dtype.id.isupper()
    return site.trained and (site.frozen or named or _last_word(dtype) in memory.WHOLE_DTYPES)


def _last_word(expr: nodes.Expr | None) -> str:
    if isinstance(expr, nodes.Constant):
        return str(expr.value)
    path = getattr(expr, "path", None) or ""
    return path.rpartition(".")[2]


def _is_zero(size: nodes.Expr) -> bool:
    if isinstance(size, nodes.Display):
        return any(map(_is_zero, size.items))
    return isinstance(size, nodes.Constant) and size.value == 0 and not isinstance(size.value, bool)


def _is_given_sizes(args: tuple[nodes.Expr, ...]) -> bool:
    """Are these sizes, and not data?"""
    if len(args) > 1:
        return not any(isinstance(arg, nodes.Display | nodes.Comprehension) for arg in args)
    return len(args) == 1 and _is_size(args[0])


def _is_size(expr: nodes.Expr) -> bool:
    if isinstance(expr, nodes.Starred):
        return isinstance(expr.value, nodes.Name | nodes.Attribute) or _is_size(expr.value)
    if isinstance(expr, nodes.Constant):
        return isinstance(expr.value, int)
    if isinstance(expr, nodes.Name | nodes.Attribute):
        # an `image_size` may well be a tuple: data then
        return _NUMBER.search(expr.id if isinstance(expr, nodes.Name) else expr.name) is not None
    if isinstance(expr, nodes.Subscript):
        return isinstance(expr.base, nodes.Attribute) and expr.base.name == "shape"
    if isinstance(expr, nodes.Apply):
        name = expr.spelling.operation.name
        if any(isinstance(part, nodes.Display) for part in parts(expr)):
            return False  # `[0] * n`
        return name in ("size", "len") or (
            name in ("add", "sub", "mul", "floordiv") and all(map(_is_size, expr.operands.values()))
        )
    return False
