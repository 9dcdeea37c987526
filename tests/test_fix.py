"""Several repairs of one text."""

from hypothesis import given
from hypothesis import strategies as st

from nanlint.fix import Applicability, Edit, Fix, apply_fixes
from nanlint.source import Source, Span

SOURCE = Source("a.py", "import torch\r\nx = log(p)\r\ny = log(q)\r\n")
IMPORT = Edit(Span(2, 1, 2, 1), "import torch.nn.functional as F\r\n")


def fix(*edits):
    return Fix(Applicability.SAFE, "", edits)


def test_edits_are_made_right_to_left():
    text, count = apply_fixes(
        SOURCE, [fix(Edit(Span(2, 5, 2, 8), "LOG2")), fix(Edit(Span(2, 9, 2, 10), "PP"), Edit(Span(3, 1, 3, 2), ""))]
    )
    assert text == "import torch\r\nx = LOG2(PP)\r\n = log(q)\r\n"
    assert count == 2


def test_what_overlaps_waits():
    text, count = apply_fixes(SOURCE, [fix(Edit(Span(2, 5, 2, 11), "A")), fix(Edit(Span(2, 9, 2, 10), "B"))])
    assert text == "import torch\r\nx = A\r\ny = log(q)\r\n"
    assert count == 1


def test_all_edits_of_a_fix_or_none():
    both = fix(Edit(Span(2, 9, 2, 10), "B"), Edit(Span(3, 9, 3, 10), "B"))
    text, _ = apply_fixes(SOURCE, [fix(Edit(Span(2, 5, 2, 11), "A")), both])
    assert "log(q)" in text


def test_a_shared_import_is_added_once():
    fixes = [fix(IMPORT, Edit(Span(line, 5, line, 8), "F.log")) for line in (2, 3)]
    text, count = apply_fixes(SOURCE, fixes)
    assert text == "import torch\r\nimport torch.nn.functional as F\r\nx = F.log(p)\r\ny = F.log(q)\r\n"
    assert count == 2


def test_two_different_insertions_at_one_place_do_not_mix():
    text, count = apply_fixes(SOURCE, [fix(IMPORT), fix(Edit(Span(2, 1, 2, 1), "import other\r\n"))])
    assert "other" not in text
    assert count == 1


def test_nothing_to_do():
    assert apply_fixes(SOURCE, []) == (SOURCE.text, 0)


def test_at_the_end_of_the_text():
    assert apply_fixes(Source("a.py", "a"), [fix(Edit(Span(1, 2, 1, 2), "b"))]) == ("ab", 1)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5), st.text("xy", max_size=3)), max_size=6))
def test_outside_of_edits_the_text_stays(edits):
    source = Source("a.py", "".join(chr(ord("A") + at) for at in range(26)))
    fixes = [fix(Edit(Span(1, start + 1, 1, start + 1 + length), text)) for start, length, text in edits]
    text, count = apply_fixes(source, fixes)
    touched = {at for start, length, _ in edits for at in range(start, start + length)}
    kept = "".join(letter for at, letter in enumerate(source.text) if at not in touched)
    left = [letter for letter in text if letter in kept]
    assert left == list(kept)
    assert count <= len(fixes)
