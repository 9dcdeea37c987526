"""The `full` format, compared character by character."""

from textwrap import dedent

import pytest

from nanlint.diagnostic import Diagnostic, Evidence, Related, Severity
from nanlint.fix import Applicability, Edit, Fix
from nanlint.report.full import full
from nanlint.report.style import Style, wants_colour
from nanlint.source import Source, Span


def at(text, line, snippet, *, to=None):
    """The span of `snippet` on a line, or from it to a place (line, column)."""
    column = Source("a.py", text).line_text(line).index(snippet) + 1
    return Span(line, column, *(to or (line, column + len(snippet))))


def report(text, span, *, related=(), fix=None, severity=Severity.ERROR, style=Style(), others=()):  # noqa: B008
    sources = {source.filename: source for source in (Source("a.py", text), *others)}
    one = Diagnostic(
        "NAN102", "log-of-softmax", "log of `p`, which may be 0", "a.py", span, severity, Evidence.POSSIBLE,
        related=tuple(related), fix=fix,
    )  # fmt: skip
    return "\n".join(full([one], sources, style))


def check(actual, expected):
    assert actual == dedent(expected).lstrip("\n")


CODE = "import torch\n\n\ndef loss(z, w):\n    p = torch.softmax(z, -1)\n    return -(w * torch.log(p)).sum()\n"


def test_finding_reason_and_repair():
    edit = Edit(at(CODE, 6, "torch.log(p)"), "torch.log_softmax(z, -1)")
    check(
        report(
            CODE,
            Span(6, 28, 6, 29),
            related=[Related(at(CODE, 5, "torch.softmax(z, -1)"), "`p` is a softmax: [0, 1], underflows to 0")],
            fix=Fix(Applicability.SAFE, "use `torch.log_softmax`", (edit,)),
        ),
        """
        a.py:6:28: error[NAN102] log-of-softmax: log of `p`, which may be 0
          |
        5 |     p = torch.softmax(z, -1)
          |         -------------------- `p` is a softmax: [0, 1], underflows to 0
        6 |     return -(w * torch.log(p)).sum()
          |                            ^
        help: use `torch.log_softmax` (safe: applied by --fix)
        6 -     return -(w * torch.log(p)).sum()
        6 +     return -(w * torch.log_softmax(z, -1)).sum()
        """,
    )


def test_an_unsafe_repair_with_an_import():
    edits = (Edit(Span(2, 1, 2, 1), "import torch.nn.functional as F\n"), Edit(Span(6, 28, 6, 29), "p.clamp_min(1e-8)"))
    check(
        report("import torch\n" + CODE[13:], Span(6, 28, 6, 29), fix=Fix(Applicability.UNSAFE, "clamp it", edits)),
        """
        a.py:6:28: error[NAN102] log-of-softmax: log of `p`, which may be 0
          |
        6 |     return -(w * torch.log(p)).sum()
          |                            ^
        help: clamp it (unsafe: applied by --fix --unsafe-fixes)
        2 + import torch.nn.functional as F
        6 -     return -(w * torch.log(p)).sum()
        7 +     return -(w * torch.log(p.clamp_min(1e-8))).sum()
        """,
    )


def test_several_labels_on_one_line():
    text = "y = a.relu() / b.abs().log(c)\n"
    check(
        report(
            text, at(text, 1, "b.abs()"), related=[Related(at(text, 1, "a.relu()"), "a relu: [0, inf]"),
                                                   Related(at(text, 1, "c"), "unknown")],
        ),
        """
        a.py:1:16: error[NAN102] log-of-softmax: log of `p`, which may be 0
          |
        1 | y = a.relu() / b.abs().log(c)
          |                ^^^^^^^     - unknown
          |     -------- a relu: [0, inf]
        """,
    )  # fmt: skip


def test_a_gap_is_marked_and_a_far_place_has_a_frame_of_its_own():
    text = "p = softmax(z)\n" + "x = 1\n" * 8 + "y = log(p)\n" + "\n" * 20 + "a\n"
    check(
        report(
            text,
            at(text, 10, "p"),
            related=[Related(Span(1, 5, 1, 15), "a softmax"), Related(Span(31, 1, 31, 2), "used here")],
        ),
        """
        a.py:10:9: error[NAN102] log-of-softmax: log of `p`, which may be 0
           |
         1 | p = softmax(z)
           |     ---------- a softmax
        ...
        10 | y = log(p)
           |         ^
          --> a.py:31:1
           |
        31 | a
           | - used here
        """,
    )


