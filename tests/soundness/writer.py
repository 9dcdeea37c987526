"""The half of the program writer that chooses: names, expressions, lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from string import Formatter

from soundness import words

MOST_DEPTH = 3


@dataclass
class Names:
    """The variables in scope, by type."""

    tensors: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()

    def with_(self, kind: str, name: str) -> Names:
        """The same and one more; a name has one type only."""
        known = getattr(self, kind)
        return self if name in known else replace(self, **{kind: (*known, name)})


@dataclass
class Writer:
    """Writes one program, choice by choice."""

    random: Random
    excluded: frozenset[str]
    names: Names = field(default_factory=Names)
    lines: list[str] = field(default_factory=list)
    indent: int = 0
    loops: int = 0
    made: int = 10

    # --- choices -----------------------------------------------------------------------------------------------------

    def pick(self, options: Sequence[str]) -> str:
        """One of some options."""
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        """True in so many percent of all cases."""
        return self.random.random() * 100 < percent

    def allowed(self, templates: Sequence[str]) -> list[str]:
        return [template for template in templates if template not in self.excluded]

    def fresh(self) -> str:
        self.made += 1
        return f"v{self.made}"

    # --- expressions -------------------------------------------------------------------------------------------------

    def fill(self, template: str, depth: int, **given: str) -> str:
        """A template with its placeholders filled."""
        wanted = sorted({name for _, name, _, _ in Formatter().parse(template) if name})
        return template.format(**{name: given.get(name) or self.operand(name, depth) for name in wanted})

    def operand(self, letter: str, depth: int) -> str:
        """What a placeholder stands for; see words.py."""
        if letter in "xyz":
            return self.tensor(depth - 1)
        if letter in "uvt":
            return self.pick(self.names.tensors or ("torch.ones(3)",))
        if letter in "mn":
            return self.mask(depth - 1)
        if letter in "fg":
            return self.number(depth - 1)
        if letter in "kh":
            return self.condition(depth - 1)
        if letter == "s":
            return self.pick(self.names.numbers or words.CONSTANTS)
        return self.pick({"c": words.CONSTANTS, "e": words.SMALL, "p": words.EXPONENTS, "d": ("-1", "0")}[letter])

    def expression(self, templates: Sequence[str], names: Sequence[str], depth: int) -> str:
        """A name, or where there may be more, a template in parentheses."""
        if depth <= 0 or not self.chance(60):
            if names:
                return self.pick(names)
            depth = 0
        return f"({self.fill(self.pick(self.allowed(templates)), depth)})"

    def tensor(self, depth: int) -> str:
        return self.expression(words.TENSORS, self.names.tensors or ("torch.ones(3)",), depth)

    def mask(self, depth: int) -> str:
        return self.expression(words.MASKS, self.names.masks, depth)

    def number(self, depth: int) -> str:
        return self.expression(words.NUMBERS, self.names.numbers, depth) if depth > 0 else self.operand("s", 0)

    def condition(self, depth: int) -> str:
        if depth <= -2:
            return self.pick((*self.names.flags, "True"))
        return self.expression(words.CONDITIONS, self.names.flags, max(depth, 1) if depth > -1 else 0)

    # --- lines -------------------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    @contextmanager
    def block(self) -> Iterator[None]:
        """An indented block; what it defines is not used after it."""
        before, start, self.indent = self.names, len(self.lines), self.indent + 1
        yield
        if len(self.lines) == start:
            self.line("pass")
        self.names, self.indent = before, self.indent - 1

    def reveal(self, *names: str) -> None:
        for name in names:
            self.line(f"reveal_range({name})")

    def reveal_all(self) -> None:
        """Everything in scope: for aliases, and where paths begin or meet."""
        self.reveal(*self.names.tensors, *self.names.numbers)

    def assign(self, kind: str, value: str, name: str | None = None) -> str:
        """A variable, new or old, with a value."""
        known: tuple[str, ...] = tuple(name for name in getattr(self.names, kind) if "." not in name)
        target = name or (self.pick(known) if known and self.chance(30) else self.fresh())
        self.line(f"{target} = {value}")
        self.names = self.names.with_(kind, target)
        if kind in ("tensors", "numbers"):
            self.reveal(target)
        return target
