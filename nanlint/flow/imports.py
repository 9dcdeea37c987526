"""What other files of the project say: constants, functions, classes, through re-exports and star imports."""

from __future__ import annotations

from nanlint.flow.evaluate import Evaluator
from nanlint.flow.functions import Class, Frame, Function, Instance, Pending
from nanlint.flow.modules import ImportedNames, Modules
from nanlint.flow.state import Nested, State
from nanlint.ir import nodes
from nanlint.ops.spellings import framework_of
from nanlint.values.value import Kind, Terms, Value, replace

# other files looked into for one file
_MOST_FILES = 20


class Importer(Evaluator):
    """The part of the interpreter that looks into other files."""

    def __init__(self, terms: Terms, frame: Frame, modules: Modules) -> None:
        super().__init__(terms, frame)
        self.modules = modules
        self._main = frame
        self.frames: dict[str, Frame | None] = {}  # of other files, by name
        self.weighed: frozenset[str] = frozenset()  # other files of which the text was looked at

    def _class(self, node: nodes.ClassDef, enclosing: Nested | None, state: State) -> Class:
        """A class as a value."""
        raise NotImplementedError

    def imported(self, path: str, importer: str) -> Value | None:
        """What an imported name denotes, if it comes from another file of the project."""
        if framework_of(path) != "python":
            return None
        found = self.modules.find(path, importer)
        frame = None if found is None or len(found[1]) != 1 else self._frame_of(found[0])
        if found is None or frame is None:
            return None
        value = frame.vars.get(found[1][0])
        return value if value is None or value.term is not None else value.with_term(self.terms.make("path", path))

    def is_of_project(self, path: str) -> bool:
        """Does a dotted path lead to another file of the project?"""
        return framework_of(path) == "python" and self.modules.find(path, self.frame.filename) is not None

    def imported_by_star(self, name: str, frame: Frame) -> Value | None:
        """What a name denotes that may come from one of the `from x import *` of a module."""
        for path in frame.module.stars:
            value = self.imported(f"{path}{name}", frame.filename)
            if value is not None:
                return value
        return None

    def _frame_of(self, filename: str) -> Frame | None:
        if filename == self._main.filename:
            return self._main  # through a cycle of imports; it is the same file, with the same functions
        if filename not in self.frames:
            module = self.modules.load(filename) if len(self.frames) < _MOST_FILES else None
            frame = self.frames[filename] = None if module is None else Frame(module, filename)
            if frame is not None:
                frame.vars = ImportedNames(self, frame)
        return self.frames[filename]

    def value_of_binding(self, statement: nodes.Stmt, frame: Frame, state: State) -> Value | None:
        """What a top-level statement of another file binds its name to."""
        if isinstance(statement, nodes.FunctionDef):
            return Value(kind=Kind.FUNCTION, payload=Function(statement, frame), differentiable=False)
        kept = self.frame, self.recording, self.framework
        self.frame, self.recording, self.framework = frame, False, frame.framework
        try:
            if isinstance(statement, nodes.ClassDef):
                return Value(kind=Kind.CLASS, payload=self._class(statement, None, state), differentiable=False)
            return self.evaluate(statement.value, state) if isinstance(statement, nodes.Assign) else None
        finally:
            self.frame, self.recording, self.framework = kept

    def is_dangerous_import(self, path: str) -> bool:
        """Is it a function of the project that holds an operation which can break?"""
        if framework_of(path) != "python":
            return False
        weight = self.modules.weigh(path, self.frame.filename)
        self.weighed |= weight.files
        return weight.may_break

    def may_import_danger(self, function: nodes.FunctionDef, owner: nodes.ClassDef | None) -> bool:
        """Does it name something that holds an operation which can break, imported or inherited from an import?"""
        if any(map(self.is_dangerous_import, function.paths)):
            return True
        bases = () if owner is None else owner.bases
        paths = [path for base in bases if (path := getattr(base, "path", None)) is not None]
        inherited = [f"{path.rpartition('.')[0]}." for path in paths if framework_of(path) == "python"]
        modules = (*self.frame.module.stars, *inherited)
        dangerous = [module for module in modules if self.is_dangerous_import(module.rstrip(".") or module)]
        return any(self.is_dangerous_import(module + word) for module in dangerous for word in function.mentioned)

    def settled(self, value: Value) -> Value:
        """An object of an imported class is looked into when it is used, and not when it is made."""
        if not isinstance(value.payload, Pending):
            return value
        cls = self.imported(value.payload.path, value.payload.importer)
        found = None if cls is None else cls.payload
        return replace(value, payload=Instance(found) if isinstance(found, Class) else None)
