"""Takes lines out of a failing program for as long as it still fails in the same way: what is left shows the cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator

Lines = tuple[str, ...]


def reduced(text: str, fails: Callable[[str], bool]) -> str:
    """The smallest program that removing statements, unwrapping blocks and shortening assignments leads to."""
    lines = tuple(text.splitlines())
    at = 0
    while at < len(lines):
        smaller = next((one for one in _smaller(lines, at) if _size(one) < _size(lines) and fails(_text(one))), None)
        if smaller is None:
            at += 1
        else:
            lines, at = smaller, 0
    return _text(lines)


def _smaller(lines: Lines, at: int) -> Iterator[Lines]:
    """The program without the statement at a line, or with less of it."""
    head, indent = lines[at], _indent(lines[at])
    end = next((n for n in range(at + 1, len(lines)) if _indent(lines[n]) <= indent), len(lines))
    before, inside, after = lines[:at], lines[at + 1 : end], lines[end:]
    yield before + after
    if inside:
        yield before + tuple(line[4:] for line in inside) + after
        yield (*before, head, " " * (indent + 4) + "pass", *after)
    elif " = " in head:
        for name in ("v1", "v2", "v3"):
            yield (*before, f"{head.partition(' = ')[0]} = {name}", *after)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _size(lines: Lines) -> int:
    return sum(map(len, lines)) + len(lines)


def _text(lines: Lines) -> str:
    return "\n".join(lines) + "\n"
