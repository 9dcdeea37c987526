"""What both passes report: spans and text, never tree nodes, so that it can be cached, sent and printed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from nanlint.fix import Fix
from nanlint.source import Span


class Severity(StrEnum):
    """How bad it is if the finding is true. The rule's own, lowered where the evidence is weak."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Evidence(IntEnum):
    """How sure the analysis is; ordered, computed from the value's range, never typed in.

    CERTAIN: reached by construction or by a floating-point fact. POSSIBLE: known producers bound the value
    and the bound touches the bad point. UNKNOWN: nothing is known about the value.
    """

    UNKNOWN = 0
    POSSIBLE = 1
    CERTAIN = 2

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that explains the finding: "`p` is a softmax: [0, 1]"."""

    span: Span
    message: str
    filename: str | None = None  # None: the diagnostic's own file


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `span` is the operand or expression to underline."""

    code: str
    name: str
    message: str
    filename: str
    span: Span
    severity: Severity
    evidence: Evidence
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    noqa_line: int | None = None  # the line where a suppression comment belongs: the statement's last
    cell: int | None = None

    @property
    def sort_key(self) -> tuple[str, Span, str]:
        return self.filename, self.span, self.code
