"""From what the child says to what is reported: diagnostics like those of the static pass, models, and troubles."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nanlint.cards import Card, find_card
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Evidence, Related, Severity
from nanlint.fix import Applicability, Edit, Fix
from nanlint.source import Source, SourceError, read_source
from nanlint.suppress import RUN_CODES, apply_suppressions
from nanlint.trace.protocol import Found, Job, Model, Trouble, found_from, model_from, trouble_from
from nanlint.trace.session import Event


@dataclass
class Results:
    """Everything that one run of the dynamic pass has to say.

    Attributes:
        found: the findings, by the file as the user named it.
        sources: the texts that they speak of.
        models: what was traced.
        troubles: what was not, and why.
        spoken: the models about which something was found.
        about: for each finding, its model.
    """

    found: dict[str, list[Diagnostic]] = field(default_factory=lambda: defaultdict(list))
    sources: dict[str, Source] = field(default_factory=dict)
    models: list[Model] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    spoken: set[str] = field(default_factory=set)
    about: dict[Diagnostic, str] = field(default_factory=dict)


def collect(events: Iterable[Event], job: Job, cards: Sequence[Card], settings: Settings) -> Results:
    """Listen to the child until it is done.

    Raises:
        TraceError: nothing can be traced here.
    """
    results = Results()
    raw: list[Found] = []
    for event in events:
        if event["event"] == "found":
            raw.append(found_from(event))
        elif event["event"] == "model":
            results.models.append(model_from(event))
        elif event["event"] == "trouble":
            results.troubles.append(trouble_from(event))
    shown = _names(job)
    for one in _merged(raw):
        diagnostic = _diagnostic(one, cards, shown)
        if diagnostic is None or not settings.selects(diagnostic.code, diagnostic.name):
            continue
        results.found[diagnostic.filename].append(diagnostic)
        results.spoken.add(one.model)
        results.about[diagnostic] = one.model
    for filename in list(results.found):
        _suppress(filename, results, cards, settings)
    return results


def _suppress(filename: str, results: Results, cards: Sequence[Card], settings: Settings) -> None:
    try:
        source = read_source(Path(filename), filename)
    except SourceError:
        return
    results.sources[filename] = source
    left = apply_suppressions(source, results.found[filename], cards, settings)
    # whether a comment is needed is for the static pass to say: it sees every rule
    found = [one for one in left if one.code not in RUN_CODES]
    if found:
        results.found[filename] = sorted(found, key=lambda one: one.sort_key)
    else:
        del results.found[filename]


def _merged(raw: Iterable[Found]) -> Iterable[Found]:
    """One finding for each code and place, whatever number of models share the line."""
    kept: dict[tuple[str, str], Found] = {}
    for one in raw:
        kept.setdefault((one.code, str(one.place)), one)
    return kept.values()


def _diagnostic(one: Found, cards: Sequence[Card], shown: dict[str, str]) -> Diagnostic | None:
    card = find_card(cards, one.code)
    if card is None:
        return None
    severity = card.severity if one.severity is None else Severity(one.severity)
    evidence = Evidence.CERTAIN if one.certain else Evidence.POSSIBLE
    filename = _shown(one.place.file, shown)
    notes = tuple(Related(note.place.span, note.message, _other(note.place.file, one, shown)) for note in one.notes)
    message = card.message.format(**{key: one.words.get(key, "") for key in _PLACEHOLDERS})
    fix = None
    if one.cure is not None:
        edits = tuple(Edit(change.span, change.text) for change in one.changes)
        fix = Fix(Applicability.UNSAFE, f"{one.cure}; measured: nothing is left to report", edits)
    return Diagnostic(card.code, card.name, message, filename, one.place.span, severity, evidence, notes, fix)


_PLACEHOLDERS = ("operation", "operand", "trouble", "range", "expression")


def _other(file: str, one: Found, shown: dict[str, str]) -> str | None:
    return None if file == one.place.file else _shown(file, shown)


def _names(job: Job) -> dict[str, str]:
    """How the user named the files that he named."""
    names = {}
    for target in job.targets:
        if target.file is not None:
            word = target.word
            names[target.file] = word[: -len(target.name) - 1] if target.name else word
    return names


def _shown(file: str, names: dict[str, str]) -> str:
    if (name := names.get(file)) is not None:
        return name
    path = Path(file)
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else file
