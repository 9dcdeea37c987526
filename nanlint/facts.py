"""The questions a check may ask about one file. A check that needs a new question adds it here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from nanlint.flow import assumptions
from nanlint.flow.functions import Class
from nanlint.flow.memory import Uninitialised
from nanlint.flow.program import Analysis
from nanlint.flow.state import State
from nanlint.flow.uses import Context, Trap, Use
from nanlint.ir.nodes import Apply, Call, Expr, FunctionDef, Module, Stmt
from nanlint.ir.positions import span_of
from nanlint.ir.walk import all_statements
from nanlint.requirements import Version
from nanlint.values.value import Term, Value
from nanlint.weighing import Weighing

_BLANK = " \t\f\r\n\\"  # what may stand between two tokens


class Facts(Weighing):
    """What is known about one file after it was interpreted."""

    def __init__(self, analysis: Analysis, target_torch: Version | None = None) -> None:
        super().__init__(analysis, target_torch)
        self.imports = analysis.module.imports  # module-level alias → dotted path

    @property
    def chain(self) -> tuple[Context, ...]:
        """The calls that led here, the outermost first; empty where functions are seen on their own."""
        return self._analysis.chain

    def uninitialised(self) -> Iterator[Uninitialised]:
        """The memory that is read although nobody wrote it; the same in every call."""
        return iter(()) if self.chain else self._analysis.uninitialised()

    def given_up(self) -> Iterator[Stmt]:
        """What took too long to interpret."""
        return iter(()) if self.chain else iter(self._analysis.given_up)

    @property
    def is_test(self) -> bool:
        """Is it a file of tests?"""
        return assumptions.is_test_file(self._analysis.filename)

    @property
    def body(self) -> Sequence[Stmt]:
        """The statements of the file."""
        return self._analysis.module.body

    def words(self) -> Iterator[str]:
        """Every name and attribute that the file reads, and every path that it imports."""
        yield from self._analysis.module.mentions
        yield from self.imports.values()

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Does the text of the file hold it anywhere, be it in a string or a comment?"""
        return pattern.search(self._analysis.home.source.text) is not None

    def in_calls(self) -> Iterator[Facts]:
        """What is known of the functions as they are met in each call of them."""
        return (Facts(analysis, self.target_torch) for analysis in self._analysis.in_calls())

    def elsewhere(self, use: Use) -> Module | None:
        """The module a use stands in, if it is not the file that is linted."""
        return self._analysis.module_of(use)

    def filename_of(self, use: Use) -> str:
        """The file a use stands in."""
        return self._analysis.filename_of(use)

    def call_here(self) -> Context:
        """The innermost call of the chain that stands in the file that is linted."""
        here = self.chain[0].filename
        return next(context for context in reversed(self.chain) if context.filename == here)

    def is_seen_in_calls(self, use: Use) -> bool:
        """Does the use stand in a function of which all callers are known? Then what they pass decides."""
        return self._analysis.is_seen_in_calls(use)

    def is_called_here(self, use: Use) -> bool:
        """Does the use stand in a function that the file calls, and was every such call run? Others may call it too."""
        return self._analysis.is_called_here(use)

    def in_all_calls(self, use: Use) -> Iterator[Use]:
        """The same use as it is met in every call of its function that was run."""
        return self._analysis.in_all_calls(use)

    def alone(self, use: Use) -> Use | None:
        """The same use where nothing is known of the callers of its function."""
        return self._analysis.alone(use)

    def class_of(self, use: Use) -> str:
        """The name of the class whose method a use stands in; empty if there is none."""
        return self._analysis.class_of(use)

    def uses(self, operations: Collection[str]) -> Iterator[Use]:
        """Every use of one of the operations, in no particular order."""
        for use in self._analysis.uses:
            if use.operation.name in operations:
                yield use

    def text(self, node: Expr) -> str:
        """The expression as the user wrote it, without parentheses around it."""
        source = self._analysis.home.source
        return source.slice(span_of(source, node.origin))

    def line_break(self, node: Expr) -> str | None:
        """What separates a new line from the expression, which begins its own line: the line break and the blanks.
        None where something else stands before it."""
        source = self._analysis.home.source
        span = span_of(source, node.origin)
        before = source.text[: source.offset(span.start_line, span.start_column)].rpartition("\n")[2]
        newline = "\r\n" if "\r\n" in source.text else "\n"
        return None if before.strip() else newline + before

    def text_of_call(self) -> str:
        """The innermost call of the chain, as the user wrote it."""
        *outer, last = self.chain
        source = (outer[-1].module if outer else self._analysis.module).source
        return source.slice(span_of(source, last.call.origin))

    def is_enclosed(self, node: Expr) -> bool:
        """Do parentheses stand around the expression, be they its own or those of a call with this only argument?"""
        source = self._analysis.home.source
        span = span_of(source, node.origin)
        before = source.text[: source.offset(span.start_line, span.start_column)].rstrip(_BLANK)
        after = source.text[source.offset(span.end_line, span.end_column) :].lstrip(_BLANK)
        return before.endswith("(") and after.startswith(")")

    def term_of(self, node: Expr) -> Term | None:
        """The term an expression had when it was last evaluated."""
        return self._analysis.term_of(node)

    def value_of(self, node: Expr) -> Value | None:
        """The value an expression had when it was last evaluated."""
        return self._analysis.value_of(node)

    def part_of(self, node: Expr, term: Term) -> Expr | None:
        """The outermost proper part of an expression that has this term."""
        return self._analysis.part_with_term(node, term)

    def default_of(self, term: Term) -> float | int | None:
        """The number a parameter or attribute has if nobody gives another."""
        return self._analysis.default_of(term)

    def class_elsewhere(self, func: Expr) -> Class | None:
        """The class of another file of the project that a call makes an object of."""
        return self._analysis.class_elsewhere(func)

    def producer(self, term: Term, use: Use) -> Apply | None:
        """The application that made a term: the one written inside this use if there is one, else the last."""
        inside = self._analysis.part_with_term(use.node, term)
        made = inside if isinstance(inside, Apply) else self._analysis.origin_of(term)
        return made if isinstance(made, Apply) else None

    def calls(self, path: str) -> Iterator[tuple[Call, tuple[Value, ...], Stmt, State]]:
        """Every call of the function with this dotted path that is no operation of ours."""
        for called, call, values, statement, state in self._analysis.calls:
            if called == path:
                yield call, values, statement, state

    def spell(self, term: Term, use: Use) -> str | None:
        """Source text that denotes `term` at the place of `use`: a constant, a variable that still holds it, a part
        of the expression itself, or the expression that made it if all its names still mean the same. None if
        the program can no longer say it there."""
        if term.head == "const":
            return repr(term.args[0])
        if (inside := self._analysis.part_with_term(use.node, term)) is not None:
            return self.text(inside)
        for name, value in use.state.vars.items():
            if value.term is term:
                return name
        origin = self._analysis.origin_of(term)
        if origin is not None and self._analysis.term_here(origin, use.state) is term:
            return self.text(origin)
        return None

    def traps(self) -> Iterator[tuple[Trap, Use]]:
        """Every use inside an arm of a choice whose gradient may be asked for: as it is without the conditions, and
        under them."""
        for trap, guarded in self._analysis.traps:
            if trap.use.differentiable and trap.use.result.term in self._analysis.passing_gradient:
                yield trap, guarded

    def value_if(self, node: Expr, use: Use, condition: Term | None, truth: bool) -> Value | None:
        """The value of an expression at the place of `use` if a condition holds there (or does not)."""
        return self._analysis.value_if(node, use.state, condition, truth)

    def bodies(self) -> Iterator[tuple[str, list[Stmt]]]:
        """The statements of the module ("") and of each function, by its name."""
        module = self._analysis.module
        yield "", module.body
        for statement in all_statements(module.body):
            if isinstance(statement, FunctionDef):
                yield statement.name, statement.body

    def passes_gradient(self, use: Use) -> bool:
        """May the gradient of the result be asked for?"""
        return use.differentiable and self._passes_on(use, self._analysis.passing_gradient)

    def made_from(self, term: Term) -> Iterator[Term]:
        """The terms of which this one is a direct operand, wherever in the file."""
        return (one for one in self._analysis.terms() if any(arg is term for arg in one.args))

    def terms(self, heads: Collection[str]) -> Iterator[Term]:
        """Every term of one of these operations, wherever in the file."""
        return (one for one in self._analysis.terms() if one.head in heads)

    def mentions(self, *names: str) -> bool:
        """Does the file read a name or an attribute that is called one of these?"""
        return not self._analysis.module.mentions.keys().isdisjoint(names)

    def count(self, *names: str) -> int:
        """How often the file reads a name or an attribute that is called one of these."""
        return sum(self._analysis.module.mentions.get(name, 0) for name in names)

    def function_of(self, use: Use) -> str:
        """The name of the function a use stands in, "" at the top level."""
        return getattr(use.function, "name", "")

    def is_in_layer(self, use: Use) -> bool:
        """Does the use stand in a method of a layer, whose input has the batch as its first dimension?"""
        return self._analysis.is_in_layer(use)

    def is_own(self, node: Expr) -> bool:
        """Was the expression evaluated in these functions, and not in one that they call?"""
        return self._analysis.value_of(node) is not None
