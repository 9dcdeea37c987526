"""Every example of every card is a test, and so is what the loader says about a broken card."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from nanlint.cards import Card, CardError, Example, check_words, find_card, load_cards, parse_safe, read_card
from nanlint.testing import Lint, run_example, updated_card
from nanlint.values.interval import Range, interval

CARDS = load_cards()
# those of the dynamic pass are run by tests/test_trace_cards.py
EXAMPLES = [(card, example) for card in CARDS if not card.traced for example in card.examples]
HEADER = 'operations = ["log"]\nmessage = "{operation} of {operand}"\n'


@pytest.fixture(scope="module", autouse=True)
def _updated(lint_for: Callable[[Card], Lint], update: bool) -> None:
    """With `--update`, rewrite the cards before their examples are run."""
    if update:
        for card in CARDS:
            if card.traced:
                continue
            card.path.write_text(updated_card(card, lint_for(card)), encoding="utf-8")


@pytest.mark.parametrize(
    ("card", "example"),
    EXAMPLES,
    ids=[f"{card.code}-{example.heading.replace(' ', '_')}-{example.number}" for card, example in EXAMPLES],
)
def test_example(card: Card, example: Example, lint_for: Callable[[Card], Lint], update: bool) -> None:
    if update:
        card = read_card(card.path)
        example = next(e for e in card.examples if (e.heading, e.number) == (example.heading, example.number))
    assert not [str(failure) for failure in run_example(card, example, lint_for(card))]


def test_cards_are_sorted_and_found_by_code_or_name() -> None:
    assert [card.code for card in CARDS] == sorted(card.code for card in CARDS)
    for card in CARDS:
        assert find_card(CARDS, card.code.lower()) is card
        assert find_card(CARDS, card.name) is card
    assert find_card(CARDS, "NAN999") is None


def test_loading_headers_is_cheap() -> None:
    def once() -> float:
        start = perf_counter()
        load_cards()
        return perf_counter() - start

    # the best of five: other processes of a busy machine do not count
    assert min(once() for _ in range(5)) < 0.05


def test_loading_headers_imports_nothing_heavy() -> None:
    code = (
        "import sys; from nanlint.cards import load_cards; load_cards(); print({'libcst', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > 0", interval(0, open="lo")),
        ("x >= 0", interval(0)),
        ("x < 1", interval(hi=1, open="hi")),
        ("x <= -1", interval(hi=-1)),
        ("x != 0", interval(nonzero=True)),
        ("-1 <= x <= 1", interval(-1, 1)),
        ("0 < x <= 0.5", interval(0, 0.5, open="lo")),
        ("1e-6 < x < 1", interval(1e-6, 1, open="lo hi")),
    ],
)
def test_safe_conditions(text: str, expected: Range) -> None:
    assert parse_safe(text) == expected


@pytest.mark.parametrize("text", ["", "x", "x != 1", "y > 0", "x > zero", "__import__('os')"])
def test_unreadable_safe_conditions(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        parse_safe(text)


@pytest.mark.parametrize(
    ("file", "header", "complaint"),
    [
        ("NAN101.md", HEADER, "a card is called like"),
        ("X-log.md", HEADER, "a card is called like"),
        ("LIB101-x.md", "severty = 'error'\n" + HEADER, "unknown key `severty`; did you mean `severity`?"),
        ("LIB101-x.md", "severity = 'eror'\n" + HEADER, "`severity` is `eror`; did you mean `error`?"),
        ("LIB101-x.md", "report = 'certian'\n" + HEADER, "`report` is `certian`; did you mean `certain`?"),
        ("LIB101-x.md", "check = 'syntax'\n" + HEADER, "either `operations` or `check`"),
        ("LIB101-x.md", "message = 'm'\n", "either `operations` or `check`"),
        ("LIB101-x.md", "operations = ['log']\n", "`message` is missing"),
        ("LIB101-x.md", "operations = 'log'\nmessage = 'm'\n", "`operations` must be a list of strings"),
        ("LIB101-x.md", "operations = ['log']\nmessage = '{operant}'\n", "did you mean `operand`?"),
        ("LIB101-x.md", "operations = [\n", "the toml block is not valid"),
        ("LIB101-x.md", HEADER + "[operation.'a.b']\nsafe = 'x > y'\n", "write it like `x > 0`"),
        ("LIB101-x.md", HEADER + "[operation.'a.b']\nphrase = 'b'\n", "`safe` is missing"),
        ("LIB101-x.md", HEADER + "[operation.'a.b']\nsafe = 'x > 0'\noperand = -1\n", "counted from 0"),
        ("LIB101-x.md", HEADER + "[operation]\na = 1\n", "quote the dotted path"),
    ],
)
def test_a_broken_card_is_named_in_one_line(tmp_path: Path, file: str, header: str, complaint: str) -> None:
    (tmp_path / file).write_text(f"# Title\n\n```toml\n{header}```\n", encoding="utf-8")
    with pytest.raises(CardError) as caught:
        load_cards((tmp_path,))
    message = str(caught.value)
    assert file in message
    assert complaint in message
    assert "\n" not in message.strip()


def test_a_card_without_header_or_with_a_taken_name(tmp_path: Path) -> None:
    card = tmp_path / "LIB101-log-of-zero.md"
    card.write_text("no title\n", encoding="utf-8")
    with pytest.raises(CardError, match="begins with"):
        load_cards((tmp_path,))
    card.write_text(f"# Title\n\n```toml\n{HEADER}```\n", encoding="utf-8")
    with pytest.raises(CardError, match=r"`log-of-zero` is already taken by NAN101-log-of-zero\.md"):
        load_cards((tmp_path,))
    with pytest.raises(CardError, match="does not exist"):
        load_cards((tmp_path / "missing",))


def test_unknown_words_get_a_hint(tmp_path: Path) -> None:
    card = tmp_path / "LIB101-x.md"
    card.write_text('# T\n\n```toml\noperations = ["logg"]\nmessage = "m"\n```\n', encoding="utf-8")
    with pytest.raises(CardError, match="unknown operation `logg`; did you mean `log`"):
        check_words([read_card(card)], {"log", "sqrt"}, set())
    card.write_text('# T\n\n```toml\ncheck = "norms_by_hand"\nmessage = "m"\n```\n', encoding="utf-8")
    with pytest.raises(CardError, match="unknown check `norms_by_hand`; did you mean `norm_by_hand`"):
        check_words([read_card(card)], set(), {"norm_by_hand", "syntax"})
