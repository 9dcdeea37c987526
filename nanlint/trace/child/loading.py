"""Loads a file of the user without running it: its imports, definitions and constants, one statement at a time.

Scripts start to download and to train when they are imported. What a model needs is its classes and functions, and
the constants that they read. A statement that fails is stepped over: most often it imports a package that is not
installed here. The same holds for every file of the project that this one imports.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from nanlint.faults import described
from nanlint.trace.child.places import Places

# calls that only make a value
_MAKERS = frozenset({
    "TypeVar", "ParamSpec", "NewType", "namedtuple", "partial", "float", "int", "str", "bool", "tuple", "list", "dict",
    "set", "frozenset", "len", "range", "max", "min", "sum", "round", "abs", "sorted", "getLogger", "device", "tensor",
    "zeros", "ones", "arange", "linspace", "sqrt", "log", "exp", "dataclass", "field", "dict.fromkeys", "finfo", "Size",
    "zip", "enumerate", "is_available", "ArgumentParser",
    "add_argument_group", "parse_args", "parse_known_args", "OrderedDict", "defaultdict", "SimpleNamespace", "full",
    "reversed", "map", "local", "Lock", "RLock", "ContextVar", "Namespace", "Registry", "compile", "Counter",
})  # fmt: skip
_HARMLESS = (
    ast.Constant, ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp, ast.BoolOp,
    ast.Compare, ast.IfExp, ast.Subscript, ast.Slice, ast.Starred, ast.JoinedStr, ast.FormattedValue, ast.Lambda,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.keyword, ast.arguments, ast.arg,
    ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.comprehension,
)  # fmt: skip
_FAILED = "failed"
_IMPORTED = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")


@dataclass
class Loaded:
    """A file as it was loaded.

    Attributes:
        module: its namespace.
        tree: its syntax.
        skipped: names that are missing because what defines them was not run, with the reason.
    """

    module: ModuleType
    tree: ast.Module
    skipped: dict[str, str] = field(default_factory=dict)


class Loader:
    """Loads files of one project, and forgets them again."""

    def __init__(self, places: Places, folder: str, *, in_full: bool) -> None:
        self.places = places
        self._folder = folder
        self.in_full = in_full
        self._skipped: dict[str, dict[str, str]] = {}
        self._names: set[str] = set()
        self._roots: list[str] = []

    def load_file(self, file: str) -> Loaded:
        """The file, as the module that it is in its package.

        Raises:
            SyntaxError, OSError: the file cannot be read.
            Exception: with a full import, whatever the file raises.
        """
        path = Path(file).resolve()
        root, name = module_name(path)
        self._enter(str(root))
        for folder in self._above(root):
            self._enter(folder, last=True)
        return self._load(name, path)

    def root_of(self, file: str) -> str:
        """The folder of the project that a file lies in: the outermost."""
        inside = [one for one in (*self.places.roots, self._folder) if Path(file).is_relative_to(one)]
        return min(inside, key=len, default=str(Path(file).parent))

    def _above(self, root: Path) -> Iterator[str]:
        """The folders of the project above a file: what is started from one of them finds its packages there."""
        known = {str(Path(one).resolve()) for one in (*self.places.roots, self._folder)}
        above = [str(folder) for folder in root.parents]
        outermost = max((above.index(one) for one in known if one in above), default=-1)
        yield from above[: outermost + 1]

    def load_text(self, loaded: Loaded, text: str) -> Loaded:
        """The same module with another text: an edit that is tried."""
        old = loaded.module
        module = ModuleType(old.__name__)
        module.__dict__.update(__file__=old.__file__, __package__=old.__package__, __spec__=old.__spec__)
        tree = ast.parse(text)
        # classes look up their own module while they are made
        sys.modules[old.__name__] = module
        try:
            self.run(tree, module, str(old.__file__))
        finally:
            sys.modules[old.__name__] = old
        return Loaded(module, tree, {})

    def load_module(self, name: str) -> Loaded:
        """The module with a dotted name.

        Raises:
            ModuleNotFoundError: there is none.
        """
        self._enter(self._folder)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no module named `{name}`")
        # what is installed elsewhere is imported in full wherever a file of the project imports it
        if not Path(spec.origin).is_relative_to(self._folder):
            importlib.import_module(name)
        self.places.add_root(str(Path(spec.origin).parent))
        module = importlib.import_module(name)
        tree = ast.parse(Path(spec.origin).read_bytes()) if spec.origin.endswith(".py") else ast.Module([], [])
        return Loaded(module, tree, self._skipped.get(name, {}))

    def forget(self) -> None:
        """The next file may use the same names for other modules."""
        for name in self._names:
            sys.modules.pop(name, None)
        self._names.clear()
        for root in self._roots:
            if root in sys.path:
                sys.path.remove(root)
        self._roots.clear()
        importlib.invalidate_caches()

    def _enter(self, root: str, *, last: bool = False) -> None:
        if root not in sys.path:
            sys.path.insert(len(sys.path) if last else 0, root)
            self._roots.append(root)
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder(self))

    def _load(self, name: str, path: Path) -> Loaded:
        parent = name.rpartition(".")[0]
        if parent:
            importlib.import_module(parent)
        known = sys.modules.get(name)
        if known is not None and getattr(known, "__file__", None) == str(path):  # its package has imported it
            return Loaded(known, ast.parse(path.read_bytes(), str(path)), self._skipped.get(name, {}))
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        tree = ast.parse(path.read_bytes(), str(path))
        self.remember(name)
        sys.modules[name] = module
        self.run(tree, module, str(path))
        return Loaded(module, tree, self._skipped.get(name, {}))

    def remember(self, name: str) -> None:
        """A module of the project is forgotten with it."""
        self._names.add(name)

    def run(self, tree: ast.Module, module: ModuleType, file: str) -> None:
        """Run a file's definitions in its namespace, or all of it if the user wants that."""
        if self.in_full:
            exec(compile(tree, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
            return
        skipped = self._skipped.setdefault(module.__name__, {})
        future = [one for one in tree.body if isinstance(one, ast.ImportFrom) and one.module == "__future__"]
        for statement in definitions(tree.body):
            # each is compiled alone, so each needs the file's own future imports
            unit = ast.Module([*future, statement], [])
            try:
                with _no_options_required():
                    exec(compile(unit, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
            except (Exception, SystemExit) as error:  # user code may raise anything, and argparse exits
                skipped.update(dict.fromkeys(_bound(statement), self._reason(error, skipped)))
            for name, text in _attempted(statement):
                if name not in module.__dict__:
                    skipped[name] = f"`{text}` {_FAILED}"
        defined = module.__dict__.keys()
        for statement in tree.body:
            for name in _bound(statement):
                if name not in defined:
                    skipped.setdefault(name, "the statement that defines it was not run")

    def _reason(self, error: BaseException, skipped: Mapping[str, str]) -> str:
        """Why a statement failed: if for a name that is missing here or where it is imported from, why that is."""
        missing = str(error.name) if isinstance(error, NameError | ImportError) else ""
        if isinstance(error, ImportError) and (found := _IMPORTED.search(str(error))) is not None:
            skipped, missing = self._skipped.get(found[2], {}), found[1]
        return skipped.get(missing) or described(error)


@contextmanager
def _no_options_required() -> Iterator[None]:
    """Scripts that must be told where their data lie keep the sizes of their models in the same options."""
    parse = argparse.ArgumentParser.parse_known_args

    def parse_none(parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        for action in parser._actions:  # noqa: SLF001
            action.required = False
        return parse(parser, *args, **kwargs)

    argparse.ArgumentParser.parse_known_args = parse_none  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        argparse.ArgumentParser.parse_known_args = parse  # type: ignore[method-assign]


def module_name(path: Path) -> tuple[Path, str]:
    """The folder to import from, and the dotted name of the file there."""
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    name = ".".join(parts) or path.stem
    # a file called like a module that torch needs must not take its place
    first = name.partition(".")[0]
    taken = first in sys.stdlib_module_names or first in {"torch", "numpy", "nanlint"} or not first.isidentifier()
    return folder, f"_traced_.{path.stem}".replace(".", "") if taken else name


def definitions(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that define something and do nothing else."""
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom) and len(statement.names) > 1:
            for alias in statement.names:
                yield ast.copy_location(_one_import(statement, alias), statement)
        elif isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            if statement.value is None or is_constant(statement.value):
                yield statement
        elif isinstance(statement, ast.Expr) and _declares_option(statement.value):
            yield statement
        elif isinstance(statement, ast.Try):
            yield from _attempt(statement)
        elif isinstance(statement, ast.If) and is_constant(statement.test):
            then, otherwise = list(definitions(statement.body)), list(definitions(statement.orelse))
            if then or otherwise:
                kept = ast.If(statement.test, then or [ast.Pass()], otherwise)
                yield ast.fix_missing_locations(ast.copy_location(kept, statement))


def is_constant(value: ast.expr) -> bool:
    """Can this expression be evaluated without doing anything?"""
    for node in _evaluated(value):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            if name not in _MAKERS:
                return False
        elif not isinstance(node, _HARMLESS):
            return False
    return True


def is_missing(reason: str) -> bool:
    """Is a package missing? Running more of the file would not help."""
    return "No module named" in reason or reason.endswith(_FAILED)


def _declares_option(value: ast.expr) -> bool:
    """Is this `parser.add_argument(…)`? Scripts keep the sizes of their models in the defaults."""
    called = value.func if isinstance(value, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in {"add_argument", "set_defaults"}


def _evaluated(value: ast.AST) -> Iterator[ast.AST]:
    """All of an expression but the bodies of lambdas, which wait for a call."""
    yield value
    if not isinstance(value, ast.Lambda):
        for child in ast.iter_child_nodes(value):
            yield from _evaluated(child)


def _attempt(statement: ast.Try) -> Iterator[ast.stmt]:
    body = list(definitions(statement.body))
    handlers = [
        ast.ExceptHandler(one.type, one.name, list(definitions(one.body)) or [ast.Pass()]) for one in statement.handlers
    ]
    if body and handlers:
        kept = ast.Try(body, handlers, list(definitions(statement.orelse)), list(definitions(statement.finalbody)))
        yield ast.fix_missing_locations(ast.copy_location(kept, statement))


def _one_import(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.stmt:
    if isinstance(statement, ast.Import):
        return ast.Import([alias])
    return ast.ImportFrom(statement.module, [alias], statement.level)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield (alias.asname or alias.name).partition(".")[0]
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name):
                    yield node.id


def _attempted(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """The names that the imports in a `try` bind, and their text."""
    for one in statement.body if isinstance(statement, ast.Try) else ():
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield from ((name, ast.unparse(one)) for name in _bound(one))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the project's own modules before Python does, and loads their definitions only."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            return None
        if not self._loader.places.is_mine(spec.origin):
            return None
        self._loader.remember(fullname)
        if not self._loader.in_full:
            spec.loader = _Definitions(fullname, spec.origin, self._loader)
        return spec


class _Definitions(importlib.machinery.SourceFileLoader):
    """Runs a module's definitions instead of the module."""

    def __init__(self, name: str, file: str, loader: Loader) -> None:
        super().__init__(name, file)
        self._parent = loader

    def exec_module(self, module: ModuleType) -> None:
        tree = ast.parse(Path(self.path).read_bytes(), str(self.path))
        self._parent.run(tree, module, str(self.path))
