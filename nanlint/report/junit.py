"""The `junit` format: each finding is a test that failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from nanlint.diagnostic import Diagnostic
from nanlint.report.run import Run
from nanlint.report.style import Style, displayed

# what no XML document may hold, not even escaped; and what a terminal would obey
_FORBIDDEN = re.compile(
    r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def report(run: Run, style: Style) -> Iterator[str]:
    """The lines of the report, without line ends."""
    total = str(len(run.found))
    suites = ET.Element("testsuites", name="nanlint", tests=str(max(len(run.found), 1)), failures=total)
    for filename, group in groupby(run.found, key=lambda one: one.filename):
        _suite(run, suites, filename, list(group))
    if not run.found:
        # a report without a test counts as broken in many places
        suite = ET.SubElement(suites, "testsuite", name="nanlint", tests="1", failures="0")
        ET.SubElement(suite, "testcase", name="nanlint", classname="nanlint")
    ET.indent(suites)
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield from ET.tostring(suites, encoding="unicode").split("\n")


def _suite(run: Run, suites: ET.Element, filename: str, found: Sequence[Diagnostic]) -> None:
    name, count = _clean(filename), str(len(found))
    suite = ET.SubElement(suites, "testsuite", name=name, tests=count, failures=count)
    for one in found:
        place = run.place_in(filename, one.span)
        case = ET.SubElement(
            suite,
            "testcase",
            name=f"{one.code} {one.name} {place}",
            classname=name,
            file=name,
            line=str(run.in_file(filename, one.span).start_line),
        )
        message = _clean(one.message)
        failure = ET.SubElement(case, "failure", type=str(one.severity), message=message)
        text = [f"{displayed(filename)}:{place}: {one.code} {displayed(message)}", f"evidence: {one.evidence.label}"]
        text += [
            f"{run.place(related.filename or filename, related.span)}: {displayed(related.message)}"
            for related in one.related
        ]
        failure.text = "\n".join(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
