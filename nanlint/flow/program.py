"""A whole file: the module body first, then every function, then every class with `__init__` before its methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nanlint.flow import assumptions
from nanlint.flow.aftermath import Bad
from nanlint.flow.execute import Executor
from nanlint.flow.functions import Class, Frame, Function
from nanlint.flow.inline import work_limit
from nanlint.flow.memory import Uninitialised, uninitialised
from nanlint.flow.modules import Modules, NoModules
from nanlint.flow.state import State
from nanlint.flow.uses import Context, Record, Trap, Use
from nanlint.ir import nodes
from nanlint.ir.walk import all_statements, children
from nanlint.ops import spellings, watched
from nanlint.values.value import Term, Terms, Value

# nobody mentions these when he calls them
_CALLED_UNNAMED = frozenset({"__init__", "__call__", "forward", "call"})


class Analysis:
    """What interpreting one file left behind, and the questions `facts` passes on."""

    def __init__(
        self, module: nodes.Module, executor: Executor, record: Record | None = None, chain: tuple[Context, ...] = ()
    ) -> None:
        self.module = module
        self.chain = chain  # the calls that led here; empty where every function is seen on its own
        self._executor = executor
        self._alone: dict[int, Analysis] = {}
        self._record = record = executor.record if record is None else record
        self.uses: list[Use] = list(record.uses.values())
        if any(context.is_whole for context in chain):
            self.uses = [use for use in self.uses if use.differentiable]  # where no gradient is taken, the choice mends
        self.traps: list[tuple[Trap, Use]] = [(trap, record.uses[node]) for node, trap in record.traps.items()]
        self.calls = list(record.calls.values())
        self.reveals = list(record.reveals.values())
        self.assignments = list(record.assignments.values())
        self.summaries = [(node, f"{node.name}()", str(value.range)) for node, value in record.returned.values()]

    def release(self) -> None:
        """Let go of what refers to itself (a module's variables hold functions, and these their module), so that it is
        freed at once and not by the garbage collector, which would look at every syntax node."""
        executor = self._executor
        for frame in (executor.frame, *executor.frames.values()):
            if frame is not None:
                frame.vars = {}
        for cls in executor.filled:
            cls.attributes.clear()
        for enclosing in executor.enclosings:
            enclosing.vars.clear()
        record = executor.record
        for held in (*vars(executor).values(), record.uses, record.values, record.contexts, record.calls, record.traps):
            if isinstance(held, dict | list | set):
                held.clear()
        executor.terms.clear()

    def in_calls(self) -> Iterator[Analysis]:
        """The functions once more, as they are met in each call of them."""
        for context in self._record.contexts:
            inner = Analysis(self.module, self._executor, context.record, (*self.chain, context))
            yield inner
            yield from inner.in_calls()

    @property
    def home(self) -> nodes.Module:
        """Where the uses of this record stand: the module that was interpreted, or that of the function called."""
        return self.chain[-1].module if self.chain else self.module

    @property
    def filename(self) -> str:
        """The file that was interpreted."""
        return self._executor.frame.filename

    @property
    def dependencies(self) -> frozenset[str]:
        """The other files that were looked into: if one changes, this analysis may change."""
        return frozenset(self._executor.frames) | self._executor.weighed

    def module_of(self, use: Use) -> nodes.Module | None:
        """The module a use stands in, if that is not the one that was interpreted."""
        frame = self._frame(use)
        return None if frame is None or frame is self._executor.frame else frame.module

    def filename_of(self, use: Use) -> str:
        """The file a use stands in."""
        frame = self._frame(use)
        return self._executor.frame.filename if frame is None else frame.filename

    def _frame(self, use: Use) -> Frame | None:
        return None if use.function is None else self._executor.run[id(use.function)].frame

    def alone(self, use: Use) -> Use | None:
        """The use as it is where nothing is known of the callers of the function it stands in."""
        if use.function is None:
            return use
        executor, key = self._executor, id(use.function)
        if key not in self._alone:
            kept, executor.record = executor.record, Record()
            executor.run_alone(executor.run[key])
            self._alone[key] = Analysis(self.module, executor)
            executor.record = kept
        return next((one for one in self._alone[key].uses if one.node is use.node), None)

    def class_of(self, use: Use) -> str:
        """The name of the class whose method a use stands in; empty if there is none."""
        owner = None if use.function is None else self._executor.run[id(use.function)].owner
        return "" if owner is None else owner.node.name

    def is_seen_in_calls(self, use: Use) -> bool:
        """Does the use stand in a function of which all callers are known? Then what they pass decides."""
        function = use.function
        return function is not None and self._executor.run[id(function)].is_private and self.is_called_here(use)

    def is_called_here(self, use: Use) -> bool:
        """Does the use stand in a function that the file calls, and was every such call run?"""
        function = use.function
        if function is None:
            return False
        calls = self.module.mentions.get(getattr(function, "name", ""), 0)
        met = len(self._executor.followed.get(id(function), ()))
        return 0 < met >= calls and id(function) not in self._executor.unfollowed

    def in_all_calls(self, use: Use) -> Iterator[Use]:
        """The same use as it is met in every call of its function that was run."""
        for inner in Analysis(self.module, self._executor).in_calls():
            yield from (one for one in inner.uses if one.node is use.node)

    def is_in_layer(self, use: Use) -> bool:
        """Does the use stand in a method of a layer or a loss?"""
        owner = None if use.function is None else self._executor.run[id(use.function)].owner
        return owner is not None and (owner.is_layer or any(path.endswith("Loss") for path in owner.foreign))

    def term_of(self, expr: nodes.Expr) -> Term | None:
        value = self.value_of(expr)
        return None if value is None else value.term

    def value_of(self, expr: nodes.Expr) -> Value | None:
        return self._record.values.get(id(expr))

    def value_of_term(self, term: Term) -> Value | None:
        return self._executor.by_term.get(term)

    def terms(self) -> tuple[Term, ...]:
        """Every term that an expression had."""
        return tuple(self._executor.by_term)

    def uninitialised(self) -> Iterator[Uninitialised]:
        """The memory that is read although nobody wrote it."""
        return uninitialised(self.module, self)

    @property
    def given_up(self) -> list[nodes.Stmt]:
        """The functions that took too long to interpret; of the module's own body, the statement where it did."""
        return self._executor.given_up

    def class_at(self, node: nodes.ClassDef) -> Class | None:
        """The class that this top-level definition makes."""
        value = self._executor.frame.vars.get(node.name)
        cls = None if value is None else value.payload
        return cls if isinstance(cls, Class) and cls.node is node else None

    def bases_of(self, cls: Class) -> tuple[list[Class], list[str]]:
        """Its bases in the project, and the dotted paths of those that are none of it."""
        bases, foreign = list(cls.bases), []
        for path in cls.foreign:
            value = self._executor.imported(path, cls.frame.filename)
            if value is not None and isinstance(value.payload, Class):
                bases.append(value.payload)
            else:
                foreign.append(path)
        if len(cls.node.bases) > len(cls.bases) + len(cls.foreign):
            foreign.append("?")
        return bases, foreign

    def function_at(self, path: str) -> Function | None:
        """The function of the project that an imported name denotes."""
        value = self._executor.imported(path, self._executor.frame.filename)
        return value.payload if value is not None and isinstance(value.payload, Function) else None

    def class_elsewhere(self, func: nodes.Expr) -> Class | None:
        """The class of another file of the project that is called, be it imported by its name or with all others."""
        executor, path = self._executor, getattr(func, "path", None)
        if path is not None:
            value = executor.imported(path, executor.frame.filename)
        else:
            value = executor.imported_by_star(func.id, executor.frame) if isinstance(func, nodes.Name) else None
        return value.payload if value is not None and isinstance(value.payload, Class) else None

    def default_of(self, term: Term, depth: int = 3) -> float | int | None:
        """The number a parameter has by default; that of an attribute which a constructor's parameter was stored in."""
        if depth == 0 or len(term.args) < 2:
            return None
        if term.head == "param":
            function = self._executor.run.get(term.args[1])
            param = None if function is None else named_parameter(function.node, term.args[0])
            default = None if param is None or not isinstance(param.default, nodes.Constant) else param.default.value
            return default if isinstance(default, int | float) else None
        held = self._held_by(*term.args) if term.head == "attr" else None
        return None if held is None else self.default_of(held, depth - 1)

    def _held_by(self, receiver: object, name: str) -> Term | None:
        """What an attribute of `self` was made from, as the constructor left it."""
        if not isinstance(receiver, Term) or receiver.head != "param":
            return None
        function = self._executor.run.get(receiver.args[1])
        owner = None if function is None else function.owner
        value = None if owner is None else owner.attribute(name)
        return None if value is None else value.term

    @property
    def passing(self) -> frozenset[Term]:
        """The terms whose value leaves the function they arise in."""
        return self._record.outlets.sources_of_values

    @property
    def passing_uncleaned(self) -> frozenset[Term]:
        """The same, less what is cleaned of NaN and infinities on the way."""
        return self._record.outlets.sources_of_uncleaned_values

    def passes(self, term: Term, replaced: Callable[[Term, Term], bool]) -> bool:
        """Does the value of a term leave the function, if some choices replace it where it is bad?"""
        return self._record.outlets.passes(term, replaced)

    def arrives(self, term: Term, bad: Bad) -> bool:
        """Does what is bad in the value of a term leave the function, if nothing swallows or replaces it?"""
        return self._record.outlets.arrives(term, bad, self.value_of_term)

    @property
    def passing_gradient(self) -> frozenset[Term]:
        """The terms whose gradient may be asked for."""
        return self._record.outlets.sources_of_gradients

    def origin_of(self, term: Term) -> nodes.Expr | None:
        return self._executor.origins.get(term)

    def part_with_term(self, node: nodes.Expr, term: Term) -> nodes.Expr | None:
        """The outermost proper part of an expression that has this term."""
        for part in children(node):
            if self.term_of(part) is term:
                return part
            if (deeper := self.part_with_term(part, term)) is not None:
                return deeper
        return None

    def term_here(self, expr: nodes.Expr, state: State) -> Term | None:
        """The term an expression would have in another state."""
        return self._executor.silently(expr, state.copy()).term

    def value_if(self, expr: nodes.Expr, state: State, condition: Term | None, truth: bool) -> Value | None:
        """The value of an expression where a condition holds (or does not); None where that cannot be."""
        inside = self._executor.refiner.refine(state.copy(), condition, truth)
        return None if inside is None else self._executor.silently(expr, inside)


def named_parameter(function: nodes.FunctionDef | nodes.Lambda, name: object) -> nodes.Param | None:
    """The parameter of this name."""
    return next((param for param in function.params if param.name == name), None)


def interpret(
    module: nodes.Module, *, filename: str = "", modules: Modules | None = None, everything: bool = False
) -> Analysis:
    """Interpret the functions of a file that a rule could speak of, or really all of them. What the file imports is
    looked up in `modules`."""
    frame = Frame(module, filename)
    executor = Executor(Terms(), frame, modules or NoModules(), everything=everything)
    executor.steps_left = executor.steps_to_fill = work_limit(module)
    executor.no_grad += assumptions.is_undifferentiated_file(filename)
    top = executor.patiently(lambda: executor.block(module.body, State({}))) or State({})
    frame.vars = top.vars
    _run_pending(executor)
    executor.record.outlets.leave(*top.vars.values())
    return Analysis(module, executor)


def _run_pending(executor: Executor) -> None:
    """Run what was defined, each on its own; definitions inside are found on the way and run in turn."""
    interesting = _interesting(executor)
    while executor.functions or executor.classes:
        functions, executor.functions = executor.functions, []
        classes, executor.classes = executor.classes, []
        for function in functions:
            if executor.everything or interesting(function.node):
                executor.run_alone(function)
        for cls in classes:
            if executor.everything or any(interesting(method.node, cls.node) for method in cls.methods()):
                _run_methods(executor, cls, interesting)


def _run_methods(executor: Executor, cls: Class, interesting: Callable[..., bool]) -> None:
    executor.fill(cls)
    executor.classes.extend(
        Class(inner, cls.frame, cls.enclosing) for inner in cls.node.body if isinstance(inner, nodes.ClassDef)
    )
    for method in cls.methods():
        if executor.everything or interesting(method.node, cls.node):
            executor.run_alone(method)


def _interesting(executor: Executor) -> Callable[..., bool]:
    """Can a function break, or does it mention one that can, of this file or imported into it?"""
    module = executor.frame.module
    functions = [one for one in all_statements(module.body) if isinstance(one, nodes.FunctionDef)]
    dangerous = {one.name for one in functions if one.has_hazard and one.name not in _CALLED_UNNAMED}
    dangerous |= set(_watched_layers(module))

    def interesting(function: object, owner: nodes.ClassDef | None = None) -> bool:
        return isinstance(function, nodes.FunctionDef) and (
            function.has_hazard
            or not dangerous.isdisjoint(function.mentioned)
            or executor.may_import_danger(function, owner)
        )

    return interesting


def _watched_layers(module: nodes.Module) -> Iterator[str]:
    """Variables and attributes that hold a loss a rule may speak of."""
    for statement in all_statements(module.body):
        if isinstance(statement, nodes.Assign) and isinstance(statement.value, nodes.Call):
            path = getattr(statement.value.func, "path", None)
            layer = spellings.module(path) if path else None
            if layer is not None and watched.is_loss(layer):
                for target in statement.targets:
                    if isinstance(target, nodes.Name | nodes.Attribute):
                        yield target.id if isinstance(target, nodes.Name) else target.name
