"""The `concise` format: one line per finding, for editors and `grep`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nanlint.diagnostic import Diagnostic
from nanlint.fix import Applicability
from nanlint.report.style import Style


def concise(found: Iterable[Diagnostic], style: Style) -> Iterator[str]:
    """`path:line:col: NAN102 [*] message`; `[*]` marks what --fix repairs."""
    for one in found:
        star = "[*] " if one.fix is not None and one.fix.applicability is Applicability.SAFE else ""
        where = style("bold", f"{one.filename}:{one.span.start_line}:{one.span.start_column}:")
        yield f"{where} {style(one.severity, one.code)} {star}{one.message}"
