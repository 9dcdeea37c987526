"""Findings in the words of the language server protocol."""

from __future__ import annotations

import os

from lsprotocol import types
from pygls import uris

from nanlint.diagnostic import Diagnostic, Related, Severity
from nanlint.server.desk import Page
from nanlint.server.rulers import Ruler
from nanlint.source import Source
from nanlint.suppress import UNUSED

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}


def diagnostics(page: Page, ruler: Ruler) -> dict[str, list[types.Diagnostic]]:
    """All findings of a page, by the document to show them in; a document without findings has none."""
    shown: dict[str, list[types.Diagnostic]] = {uri: [] for uri in ruler.uris}
    for one in page.found:
        shown[ruler.location(one.span).uri].append(diagnostic(page, one, ruler))
    return shown


def diagnostic(page: Page, one: Diagnostic, ruler: Ruler) -> types.Diagnostic:
    """One finding."""
    page_of_rule = next((card.url for card in page.cards if card.code == one.code), None)
    return types.Diagnostic(
        range=ruler.location(one.span).range,
        message=f"{one.message} ({one.name})",
        severity=_SEVERITIES[one.severity],
        code=one.code,
        code_description=None if page_of_rule is None else types.CodeDescription(page_of_rule),
        source="nanlint",
        related_information=[_related(one, place, ruler) for place in one.related],
        tags=[types.DiagnosticTag.Unnecessary] if one.code == UNUSED[0] else None,
        data={"evidence": one.evidence.label},
    )


def _related(one: Diagnostic, place: Related, ruler: Ruler) -> types.DiagnosticRelatedInformation:
    if place.filename is not None and place.filename != one.filename:
        uri = uris.from_fs_path(os.path.abspath(place.filename)) or ""  # noqa: PTH100  (links stay as they are)
        ruler = Ruler(uri, Source("", ""), "utf-32")
    return types.DiagnosticRelatedInformation(ruler.location(place.span), place.message)
