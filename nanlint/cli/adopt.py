"""Baselines and changed lines in one run: what of the findings is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nanlint.cli.check import Options
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic
from nanlint.engine import FileResult, Keep
from nanlint.plan import Plan
from nanlint.source import Source

_SHOWN = 3  # files whose entries are gone


class Adoption:
    """What `--baseline`, `--write-baseline` and `--diff-base` do to a run.

    Attributes:
        keep: leaves out what is not to be reported; None if that is nothing.
    """

    def __init__(self, options: Options, plan: Plan, here: Settings) -> None:
        """Read the baselines, and ask git.

        Raises:
            ConfigError: one of them cannot be used.
        """
        self.keep: Keep | None = None
        self._options = options
        self._here = here
        self._baselines = {}
        self._of_file = {file.name: file.settings.baseline for file in plan.files}
        # imported late: most runs have none
        for path in {path for path in (*self._of_file.values(), here.baseline) if path is not None}:
            from nanlint.adoption.baseline import read_baseline  # noqa: PLC0415

            self._baselines[path] = read_baseline(path, must_exist=not options.write_baseline)
        self._changes = None
        if options.diff_base is not None:
            from nanlint.adoption.changes import Changes  # noqa: PLC0415

            self._changes = Changes(options.diff_base)
        if self._changes is not None or (self._baselines and not options.write_baseline):
            self.keep = self._keep

    def narrowed(self, plan: Plan) -> Plan:
        """The plan without the files that did not change. Text from elsewhere may differ from its file."""
        if self._changes is None or "-" in self._options.paths:
            return plan
        may_differ = self._changes.may_differ
        return replace(plan, files=tuple(file for file in plan.files if may_differ(file.name)))

    @property
    def hidden(self) -> int:
        """How many findings a baseline left out."""
        return sum(baseline.hidden for baseline in self._baselines.values())

    def remarks(self) -> Iterator[str]:
        """What a baseline holds and no longer needs, in a line each; nothing if only some rules or lines were
        looked at."""
        narrow = (self._options.select, self._options.ignore, self._options.extend_ignore, self._options.evidence)
        if any(narrow) or self._options.min_severity or self._changes is not None:
            return
        for path, baseline in sorted(self._baselines.items()):
            gone = baseline.gone()
            if gone:
                files = ", ".join(sorted(gone)[:_SHOWN]) + (", …" if len(gone) > _SHOWN else "")
                count = _count(gone.total(), "entry", "entries")
                verb = "is" if gone.total() == 1 else "are"
                yield f"{count} of {path.name} {verb} fixed ({files}); --write-baseline drops them"

    def write(self, results: Sequence[FileResult]) -> str:
        """Write the baselines; what was done, in a sentence."""
        from nanlint.adoption.baseline import DEFAULT, Baseline  # noqa: PLC0415

        # a file whose settings name none goes where those of the current folder go
        default = self._here.baseline or Path.cwd() / DEFAULT
        grouped: dict[Path, list[FileResult]] = {default: []}
        for result in results:
            grouped.setdefault(self._of_file.get(result.filename) or default, []).append(result)
        said = []
        for path, some in grouped.items():
            if not some and path not in self._baselines:
                continue
            before = self._baselines.get(path, Baseline(path))
            after = before.rewritten((one.filename, one.source, one.found) for one in some)
            after.write()
            new, gone = after.size_beyond(before), before.size_beyond(after)
            told = f" ({new} new, {gone} gone)" if before.size else ""
            said.append(f"Wrote {_count(after.size, 'finding', 'findings')} to {path.name}{told}.")
            if path == default and self._here.baseline is None:
                said.append(f'Put `baseline = "{path.name}"` into the settings, or give --baseline {path.name}.')
        return " ".join(said)

    def _keep(self, source: Source, found: Sequence[Diagnostic]) -> list[Diagnostic]:
        path = self._of_file.get(source.filename)
        changed = None if self._changes is None else self._changes.keep(source, found)
        left = list(found) if path is None else self._baselines[path].keep(source, found, changed or ())
        return left if changed is None else [one for one in left if one in changed]


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
