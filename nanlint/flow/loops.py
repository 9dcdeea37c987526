"""Loops: what holds at the head on every turn, found by running the body until nothing moves any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nanlint.flow.functions import Frame
from nanlint.flow.imports import Importer
from nanlint.flow.modules import Modules
from nanlint.flow.state import State, join_states, joined_changes, widen_values
from nanlint.ir import nodes
from nanlint.values.value import UNKNOWN, Terms


@dataclass(slots=True)
class _Loop:
    """The states with which a loop, or one turn of it, is left early."""

    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


class Looper(Importer):
    """Executes loops."""

    def __init__(self, terms: Terms, frame: Frame, modules: Modules) -> None:
        super().__init__(terms, frame, modules)
        self.loops: list[_Loop] = []  # those around the current statement, the innermost last

    def block(self, body: Sequence[nodes.Stmt], state: State | None) -> State | None:
        """Run statements one after the other."""
        raise NotImplementedError

    def while_(self, node: nodes.While, state: State) -> State | None:
        def turn(head: State) -> State | None:
            inside = self.refiner.refine(head, self.condition(node.test, head), True)
            return self.block(node.body, inside)

        head, loop = self._iterate(node, state, turn)
        left = self.refiner.refine(head, self.condition(node.test, head), False)
        return self._join(self.block(node.orelse, left), *loop.breaks)

    def for_(self, node: nodes.For, state: State) -> State | None:
        iterated = self.evaluate(node.iter, state)

        def turn(head: State) -> State | None:
            self.bind_target(node.target, self.element(iterated, node.iter, head), head)
            return self.block(node.body, head)

        ran_once = bool(iterated.items)
        head, loop = self._iterate(node, state, turn)
        after: State | None = head
        if ran_once and loop.continues:
            after = loop.continues[0]
        return self._join(self.block(node.orelse, after), *loop.breaks)

    def _iterate(self, node: nodes.Stmt, entry: State, turn: Callable[[State], State | None]) -> tuple[State, _Loop]:
        """The state at the loop's head that holds on every turn: one silent turn to see what changes, then widened,
        then one recorded turn; whatever still moves is forgotten."""
        head, made = entry.copy(), self.terms.made
        recording = self.recording
        self.recording = False
        for forget in (False, False, True):
            end, _loop = self._turn(head.copy(), turn)
            earlier = [term for term in head.changed if term.number > made]
            moved = self._absorb(head, end, forget=forget)
            head.forget_changes(earlier)  # what earlier turns made and changed is gone, or the last turn knows it wider
            if not moved:
                break
        self.recording = recording
        end, loop = self._turn(head.copy(), turn)
        if end is not None:
            self._leave(head, end)
            head.changed = joined_changes(head, end, self.terms)
            loop.continues = [end]
        self.statement = node
        return head, loop

    def _leave(self, head: State, end: State) -> None:
        """After the loop a variable may hold what the last turn gave it."""
        for name, new in end.vars.items():
            old = head.vars.get(name)
            if old is None and "." not in name:
                head.vars[name] = new
            elif old is not None and old.term is not new.term and new.term is not None and old.term is not None:
                if old.term.head in ("fresh", "either"):
                    self.terms.add_source(old.term, new.term)
                else:
                    self.record.outlets.leave(new)

    def _turn(self, head: State, turn: Callable[[State], State | None]) -> tuple[State | None, _Loop]:
        self.loops.append(_Loop())
        end = turn(head)
        loop = self.loops.pop()
        return self._join(end, *loop.continues), loop

    def _absorb(self, head: State, end: State | None, *, forget: bool) -> bool:
        """Widen the head by another turn's end, or forget what still moves; did anything change?"""
        if end is None:
            return False
        changed = False
        for name, new in end.vars.items():
            old = head.vars.get(name)
            if old is None and "." in name:  # an attribute keeps what it had where the loop does not run
                head.vars[name] = UNKNOWN.with_term(self.terms.fresh(new.term))
                changed = True
            if old is None or old is new or old == new:
                continue
            widened = widen_values(old, new, self.terms)
            moved = (widened.range, widened.kind) != (old.range, old.kind)
            changed = changed or moved or old.term is not widened.term
            forgotten = UNKNOWN.with_term(self.terms.fresh(old.term, new.term))
            head.vars[name] = forgotten if moved and forget else widened
        head.facts = {term: fact for term, fact in head.facts.items() if term in end.facts}
        head.changed = joined_changes(head, end, self.terms)
        return changed

    def break_(self, node: nodes.Break, state: State) -> None:
        if self.loops:
            self.loops[-1].breaks.append(state)

    def continue_(self, node: nodes.Continue, state: State) -> None:
        if self.loops:
            self.loops[-1].continues.append(state)

    def _join(self, *states: State | None) -> State | None:
        joined: State | None = None
        for state in states:
            joined = join_states(joined, state, self.terms)
        return joined
