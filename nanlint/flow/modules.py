"""Names imported from other files of the project, worked out one by one when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nanlint.flow.functions import Frame
from nanlint.flow.state import State, join_values
from nanlint.ir import nodes
from nanlint.ir.walk import statements
from nanlint.values.value import Value

if TYPE_CHECKING:
    from nanlint.flow.imports import Importer


class Weight(NamedTuple):
    """What the text of a function says about it, unparsed.

    Attributes:
        may_break: it may hold an operation that can break.
        files: the files that were read to tell.
        places: where files were looked for, and what stood there.
    """

    may_break: bool
    files: frozenset[str] = frozenset()
    places: frozenset[tuple[str, str]] = frozenset()


HARMLESS = Weight(may_break=False)


class Modules(Protocol):
    """Where the text of other files comes from."""

    def find(self, path: str, importer: str) -> tuple[str, tuple[str, ...]] | None:
        """The file a dotted path leads to, and what remains of the path inside it."""

    def weigh(self, path: str, importer: str) -> Weight:
        """Might this be a function with an operation that can break?"""

    def load(self, filename: str) -> nodes.Module | None:
        """The IR of a file."""


class NoModules:
    """A file on its own: nothing it imports is looked into."""

    def find(self, path: str, importer: str) -> tuple[str, tuple[str, ...]] | None:
        return None

    def weigh(self, path: str, importer: str) -> Weight:
        return HARMLESS

    def load(self, filename: str) -> nodes.Module | None:
        return None


class ImportedNames(Mapping[str, Value]):
    """The variables of a module that was not run: each is evaluated when it is first read, and only then."""

    def __init__(self, executor: Importer, frame: Frame) -> None:
        self._executor = executor
        self._frame = frame
        self._known: dict[str, Value | None] = {}
        self._bindings = _bindings(frame.module)

    def get(self, name: str, default: Any = None) -> Any:
        if name not in self._known:
            self._known[name] = None  # a name that depends on itself is unknown
            self._known[name] = self._work_out(name)
        return self._known[name] or default

    def __getitem__(self, name: str) -> Value:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value  # type: ignore[no-any-return]

    def __contains__(self, name: object) -> bool:
        return name in self._bindings

    def __iter__(self) -> Iterator[str]:
        return iter(self._bindings)

    def __len__(self) -> int:
        return len(self._bindings)

    def _work_out(self, name: str) -> Value | None:
        found: Value | None = None
        for statement in self._bindings.get(name, ()):
            value = self._executor.value_of_binding(statement, self._frame, State({}, None, self))
            if value is None:
                return None
            found = value if found is None else join_values(found, value, self._executor.terms)
        if found is not None:
            return found
        path = self._frame.module.imports.get(name)
        if path is not None:
            return self._executor.imported(path, self._frame.filename)
        return self._executor.imported_by_star(name, self._frame)


def _bindings(module: nodes.Module) -> dict[str, list[nodes.Stmt]]:
    """Top-level name → the statements that bind it."""
    found: dict[str, list[nodes.Stmt]] = {}
    for statement in statements(module.body):
        if isinstance(statement, nodes.FunctionDef | nodes.ClassDef):
            found.setdefault(statement.name, []).append(statement)
        elif isinstance(statement, nodes.Assign):
            for target in statement.targets:
                if isinstance(target, nodes.Name):
                    found.setdefault(target.id, []).append(statement)
    return found
