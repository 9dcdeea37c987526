"""Counts: the table of --statistics, and the sentence that ends a report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from nanlint.diagnostic import Diagnostic, Severity
from nanlint.fix import Applicability


def statistics(found: Iterable[Diagnostic]) -> Iterator[str]:
    """How often each rule spoke, the most frequent first; `[*]` marks rules that --fix can serve."""
    counts = list(_counts(found))
    width = len(str(max((count for _, _, count, _ in counts), default=0)))
    for code, name, count, fixable in counts:
        yield f"{count:>{width}}  {code}  {'[*]' if fixable else '[ ]'}  {name}"


def statistics_as_json(found: Iterable[Diagnostic]) -> str:
    """The same counts for programs."""
    keys = ("code", "name", "count", "fixable")
    return json.dumps([dict(zip(keys, row, strict=True)) for row in _counts(found)], indent=2)


def _counts(found: Iterable[Diagnostic]) -> Iterator[tuple[str, str, int, bool]]:
    found = list(found)
    counts = Counter((one.code, one.name) for one in found)
    fixable = {one.code for one in found if _is(one, Applicability.SAFE)}
    for (code, name), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield code, name, count, code in fixable


def summary(found: Sequence[Diagnostic], *, files: int, fixed: int = 0, verb: str = "fix") -> str:
    """The last line: what was found, in how many of the `files`, and what --fix could do or did."""
    done = f"{_PAST[verb]} {_count(fixed, 'finding')}. " if fixed else ""
    if not found:
        if files == 0:
            return f"{done}No Python files found."
        return f"{done}All checks passed ({_count(files, 'file')})."
    severities = Counter(one.severity for one in found)
    parts = [_count(severities[severity], _NOUN[severity]) for severity in Severity if severities[severity]]
    where = _count(len({one.filename for one in found}), "file")
    return f"{done}Found {', '.join(parts)} in {where}{_offer(found)}."


_PAST = {"fix": "Fixed", "silence": "Silenced"}
_NOUN = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def _offer(found: Iterable[Diagnostic]) -> str:
    found = list(found)
    safe = sum(_is(one, Applicability.SAFE) for one in found)
    unsafe = sum(_is(one, Applicability.UNSAFE) for one in found)
    offers = []
    if safe:
        offers.append(f"{safe} fixable with --fix")
    if unsafe:
        offers.append(f"{unsafe} with --fix --unsafe-fixes" if safe else f"{unsafe} fixable with --fix --unsafe-fixes")
    return f" ({', '.join(offers)})" if offers else ""


def _is(one: Diagnostic, applicability: Applicability) -> bool:
    return one.fix is not None and one.fix.applicability is applicability


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
