"""`--fix` and `--diff` of the dynamic pass: every repair was tried before it is offered, so it is written as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from nanlint.commands import writing
from nanlint.engine import FileResult
from nanlint.fix import Applicability, apply_fixes
from nanlint.source import write_source
from nanlint.trace.results import Results


def repaired(results: Results, allowed: Collection[Applicability], *, write: bool) -> list[FileResult]:
    """The files with their repairs, written if that is wanted; what has no repair is left in `found`.

    Raises:
        ConfigError: a file cannot be written.
    """
    files = []
    for name, found in results.found.items():
        source = results.sources.get(name)
        fixes = [one.fix for one in found if one.fix is not None and one.fix.applicability in allowed]
        if source is None or not fixes:
            files.append(FileResult(name, tuple(found), source, source))
            continue
        text, count = apply_fixes(source, fixes)
        left = tuple(one for one in found if one.fix not in fixes)
        result = FileResult(name, left, replace(source, text=text), source, count)
        if write and count:
            with writing(name):
                write_source(Path(name), source.encode(text))
        files.append(result)
    return files
