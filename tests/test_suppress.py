"""Comments that silence findings, and findings about such comments."""

import pytest

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.diagnostic import Diagnostic, Evidence, Severity
from nanlint.fix import apply_fixes
from nanlint.source import Source, Span
from nanlint.suppress import apply_suppressions

CARDS = load_cards()
NAMES = {card.code: card.name for card in CARDS}


def lint(text, *places, settings=None):
    """What is left when the analysis finds `places`: "NAN102 2" is a finding on line 2, "NAN102 2-4" on three."""
    source = Source("a.py", text)
    found = []
    for place in places:
        code, lines = place.split()
        first, _, last = lines.partition("-")
        span = Span(int(first), 1, int(last or first), 2)
        found.append(Diagnostic(code, NAMES[code], "", "a.py", span, Severity.ERROR, Evidence.POSSIBLE))
    return apply_suppressions(source, found, CARDS, settings or Settings())


def left(text, *places, **more):
    return [one.code for one in lint(text, *places, **more)]


@pytest.mark.parametrize(
    "comment",
    [
        "# nanlint: ignore[NAN102] reason",
        "# nanlint: ignore[NAN102]",
        "#nanlint:ignore[NAN102]",
        "# nanlint: ignore[log-of-softmax]",
        "# nanlint: ignore[ nan102 ]",
        "# nanlint: ignore",
        "# nanlint: ignore because I say so",
        "# noqa: NAN102",
        "# noqa:NAN102 reason",
        "# noqa: E501, NAN102",
        "# noqa: E501 NAN102",
        "# NOQA",
        "# noqa",
        "# type: ignore  # nanlint: ignore[NAN102]",
        "# nanlint: ignore[NAN102]  # noqa: E501",
    ],
)
def test_forms(comment):
    assert left(f"x\ny = log(p)  {comment}\n", "NAN102 2") == []


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# nanlint: ignore[NAN101]", ["NAN102", "NAN001"]),
        ("# noqa: NAN101", ["NAN102", "NAN001"]),
        ("# noqa: E501", ["NAN102"]),
        ("# nanlint: ignored", ["NAN102"]),
        ("# nanlint: ignore[NAN1]", ["NAN102", "NAN002"]),
        ("# nanlint: ignore[]", ["NAN102"]),
        ("nanlint.ignore('# nanlint: ignore')", ["NAN102"]),
    ],
)
def test_what_does_not_silence(comment, codes):
    assert left(f"y = log(p)  {comment}\n".replace("  nanlint", "; nanlint"), "NAN102 1") == codes


def test_several_codes():
    assert left("y  # nanlint: ignore[log-of-zero, NAN111]\n", "NAN101 1", "NAN111 1", "NAN102 1") == ["NAN102"]


STATEMENT = "{0}\ny = f(\n    log(p),{1}\n    q,{2}\n){3}\nz = 1\n"


@pytest.mark.parametrize("place", range(4))
def test_any_line_of_the_statement(place):
    comments = ["", "", "", ""]
    comments[place] = "  # nanlint: ignore[NAN102]"
    text = STATEMENT.format(*comments)
    assert left(text, "NAN102 3") == []
    assert left(text, "NAN102 6") == ["NAN102", "NAN001"]


def test_own_line_above_means_the_next_statement_only():
    text = "# nanlint: ignore[NAN102]\n# more words\n\ny = (\n  1)\nz = 2\n"
    assert left(text, "NAN102 5") == []
    assert left(text, "NAN102 6") == ["NAN102", "NAN001"]


def test_the_header_of_a_block_is_not_its_body():
    assert left("if log(p) > 0:  # nanlint: ignore\n    y = log(p)\n", "NAN102 1", "NAN102 2") == ["NAN102"]


def test_ignore_file():
    assert left("# nanlint: ignore-file\nx\ny\n", "NAN102 2", "NAN101 3") == []
    assert left("x\n# nanlint: ignore-file[NAN102] generated\ny\n", "NAN102 1", "NAN101 3") == ["NAN101"]
    assert left("# nanlint: ignore-file\n") == ["NAN001"]


STRETCH = "a\n# nanlint: disable[NAN102] all of this is bounded\nb\nif c:\n    d\n# nanlint: enable{}\ne\n"


