"""The `concise` format: one line per finding, for editors and `grep`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nanlint.diagnostic import Diagnostic
from nanlint.fix import Applicability
from nanlint.report.run import Run
from nanlint.report.style import Style, displayed


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    return concise(run, run.found, style)


def concise(run: Run, found: Iterable[Diagnostic], style: Style) -> Iterator[str]:
    """`path:line:col: NAN102 [*] message`; `[*]` marks what --fix repairs."""
    for one in found:
        where = style("bold", f"{run.place(one.filename, one.span)}:")
        yield f"{where} {style.link(style(one.severity, one.code), run.url(one))} {star(one)}{displayed(one.message)}"


def star(one: Diagnostic) -> str:
    """The mark of what --fix repairs."""
    return "[*] " if one.fix is not None and one.fix.applicability is Applicability.SAFE else ""
