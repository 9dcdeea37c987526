"""How deeply a text nests, and room on the stack to follow it.

libcst's native parser crashes the process where Python raises an error, so what is too deep for it must be refused
before it is parsed.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from nanlint.source import Source, SourceError

T = TypeVar("T")

# CPython's own limit; the parser's time grows with the square of the depth
MAX_BRACKETS = 200
# operators, calls, attributes and `elif`s in one chain; every one is a level of the syntax tree
MAX_CHAIN = 1000
# one statement of half a million numbers keeps the parser busy for half a minute, and is data
MAX_TOKENS = 200_000

_STACK_BYTES = 512 * 1024 * 1024  # address space: only what is used becomes memory
_RECURSION_LIMIT = 20_000

_TOKEN = re.compile(
    r"""
    \"{3}(?:[^"\\]|\\.|"(?!""))*\"{3} | '{3}(?:[^'\\]|\\.|'(?!''))*'{3}
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
    | \#[^\r\n]* | \w+ | \\\r?\n | \r\n? | \n | [^\w\s]
    """,
    re.X | re.S,
)
_FORMATTED = re.compile(r"[rR]?[fFtT][rR]?")
_FIRST_WORD = re.compile(r"^([ \t]*)(\w+)", re.M)


def check_depth(source: Source) -> None:
    """Refuse a text that the parser could not survive.

    Raises:
        SourceError: brackets, an expression, or an `if` with its `elif`s nest too deeply; a statement is too large.
    """
    _check_expressions(source)
    if source.text.count("elif") > MAX_CHAIN:
        _check_branches(source)


def too_deep(source: Source) -> SourceError:
    """Says where a text nests so deeply that Python gave up on it."""
    try:
        check_depth(source)
    except SourceError as error:
        return error
    return SourceError("too deeply nested to analyse")


def on_deep_stack(work: Callable[[], T]) -> T:
    """The result of `work`, run where deep recursion fits. What it raises is raised here.

    The parser, code generation and the interpreter recurse along the syntax tree. The main thread's stack is the
    user's to set and often 8 MB; a thread of our own can have as much as a tree within the limits above needs.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # handed to the caller, whatever it is
            errors.append(error)

    size, limit = threading.stack_size(_STACK_BYTES), sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
    return results[0]


def _check_expressions(source: Source, start: int = 0, end: int | None = None) -> None:
    """One pass over the tokens: the length of the chain in every open bracket, summed.

    A token count is an upper bound of the tree's depth that needs no grammar. A comma begins a new chain, except
    between the parameters of a lambda: those nest to the right of it.
    """
    outer: list[int] = []  # the chains around, each up to its open bracket
    chain = total = tokens = 0
    parameters = False
    previous = ""
    for match in _TOKEN.finditer(source.text, start, len(source.text) if end is None else end):
        token = match[0]
        tokens += 1
        if token in {"(", "[", "{"}:
            outer.append(chain)
            total += chain + 1
            chain = 0
            if len(outer) > MAX_BRACKETS:
                _refuse(source, match.start(), f"brackets nest more than {MAX_BRACKETS} levels")
        elif token in {")", "]", "}"}:
            if outer:
                chain = outer.pop() + 2
                total -= chain - 1
        elif token in {",", ";"}:
            chain = chain if parameters else 0
        elif token in {"\n", "\r", "\r\n"}:
            if not outer:
                chain = tokens = 0
        else:
            chain += 1
            parameters = token == "lambda" or (parameters and token != ":")  # noqa: S105
            if len(token) > MAX_BRACKETS and token[0] in "\"'" and _FORMATTED.fullmatch(previous):
                _check_expressions(source, match.start() + 1, match.end() - 1)
        if chain + total > 2 * MAX_CHAIN:  # an operator and its operand are two tokens
            _refuse(source, match.start(), f"an expression nests more than {MAX_CHAIN} levels")
        if tokens > MAX_TOKENS:
            _refuse(source, match.start(), f"a statement has more than {MAX_TOKENS} tokens", "large")
        previous = token


def _check_branches(source: Source) -> None:
    """Count the `elif`s of each `if`; a line that begins with any other word ends those at its depth."""
    lengths: dict[str, int] = {}
    for match in _FIRST_WORD.finditer(source.text):
        indent, word = match.groups()
        if word == "if":
            lengths[indent] = 0
        elif word == "elif":
            lengths[indent] = lengths.get(indent, 0) + 1
            if lengths[indent] > MAX_CHAIN:
                _refuse(source, match.start(2), f"an `if` has more than {MAX_CHAIN} `elif` branches")


def _refuse(source: Source, offset: int, message: str, what: str = "deep") -> None:
    raise SourceError(f"too {what} to analyse: {message}", *source.position(offset))