def test_a_place_in_another_file():
    text = "y = log(p)\n"
    check(
        report(
            text,
            at(text, 1, "p"),
            related=[Related(Span(2, 1, 2, 4), "made here", "b.py"), Related(Span(7, 1, 7, 2), "and here", "gone.py")],
            others=[Source("b.py", "\nabc\n")],
        ),
        """
        a.py:1:9: error[NAN102] log-of-softmax: log of `p`, which may be 0
          |
        1 | y = log(p)
          |         ^
         --> b.py:2:1
          |
        2 | abc
          | --- made here
         --> gone.py:7:1: and here
        """,
    )


def test_tabs_and_wide_characters_stay_aligned():
    text = '\tif a:\n\t\ts = "損失"; y = log(漢)\t# e\u0301\n'
    check(
        report(text, at(text, 2, "漢"), related=[Related(at(text, 1, "a"), "here")]),
        """
        a.py:2:21: error[NAN102] log-of-softmax: log of `p`, which may be 0
          |
        1 |     if a:
          |        - here
        2 |         s = "損失"; y = log(漢) # e\u0301
          |                             ^^
        """,
    )


def test_a_span_over_lines():
    text = "y = log(\n    p\n\n    .abs()\n)\n"
    check(
        report(text, Span(1, 5, 5, 2)),
        """
        a.py:1:5: error[NAN102] log-of-softmax: log of `p`, which may be 0
          |
        1 | y = log(
          |     ^^^^
        2 |     p
          |     ^
        3 |
        4 |     .abs()
          |     ^^^^^^
        5 | )
          | ^
        """,
    )


def test_a_long_span_shows_its_ends():
    text = "y = log(\n" + "    p +\n" * 20 + "    q)\n"
    check(
        report(text, Span(1, 5, 22, 7)),
        """
        a.py:1:5: error[NAN102] log-of-softmax: log of `p`, which may be 0
           |
         1 | y = log(
           |     ^^^^
         2 |     p +
           |     ^^^
        ...
        21 |     p +
           |     ^^^
        22 |     q)
           |     ^^
        """,
    )


def test_a_very_long_line_is_cut_around_the_place():
    text = "x = [" + "1, " * 2000 + "log(p)" + ", 1" * 2000 + "]\n"
    fix = Fix(Applicability.DISPLAY, "think", (Edit(at(text, 1, "p"), "q"),))
    lines = report(text, at(text, 1, "p"), fix=fix).split("\n")
    assert max(map(len, lines)) < 140
    assert lines[2][lines[3].index("^")] == "p"
    assert "log(p)" in lines[-3]
    assert "log(q)" in lines[-2]
    assert "help: think (a suggestion: not applied)" in lines


@pytest.mark.parametrize(("text", "span"), [("", Span(1, 1, 1, 2)), ("x", Span(1, 2, 1, 3)), ("x\n", Span(2, 1, 2, 2))])
def test_at_the_end_of_the_text(text, span):
    assert report(text, span).startswith("a.py:")


def test_an_escape_sequence_in_the_source_does_not_reach_the_terminal():
    assert "\x1b" not in report("y = '\x1b[31m' + log(p)\n", Span(1, 5, 1, 6))


def test_colours():
    lines = report("log(p)\n", Span(1, 5, 1, 6), severity=Severity.WARNING, style=Style(colour=True)).split("\n")
    assert lines[0].startswith("\x1b[1ma.py:1:5:\x1b[0m \x1b[1;33mwarning[NAN102]\x1b[0m")
    assert lines[3] == "\x1b[1;34m  |\x1b[0m     \x1b[1;33m^\x1b[0m"


class _Stream:
    def __init__(self, terminal):
        self.isatty = lambda: terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_who_wants_colours(terminal, environment, expected):
    assert wants_colour(_Stream(terminal), environment) is expected
