"""In which order a signal passes through the layers of a program, read off its constructors and `forward` methods.

Nothing is run: modules are followed through attributes, lists, loops and helpers, and the signal through calls.
Whatever is not understood ends a chain of layers; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nanlint.checks.initialisation.layers import Steps
from nanlint.checks.initialisation.reading import Expressions
from nanlint.checks.initialisation.rounds import DEPTH, MOST, functions_of
from nanlint.checks.initialisation.things import END, Env, Signal, Stack, Thing, Wiring, grown, joined
from nanlint.checks.literals import Literals
from nanlint.ir import nodes
from nanlint.ir.walk import blocks_of


def wiring(body: Sequence[nodes.Stmt], file: Literals) -> Wiring:
    """How the layers of a file are put together."""
    reader = _Reader(body, file)
    reader.read(body)
    return reader.found


class _Reader(Expressions):
    """Runs statements and functions."""

    # --- scopes --------------------------------------------------------------------------------------------------

    def read(self, body: Sequence[nodes.Stmt]) -> None:
        for cls in self.classes.values():
            self.forward(cls)
        for cls in self.classes.values():
            for method in functions_of(cls.body):
                if method.name != "__init__" and id(method) not in self.found.names:
                    self.scoped(method, dict(self._attributes(cls)), cls)
        for function in self.functions.values():
            self.scoped(function, {}, None)
        self.scoped(None, {}, None, body)

    def scoped(
        self,
        function: nodes.FunctionDef | None,
        env: Env,
        owner: nodes.ClassDef | None,
        body: Sequence[nodes.Stmt] = (),
    ) -> list[Thing]:
        """Runs a function; what it returns."""
        saved = self.env, self.owner, self.scope, self.returned, self.statement, self.bound
        self.env, self.owner, self.returned, self.bound = env, owner, [], {}
        self.scope = self.file.scope_of(function)
        self.depth += 1
        self._block(body if function is None else function.body)
        self.depth -= 1
        key = None if function is None else id(function)
        self.found.names.setdefault(key, self.env)
        if env is not self.env:  # branches and comprehensions work on copies
            env.update(self.env)
        returned = self.returned
        if self.depth == 0:
            for thing in returned:
                self.used_up(thing)
            for name, held in self.env.items():  # a model that is only made here
                if isinstance(held, Stack) and not name.startswith("self."):
                    self.used_up(held)
        self.env, self.owner, self.scope, self.returned, self.statement, self.bound = saved
        return returned

    def _attributes(self, cls: nodes.ClassDef) -> Env:
        """What `self.x` is after `__init__` (Keras: also `build`, flax: `setup`)."""
        if cls.name in self.found.attributes:
            return self.found.attributes[cls.name]
        self.found.attributes[cls.name] = {}
        env: Env = {}
        for base in cls.bases:
            inherited = self.classes.get(getattr(base, "id", ""))
            if inherited is not None:
                env.update(self._attributes(inherited))
        for method in functions_of(cls.body):
            if method.name in ("__init__", "build", "setup"):
                inner = dict(env)
                self.depth += 1
                self.scoped(method, inner, cls)
                self.depth -= 1
                env.update((key, thing) for key, thing in inner.items() if key.partition(".")[0] == "self")
        self.found.attributes[cls.name] = env
        return env

    def forward(self, cls: nodes.ClassDef) -> Steps:
        """What an instance of the class does to a signal; the same wherever one is made."""
        if cls.name not in self.forwards:
            if cls.name in self.busy or self.depth > DEPTH:
                return END
            self.busy.add(cls.name)
            self.forwards[cls.name] = self._followed(cls)
            self.busy.discard(cls.name)
        return self.forwards[cls.name]

    def _followed(self, cls: nodes.ClassDef) -> Steps:
        env = dict(self._attributes(cls))
        method = next((one for one in functions_of(cls.body) if one.name in ("forward", "call", "__call__")), None)
        if method is None:
            own = env.get("self")
            return own.steps if isinstance(own, Stack) else END
        params = [param.name for param in method.params if not param.starred][1:]
        env.update(dict.fromkeys(params))
        if params:
            env[params[0]] = Signal(())
        returned = self.scoped(method, env, cls)
        for thing in returned:
            self.used_up(thing)
        ways = {one.steps for one in returned if isinstance(one, Signal)}
        return ways.pop() if len(ways) == 1 and len(returned) == 1 else END

    def used_up(self, thing: Thing) -> None:
        if (isinstance(thing, Signal) or (isinstance(thing, Stack) and not thing.is_list)) and thing.steps:
            self.found.ways.append(thing.steps)

    # --- statements ----------------------------------------------------------------------------------------------

    def _block(self, body: Iterable[nodes.Stmt]) -> None:
        for statement in body:
            self.statement = statement
            self._run(statement)

    def _run(self, statement: nodes.Stmt) -> None:
        match statement:
            case nodes.Assign():
                value = self.value(statement.value)
                for target in statement.targets:
                    self.bind(target, value)
            case nodes.Evaluate():
                self.value(statement.value)
            case nodes.Return() if statement.value is not None:
                if isinstance(statement.value, nodes.Display):
                    for item in statement.value.items:
                        self.used_up(self.value(item))
                self.returned.append(self.value(statement.value))
            case nodes.If():
                before = dict(self.env)
                self._block(statement.body)
                after, self.env = self.env, before
                self._block(statement.orelse)
                self.env = joined(after, self.env)
            case nodes.For():
                self._loop(statement)
            case nodes.While() | nodes.With() | nodes.Try():
                for block in blocks_of(statement):
                    self._block(block)

    def _loop(self, loop: nodes.For) -> None:
        rounds = self.rounds(loop.iter)
        if isinstance(rounds, int):  # every round does the same
            before = dict(self.env)
            with self.round_by_round(loop.target, loop.iter):
                self._block(loop.body)
            for key, thing in self.env.items():
                self.env[key] = grown(before.get(key), thing, rounds)
            return
        for bound in rounds[:MOST]:
            targets = loop.target.items if isinstance(loop.target, nodes.Display) else (loop.target,)
            for target, thing in zip(targets, bound if len(targets) > 1 else bound[-1:], strict=False):
                self.bind(target, thing)
            self._block(loop.body)