@pytest.mark.parametrize("end", ["[NAN102]", "", "[NAN101, NAN102]"])
def test_a_stretch_of_lines(end):
    text = STRETCH.format(end)
    assert left(text, *(f"NAN102 {line}" for line in (1, 3, 4, 5, 7))) == ["NAN102", "NAN102"]
    assert left(text, "NAN101 3", "NAN102 3") == ["NAN101"]
    assert left(text, "NAN102 1", "NAN102 7") == ["NAN102", "NAN102", "NAN001"]


def test_a_stretch_that_others_do_not_end_lasts_to_the_end_of_the_file():
    assert left(STRETCH.format("[NAN101]"), "NAN102 7") == []
    both = "# nanlint: disable[NAN102]\n# nanlint: disable[NAN101]\na\n# nanlint: enable[NAN102]\nb\n"
    assert left(both, "NAN102 3", "NAN101 3", "NAN102 5", "NAN101 5") == ["NAN102"]
    assert left("# nanlint: disable\na\nb\n# nanlint: enable\nc\n", "NAN102 3", "NAN101 2", "NAN101 5") == ["NAN101"]


def test_comments_in_strings_are_none():
    assert left('"""\n# nanlint: ignore-file\n"""\ny = "# noqa"\n', "NAN102 4") == ["NAN102"]


def test_text_that_does_not_tokenize():
    assert left("y = log(p)  # nanlint: ignore[NAN102]\nz = (\n", "NAN102 1") == []


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends(end):
    text = f"x = 1{end}y = log(p)  # nanlint: ignore[NAN102]{end}z{end}"
    assert left(text, "NAN102 2") == []
    (unused,) = lint(text)
    assert Source("a.py", text).slice(unused.span) == "# nanlint: ignore[NAN102]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("y  # nanlint: ignore[NAN102]\n", "y\n"),
        ("y  # nanlint: ignore[NAN102] for a reason\n", "y\n"),
        ("y  # nanlint: ignore\n", "y\n"),
        ("y  # nanlint: ignore", "y"),
        ("    # nanlint: ignore\ny\n", "y\n"),
        ("x\n# nanlint: ignore", "x\n"),
        ("y  # nanlint: ignore[NAN102]  # type: ignore\n", "y  # type: ignore\n"),
        ("y  # type: ignore  # nanlint: ignore[NAN102]\n", "y  # type: ignore\n"),
        ("y  # noqa: NAN102\n", "y\n"),
        ("y  # noqa: E501, NAN102, F401\n", "y  # noqa: E501, F401\n"),
        ("# nanlint: ignore-file[NAN102]\r\ny\r\n", "y\r\n"),
    ],
)
def test_repair_of_unused(before, after):
    (unused,) = lint(before)
    assert unused.code == "NAN001"
    assert apply_fixes(Source("a.py", before), [unused.fix])[0] == after


def test_repair_keeps_the_code_that_is_used():
    text = "y  # nanlint: ignore[NAN102, log-of-zero, NAN111] reason\n"
    (unused,) = lint(text, "NAN101 1")
    assert unused.message == "unused suppression of `NAN102`, `NAN111`"
    assert apply_fixes(Source("a.py", text), [unused.fix])[0] == "y  # nanlint: ignore[log-of-zero] reason\n"


def test_a_bare_noqa_is_never_unused():
    assert left("y  # noqa\nz  # noqa: E501\n") == []


def test_a_rule_that_does_not_run_leaves_its_suppressions_alone():
    assert left("y  # nanlint: ignore[NAN102]\n", settings=Settings(select=("NAN0", "NAN101"))) == []


def test_unknown_code_has_a_hint():
    (unknown,) = lint("y  # nanlint: ignore[log-of-sofmax]\n")
    assert (unknown.code, unknown.span) == ("NAN002", Span(1, 22, 1, 35))
    assert unknown.message == "unknown rule `log-of-sofmax` in a suppression; did you mean `log-of-softmax`?"


def test_a_suppression_finding_can_be_silenced_by_name():
    assert left("y  # nanlint: ignore[NAN102, NAN001]\n") == []
