"""What there is to trace in a file: the name that the user gave, `nanlint_example`, or every model no other uses."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from nanlint.source import Span
from nanlint.trace.child.loading import Loaded, is_missing
from nanlint.trace.protocol import Place

EXAMPLE = "nanlint_example"


class NotTraceableError(Exception):
    """Why a model cannot be traced, and what to pass: one line for the user.

    Attributes:
        missing: there is no such thing in the file.
    """

    def __init__(self, text: str, *, missing: bool = False) -> None:
        super().__init__(text)
        self.missing = missing


@dataclass(frozen=True)
class Candidate:
    """Something that may be built or called.

    Attributes:
        name: as the user would write it behind the colon.
        thing: the class, function or model.
        place: where it is defined.
        parts: classes of the same file that it uses: worth a try if it cannot be traced itself.
    """

    name: str
    thing: Any
    place: Place | None
    parts: tuple[str, ...] = ()

    @property
    def is_class(self) -> bool:
        return inspect.isclass(self.thing)

    @property
    def is_model(self) -> bool:
        return isinstance(self.thing, nn.Module)


def candidates(loaded: Loaded, name: str | None, word: str) -> list[Candidate]:
    """What to trace in this file, in the order in which it is defined.

    Raises:
        NotTraceableError: there is nothing, or nothing of that name.
    """
    if name is not None:
        return [_named(loaded, name, word)]
    if callable(thing := vars(loaded.module).get(EXAMPLE)):
        return [Candidate(EXAMPLE, thing, definition(loaded, EXAMPLE))]
    classes = dict(_classes(loaded))
    used = {part for cls in classes for part in _uses(loaded, cls, classes)}
    tops = [one for one in classes if one not in used] or list(classes)
    found = [Candidate(one, classes[one], definition(loaded, one), tuple(_uses(loaded, one, classes))) for one in tops]
    known = vars(loaded.module).items()
    found += [Candidate(key, one, None) for key, one in known if isinstance(one, nn.Module) and not key.startswith("_")]
    if not found:
        raise NotTraceableError(
            f"no model found in {word}; name a class or a function that makes one: {word}:NAME", missing=True
        )
    return found


def part(loaded: Loaded, name: str) -> Candidate:
    """A class by name, where the model that uses it could not be traced."""
    classes = dict(_classes(loaded))
    return Candidate(name, classes[name], definition(loaded, name), tuple(_uses(loaded, name, classes)))


def _named(loaded: Loaded, name: str, word: str) -> Candidate:
    thing: Any = loaded.module
    for step in name.split("."):
        thing = getattr(thing, step, None)
    if thing is None:
        if (reason := loaded.skipped.get(name)) is not None:
            remedy = "install what is missing" if is_missing(reason) else "try --import, which runs the file"
            raise NotTraceableError(f"`{name}` is not defined ({reason}); {remedy}")
        known = [one for one, _ in _classes(loaded)]
        hint = f"; it defines {', '.join(f'`{one}`' for one in known[:5])}" if known else ""
        raise NotTraceableError(f"no `{name}` in {word.partition(':')[0]}{hint}", missing=True)
    if inspect.isclass(thing) and not issubclass(thing, nn.Module):
        raise NotTraceableError(f"`{name}` is a class, but not a torch.nn.Module")
    if not callable(thing):
        kind = type(thing).__name__
        raise NotTraceableError(f"`{name}` is no model and no function that makes one, but {_article(kind)} {kind}")
    return Candidate(name, thing, definition(loaded, name))


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


def _classes(loaded: Loaded) -> Iterator[tuple[str, type[nn.Module]]]:
    for name, value in list(vars(loaded.module).items()):
        if not (inspect.isclass(value) and issubclass(value, nn.Module)):
            continue
        own = value.__module__ == loaded.module.__name__ and value.__name__ == name
        if own and not inspect.isabstract(value) and _has_forward(value):
            yield name, value


def _has_forward(cls: type[nn.Module]) -> bool:
    return cls.forward is not nn.Module.forward


def _uses(loaded: Loaded, name: str, classes: dict[str, type[nn.Module]]) -> list[str]:
    """The classes of the file that a class builds or inherits from."""
    for statement in loaded.tree.body:
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            words = [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
            return [one for one in dict.fromkeys(words) if one in classes and one != name]
    return []


def definition(loaded: Loaded, name: str) -> Place | None:
    """Where a class or function of this file is defined; `A.B` is B in A."""
    file = loaded.module.__file__
    if file is None:
        return None
    body: list[ast.stmt] = loaded.tree.body
    found: ast.stmt | None = None
    for step in name.split("."):
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        found = next((one for one in body if isinstance(one, kinds) and one.name == step), None)
        body = found.body if isinstance(found, ast.ClassDef) else []
    if found is None:
        return None
    keyword = 6 if isinstance(found, ast.ClassDef) else 4 if isinstance(found, ast.FunctionDef) else 10
    start = found.col_offset + 1 + keyword
    width = len(name.rpartition(".")[2])
    return Place(file, Span(found.lineno, start, found.lineno, start + width))


def required_parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters without a default. Those of a class are those of its constructor."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [one for one in parameters if one.default is inspect.Parameter.empty and one.kind in plain]
