"""What a repair changes, as a unified diff of a file and as the few lines shown under a finding."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from nanlint.report.style import Style, displayed
from nanlint.source import Source

# what a terminal takes for a command
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def unified_diff(before: Source, after: str, style: Style) -> Iterator[str]:
    """The diff of one file, as `patch` and `git apply` read it, without line ends."""
    name = before.filename.replace("\\", "/")
    old_name, new_name = _quoted(f"a/{name}"), _quoted(f"b/{name}")
    old, new = before.file.lines, Source(before.filename, before.written(after)).lines
    for line in difflib.unified_diff(old, new, old_name, new_name):
        body = line.rstrip("\n")
        if style.colour or style.screen:  # for eyes, not for `patch`
            body = _CONTROL.sub("�", body)
        if line.startswith(("---", "+++")):
            yield style("bold", body.rstrip("\r"))
        elif line.startswith("@@"):
            yield style("gutter", body)
        else:
            yield style({"+": "added", "-": "removed"}.get(line[0], ""), body) if line[0] in "+-" else body
            if not line.endswith(("\n", "\r")):
                yield "\\ No newline at end of file"


def _quoted(name: str) -> str:
    """A name as git writes it: in quotes if it could be taken for something else."""
    if not _CONTROL.search(name) and not set(name) & set('\n\r\t"'):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').encode(errors="surrogateescape")
    return '"' + "".join(chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in escaped) + '"'


def changed_lines(before: Source, after: str) -> Iterator[tuple[str, int, str]]:
    """The lines that differ: sign, line number on its own side, text ready to be printed."""
    new = Source(before.filename, after)
    matcher = difflib.SequenceMatcher(None, before.lines, new.lines, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in _only_changes(matcher, before, new):
        if tag == "equal":
            continue
        for line in range(old_start, old_end):
            yield "-", line + 1, displayed(before.line_text(line + 1))
        for line in range(new_start, new_end):
            yield "+", line + 1, displayed(new.line_text(line + 1))


def _only_changes(
    matcher: difflib.SequenceMatcher[str], before: Source, after: Source
) -> list[tuple[str, int, int, int, int]]:
    """Opcodes of the part between the common head and tail: the rest of a long file need not be compared."""
    old, new = before.lines, after.lines
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    matcher.set_seqs(old[head : len(old) - tail], new[head : len(new) - tail])
    return [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in matcher.get_opcodes()]
