"""Runs marked examples through the dynamic pass: the examples of its cards, and fixtures. Many in one child."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from nanlint.cards import Card, Example
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic
from nanlint.trace.protocol import Job, Options, Target
from nanlint.trace.results import Results, collect
from nanlint.trace.session import events


def trace_texts(texts: Mapping[str, str], cards: Sequence[Card], options: Options | None = None) -> Results:
    """Trace pieces of code, each as a file `NAME.py` of its own. Findings and troubles are under these names."""
    with tempfile.TemporaryDirectory(prefix="nanlint-examples-") as folder:
        targets = []
        for name, text in texts.items():
            path = Path(folder).resolve() / f"{name}.py"
            path.write_text(text, encoding="utf-8")
            targets.append(Target(f"{name}.py", str(path)))
        job = Job(tuple(targets), options or Options(), (str(Path(folder).resolve()),))
        return collect(events(job), job, cards, Settings())


def trace_files(paths: Sequence[Path], cards: Sequence[Card], options: Options | None = None) -> Results:
    """Trace files, each alone; findings and troubles are under what `file_name` calls them."""
    return trace_texts({file_name(path): path.read_text(encoding="utf-8") for path in paths}, cards, options)


def file_name(path: Path) -> str:
    """The name under which a file is traced: files of several folders may have one name."""
    return f"{path.parent.name}_{path.stem}"


def of_file(results: Results, name: str) -> list[Diagnostic]:
    """What was found in one of the texts."""
    return results.found.get(f"{name}.py", [])


def example_name(card: Card, example: Example) -> str:
    """The name under which an example of a card is traced."""
    return f"{card.code}_{example.heading.split()[0].lower()}_{example.number}".replace("?", "")
