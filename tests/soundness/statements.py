"""The other half of the program writer: statements and definitions, each revealed where it takes effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from soundness import words
from soundness.writer import MOST_DEPTH, Names, Writer

MOST_LINES = 60
ALIASES = "aliases"  # in-place changes of what may have other names


class Statements(Writer):
    """Writes statements."""

    def body(self, most: int) -> None:
        """Statements: at least one."""
        for _ in range(self.random.randint(1, most)):
            if len(self.lines) > MOST_LINES:
                break
            self.statement()

    def statement(self) -> None:
        kinds = [name for name in SIMPLE if name not in self.excluded]
        if self.indent < MOST_DEPTH and self.chance(45):
            kinds = [name for name in COMPOUND if name not in self.excluded]
        getattr(self, self.pick(kinds))()

    # --- simple statements -------------------------------------------------------------------------------------------

    def compute(self) -> None:
        self.assign("tensors", self.fill(self.pick(self.allowed(words.TENSORS)), 2))

    def count(self) -> None:
        self.assign("numbers", self.fill(self.pick(self.allowed(words.NUMBERS)), 2))

    def compare(self) -> None:
        self.assign("masks", self.fill(self.pick(self.allowed(words.MASKS)), 2))

    def decide(self) -> None:
        self.assign("flags", self.fill(self.pick(self.allowed(words.CONDITIONS)), 1))

    def mutate(self) -> None:
        target = self.pick(self.names.tensors)
        if ALIASES in self.excluded:
            self.line(f"{target} = {target}.float().clone()")
        self.line(self.fill(self.pick(self.allowed(words.IN_PLACE)), 1, t=target))
        self.reveal_all()

    def increase(self) -> None:
        if self.names.numbers:
            target = self.pick(self.names.numbers)
            self.line(f"{target} {self.pick(('+=', '-=', '*=', '/='))} {self.number(1)}")
            self.reveal(target)

    def alias(self) -> None:
        self.assign("tensors", self.fill(self.pick(self.allowed(words.SHARED)), 0))

    def unpack(self) -> None:
        one, two = self.fresh(), self.fresh()
        self.line(f"{one}, {two} = {self.fill(self.pick(self.allowed(words.PAIRS)), 2)}")
        self.line(f"{two} = {two}.float()")  # of an index; where paths meet, it is no more known to be whole
        self.names = self.names.with_("tensors", one).with_("tensors", two)
        self.reveal(one, two)

    def swap(self) -> None:
        one, two = self.pick(self.names.tensors), self.pick(self.names.tensors)
        if one != two:
            self.line(f"{one}, {two} = {two}, {one}")
            self.reveal(one, two)

    def check(self) -> None:
        self.line(f"assert {self.condition(1)}")
        self.reveal_all()

    def call(self) -> None:
        if self.names.helpers:
            name = self.pick(self.names.helpers)
            rest = self.pick(("", ", 1.5", ", 3")) if name.startswith("h") else ""
            self.assign("tensors", f"{name}({self.tensor(1)}{rest})")

    def method(self) -> None:
        if self.names.instances:
            self.assign("tensors", f"{self.pick(self.names.instances)}.run({self.tensor(1)})")
            self.reveal_all()

    def function(self) -> None:
        name = self.fresh()
        self.line(f"{name} = lambda {(given := self.fresh())}: {self.with_name(given, lambda: self.tensor(2))}")
        self.assign("tensors", f"{name}({self.tensor(1)})")

    def with_name(self, name: str, write: Callable[[], str]) -> str:
        before, self.names = self.names, self.names.with_("tensors", name)
        text = write()
        self.names = before
        return text

    def collect(self) -> None:
        name, item = self.fresh(), self.fresh()
        element = self.with_name(item, lambda: self.tensor(2))
        self.line(f"{name} = [{element} for {item} in ({self.tensor(0)}, {self.tensor(0)})]")
        self.assign("tensors", self.pick((f"{name}[0]", f"sum({name})", f"torch.stack({name})", f"max({name})")))

    def display(self) -> None:
        name, one, two = self.fresh(), self.tensor(1), self.tensor(1)
        self.line(f"{name} = [{one}, {two}]")
        if self.chance(50):
            self.line(self.fill(self.pick(self.allowed(words.CHANGES)), 1, i=name))
        self.assign("tensors", self.pick((f"{name}[0]", f"{name}[-1]", f"torch.stack({name})")))
        self.assign("numbers", f"len({name})")
        self.reveal_all()

    def dictionary(self) -> None:
        name = self.fresh()
        self.line(f'{name} = {{"a1": {self.tensor(1)}, "a2": {self.number(1)}}}')
        if self.chance(30):
            self.line(f'{name}["a1"] = {self.tensor(1)}')
        self.assign("tensors", f'{name}["a1"]')
        self.assign("numbers", f'{name}["a2"]')

    def append(self) -> None:
        name = self.fresh()
        self.line(f"{name} = []")
        self.line(f"for _ in range({self.pick(('1', '2', '3'))}):")
        with self.block():
            self.line(f"{name}.append({self.tensor(1)})")
        self.assign("numbers", f"len({name})")
        self.assign("tensors", f"torch.stack({name})")

    def leave(self) -> None:
        """An early end, under a condition."""
        self.line(f"if {self.condition(1)}:")
        with self.block():
            ends = ("return", "raise ValueError", *(("break", "continue") if self.loops else ()))
            self.line(self.pick(ends))
        self.reveal_all()

    # --- compound statements -----------------------------------------------------------------------------------------

    def branch(self) -> None:
        self.line(f"if {self.condition(2)}:")
        with self.block():
            self.reveal_all()
            self.body(2)
        if self.chance(60):
            self.line("else:" if self.chance(70) else f"elif {self.condition(1)}:")
            with self.block():
                self.reveal_all()
                self.body(2)
        self.reveal_all()

    def both_ways(self) -> None:
        name = self.fresh()
        self.line(f"if {self.condition(1)}:")
        with self.block():
            self.assign("tensors", self.tensor(2), name)
        self.line("else:")
        with self.block():
            self.assign("tensors", self.tensor(2), name)
        self.names = self.names.with_("tensors", name)
        self.reveal(name)

    def for_range(self) -> None:
        name = self.fresh()
        self.line(f"for {name} in range({self.pick(self.allowed(words.BOUNDS))}):")
        self.turns(name, "numbers")

    def for_each(self) -> None:
        name = self.fresh()
        over = self.pick((f"({self.tensor(1)}, {self.tensor(1)})", f"{self.tensor(0)}.view(-1)", f"[{self.tensor(0)}]"))
        self.line(f"for {name} in {over}:")
        self.turns(name, "tensors")

    def turns(self, name: str, kind: str) -> None:
        self.loops += 1
        with self.block():
            self.names = self.names.with_(kind, name)
            self.reveal_all()
            self.body(3)
        self.loops -= 1
        self.reveal_all()

    def while_(self) -> None:
        turn = self.fresh()
        self.line(f"{turn} = 0")
        self.line(f"while {turn} < 3{self.pick(('', ' and ' + self.condition(1)))}:")
        with self.block():
            self.line(f"{turn} += 1")
            self.reveal(turn)
            self.loops += 1
            self.body(3)
            self.loops -= 1
        self.reveal(turn)
        self.reveal_all()

    def attempt(self) -> None:
        self.line("try:")
        with self.block():
            self.body(3)
            if self.chance(30):
                self.line(f"assert {self.condition(1)}")
        self.line("except Exception:")
        with self.block():
            self.reveal_all()
            self.body(2)
        if self.chance(20):
            self.line("finally:")
            with self.block():
                self.body(1)
        self.reveal_all()

    def without_gradient(self) -> None:
        self.line("with torch.no_grad():")
        with self.block():
            self.body(2)
        self.reveal_all()

    def closure(self) -> None:
        name = self.helper(nested=True)
        self.names = self.names.with_("helpers", name)
        self.call()

    # --- definitions -------------------------------------------------------------------------------------------------

    def helper(self, *, nested: bool = False) -> str:
        """A function with a default and, it may be, an early return."""
        name, one, two = f"h{self.fresh()}", self.fresh(), self.fresh()
        default = self.pick(("0.5", "1.0", "2", "1e-6"))
        self.line(f"def {name}({one}, {two}={default}):")
        loops, self.loops = self.loops, 0
        with self.block():
            outer = self.names if nested else Names(numbers=self.names.numbers)
            # a closure that assigned an outer name would make it its own
            self.names = replace(outer, tensors=(one,), numbers=(two,), helpers=())
            self.reveal(one, two)
            self.leave_with()
            self.body(2)
            self.line(f"return {self.tensor(2)}")
        self.loops = loops
        return name

    def leave_with(self) -> None:
        if self.chance(50):
            self.line(f"if {self.condition(1)}:")
            with self.block():
                self.line(f"return {self.tensor(2)}")
            self.reveal_all()

    def class_(self) -> str:
        """A class that keeps a number and a tensor."""
        name, given = f"C{self.fresh()}", self.fresh()
        self.line(f"class {name}:")
        with self.block():
            self.line(f"v8 = {self.pick(('0.5', '2.0', '1e-6'))}")
            self.line(f"def __init__(self, {given}={self.pick(('0.5', '1.0', '2'))}):")
            with self.block():
                self.names = Names(numbers=(given, "self.v8"))
                self.line(f"self.v9 = {self.number(2)}")
                self.line(f"self.v7 = torch.full((3,), {self.number(1)})")
            self.run_method()
        return name

    def run_method(self) -> None:
        given = self.fresh()
        self.line(f"def run(self, {given}):")
        with self.block():
            self.names = Names(tensors=(given, "self.v7"), numbers=("self.v8", "self.v9"))
            self.reveal_all()
            self.leave_with()
            self.body(3)
            self.line(f"return {self.tensor(1)}")


SIMPLE = (
    "compute", "count", "compare", "decide", "mutate", "increase", "alias", "unpack", "swap", "check", "call",
    "method", "function", "collect", "display", "dictionary", "append", "leave", "compute", "compute", "mutate",
)  # fmt: skip
COMPOUND = (
    "branch", "both_ways", "for_range", "for_each", "while_", "attempt", "without_gradient", "closure", "branch",
)  # fmt: skip
