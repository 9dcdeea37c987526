"""Both passes in one report: what the static pass suspects and a run shows is one finding, and a graver one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Evidence, Related, Severity
from nanlint.engine import FileResult, judged
from nanlint.source import Span
from nanlint.trace.results import Results

_GRAVER = {Severity.INFO: Severity.WARNING, Severity.WARNING: Severity.ERROR, Severity.ERROR: Severity.ERROR}
# what the run shows, and the families of static rules that speak of the same
_VALUES = ("NAN901", "NAN902", "NAN910")
_INITIALISATION = ("NAN903", "NAN904", "NAN905", "NAN906", "NAN907", "NAN908")
_RATES = ("NAN909",)


def merged(static: Sequence[FileResult], traced: Results, settings: Settings) -> list[FileResult]:
    """The results of the static pass with those of the dynamic one, file by file."""
    left = {os.path.realpath(name): found for name, found in traced.found.items()}
    texts = {os.path.realpath(name): source for name, source in traced.sources.items()}
    results = []
    for result in static:
        path = os.path.realpath(result.filename)
        shown = left.pop(path, [])
        if shown and result.source is None:  # the static pass had nothing to say and read nothing
            results.append(judged(replace(result, found=tuple(shown), source=texts.get(path), unread=False), settings))
            continue
        found = sorted(_confirmed(result.found, shown), key=lambda one: one.sort_key)
        results.append(judged(replace(result, found=tuple(found)), settings))
    for name, shown in traced.found.items():
        if os.path.realpath(name) in left:  # a file that the traced one imports
            results.append(judged(FileResult(name, tuple(shown), traced.sources.get(name)), settings))
    return results


def _confirmed(static: Iterable[Diagnostic], shown: Sequence[Diagnostic]) -> Iterable[Diagnostic]:
    told: set[Diagnostic] = set()
    for one in static:
        same = [other for other in shown if _same(one, other)]
        told.update(same)
        if same:
            # the input that shows it belongs to the finding
            notes = tuple(Related(other.span, f"traced: {other.message}", _elsewhere(one, other)) for other in same)
            yield replace(
                one, severity=_GRAVER[one.severity], evidence=Evidence.CERTAIN, related=(*one.related, *notes)
            )
        else:
            yield one
    yield from (other for other in shown if other not in told)


def _same(static: Diagnostic, shown: Diagnostic) -> bool:
    """Do both speak of one fault?"""
    if shown.code in _VALUES:
        return static.code[:4] in {"NAN1", "NAN6"} and _overlap(static.span, shown.span)
    if shown.code in _INITIALISATION:
        return static.code.startswith("NAN4") and static.span.start_line == shown.span.start_line
    return shown.code in _RATES and static.code == "NAN301" and static.span.start_line == shown.span.start_line


def _overlap(a: Span, b: Span) -> bool:
    return (a[0], a[1]) < (b[2], b[3]) and (b[0], b[1]) < (a[2], a[3])


def _elsewhere(one: Diagnostic, other: Diagnostic) -> str | None:
    return None if one.filename == other.filename else other.filename
