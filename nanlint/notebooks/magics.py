"""What IPython adds to Python: magics, shell lines and questions; what stands for them where Python is expected."""

from __future__ import annotations

import re

from nanlint.source import Source, SourceError
from nanlint.syntax import parse

# cell magics whose cells are Python that runs with the others
_PYTHON_CELLS = frozenset({"capture", "debug", "prun", "time", "timeit", "memit", "mprun", "lprun"})
_CELL_MAGIC = re.compile(r"\s*%%(\w*)")
_COMMANDS = "pip pip3 conda mamba cd ls cat mkdir rm cp mv pwd man less more"
_LINE = re.compile(rf"\s*(?:[%!?]|(?:{'|'.join(_COMMANDS.split())})(?:[ \t]+[\w./~*-]|\s*$))")
_ASSIGNED = re.compile(r"((?=[.,\s\[\]*()'\"]*\w)[\w.,\s\[\]*()'\"]*=)[ \t]*[%!]")
_QUESTION = re.compile(r"\s*[\w.*\[\]'\"()]+\?\??\s*;?\s*$")
_SUSPECT = re.compile(r"^[ \t]*[%!?]|=[ \t]*[%!]|\?\??[ \t]*;?[ \t]*$", re.M)
_PLAIN_COMMAND = re.compile(rf"^[ \t]*(?:{'|'.join(_COMMANDS.split())})\b", re.M)
_TOKEN = re.compile(r"#|\"\"\"|'''|[\"']|[(\[{]|[)\]}]")


def as_python(text: str, tag: str) -> list[str] | None:
    """The lines of a cell with something harmless for each that is no Python; None if the whole cell is none.

    Args:
        text: the source of the cell.
        tag: a word that stands in no cell; it marks the lines that were written here.
    """
    lines = Source("", text).lines
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    if lines and (magic := _CELL_MAGIC.match(lines[first])):
        if magic[1] not in _PYTHON_CELLS:
            return None
        body = as_python("".join(lines[first + 1 :]), tag)
        return None if body is None else [*lines[:first], *_masked(lines[first], tag), *body]
    if not (_SUSPECT.search(text) or _PLAIN_COMMAND.search(text)) or _is_python(text):
        return lines
    return _without_magics(lines, tag)


def _is_python(text: str) -> bool:
    try:
        parse(Source("", text))
    except SourceError:
        return False
    return True


def _without_magics(lines: list[str], tag: str) -> list[str]:
    made: list[str] = []
    state = _State()
    continued = False
    for line in lines:
        if continued:
            made.append(f"# {tag}: {line}")
        elif state.at_statement and (masked := _masked(line, tag)):
            made += masked
        else:
            made.append(line)
            state.read(line)
            continue
        continued = line.rstrip("\r\n").endswith("\\")
    return made


def _masked(line: str, tag: str) -> list[str]:
    """What to write for a line of IPython; nothing if it is none."""
    stripped = line.lstrip(" \t")
    if assigned := _ASSIGNED.match(line):
        return [f"{assigned[1]} get_ipython()  # {tag}: {line[assigned.end(1) :].lstrip()}"]
    if _LINE.match(line) or _QUESTION.match(line):
        return [f"{line[: len(line) - len(stripped)]}pass  # {tag}: {stripped}"]
    return []


class _State:
    """Where in Python's text a line ends: in a string, in parentheses, or behind a backslash."""

    def __init__(self) -> None:
        self._quote = ""
        self._depth = 0
        self._continued = False

    @property
    def at_statement(self) -> bool:
        """May the next line begin a statement?"""
        return not (self._quote or self._depth or self._continued)

    def read(self, line: str) -> None:
        """Go on to the end of a line."""
        at, text = 0, line.rstrip("\r\n")
        self._continued = text.endswith("\\")
        while at < len(text):
            if self._quote:
                end = re.compile(rf"(?:\\.|[^\\])*?{self._quote}").match(text, at)
                if end is None:
                    break
                self._quote, at = "", end.end()
                continue
            token = _TOKEN.search(text, at)
            if token is None or token[0] == "#":
                self._continued = self._continued and token is None
                break
            at = token.end()
            if token[0] in "([{":
                self._depth += 1
            elif token[0] in ")]}":
                self._depth = max(self._depth - 1, 0)
            else:
                self._quote = token[0]
        if len(self._quote) == 1 and not self._continued:
            self._quote = ""
