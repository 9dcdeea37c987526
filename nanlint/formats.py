"""The formats of a report: their names and what they are for. Each is written by one module of `nanlint/report/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Format(NamedTuple):
    """One format.

    Attributes:
        module: of `nanlint/report/`; imported when the format is asked for.
        about: what it is for, in a few words.
        for_people: a sentence with the counts ends the report.
    """

    module: str
    about: str
    for_people: bool = False


FORMATS: Mapping[str, Format] = {
    "full": Format("full", "code frames, reasons and repairs", for_people=True),
    "concise": Format("concise", "one line per finding", for_people=True),
    "grouped": Format("grouped", "one line per finding, by file", for_people=True),
    "json": Format("json", "one array with everything"),
    "json-lines": Format("json_lines", "the same, one object per line"),
    "sarif": Format("sarif", "SARIF 2.1.0: GitHub code scanning, IDEs"),
    "github": Format("github", "annotations of GitHub Actions"),
    "gitlab": Format("gitlab", "GitLab Code Quality"),
    "junit": Format("junit", "JUnit XML: Jenkins and other test reports"),
    "rdjson": Format("rdjson", "reviewdog"),
    "azure": Format("azure", "annotations of Azure Pipelines"),
    "pylint": Format("pylint", "pylint's parseable lines, which many tools read"),
    "html": Format("html", "one self-contained page"),
}
