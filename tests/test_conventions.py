"""What keeps the rooms tidy: cards that look alike, words that exist, and documents that tell the truth."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nanlint.cards import HEADINGS, URL, Card, check_words, load_cards, read_card
from nanlint.checks import CHECKS
from nanlint.ops import OPERATIONS
from nanlint.testing import default_lint, read_marks, run_card

ROOT = Path(__file__).parent.parent
CARDS = load_cards()
README = ROOT / "README.md"

# the name is the bad pattern: it must read well in "ignore log-of-zero"
BANNED = re.compile(r"^(use|no|prefer|avoid|do-not|dont|missing-use|bad|check|should)-|-(rule|check|issue|problem)$")

_OUTPUT = re.compile(r"<!-- output of: nanlint (?P<command>.+?) -->\n```text\n(?P<body>.*?)```\n<!-- end -->", re.S)
_TABLE = re.compile(r"(?<=<!-- rules -->\n)(?P<body>.*?)(?=<!-- end -->)", re.S)
_CARD = re.compile(r"<!-- card -->\n````markdown\n(?P<body>.*?)````\n<!-- end -->", re.S)

each_card = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.code)


@each_card
def test_headings(card: Card) -> None:
    assert tuple(card.sections) == HEADINGS
    assert all(card.sections.values())


@each_card
def test_name(card: Card) -> None:
    assert not BANNED.search(card.name)
    assert len(card.name) <= 32


@each_card
def test_message(card: Card) -> None:
    assert card.message[0].islower() or card.message[0] in "{`"
    assert not card.message.endswith(".")
    assert "\n" not in card.message
    assert len(card.message) <= 100


@each_card
def test_title(card: Card) -> None:
    assert card.title[0].isupper()
    assert not card.title.endswith(".")


@each_card
def test_since_and_url(card: Card) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+|unreleased", card.since)
    assert card.url == f"{URL}{card.code}-{card.name}.md"


@each_card
def test_every_bad_is_marked_with_its_own_code_and_words(card: Card) -> None:
    bad = [example for example in card.examples if example.heading == "Bad"]
    assert bad
    for example in bad:
        own = [mark for mark in read_marks(example.code).expectations if mark.code == card.code]
        # a syntax error's words are the parser's, and change with its version
        assert own
        assert all(mark.text for mark in own) or card.check == "syntax"


@each_card
def test_a_rule_that_is_off_says_so(card: Card) -> None:
    assert card.default == ("off by default" not in card.sections["What it does"])


@each_card
def test_a_repair_is_declared_where_one_is_shown(card: Card) -> None:
    engine_serves_it = card.check in {"suppressions", "syntax"}
    assert engine_serves_it or card.fixable == (card.fix is not None)
    assert card.fixable == card.sections["Fix safety"].startswith(("Safe", "Unsafe"))


def test_operations_and_checks_exist() -> None:
    check_words(CARDS, OPERATIONS, {*CHECKS, "suppressions", "syntax", "trace"})


def test_every_check_is_named_by_a_card() -> None:
    assert set(CHECKS) <= {card.check for card in CARDS}


def test_readme_names_every_rule(update: bool) -> None:
    text = README.read_text(encoding="utf-8")
    if update:
        text = _TABLE.sub(lambda _: _rule_table(), text)
        README.write_text(text, encoding="utf-8")
    found = _TABLE.search(text)
    assert found is not None
    assert found["body"] == _rule_table()


def test_readme_shows_what_is_really_printed(update: bool) -> None:
    text = README.read_text(encoding="utf-8")
    if update:
        text = _OUTPUT.sub(
            lambda m: m[0].replace(f"```text\n{m['body']}```", f"```text\n{_run(m['command'])}```"), text
        )
        README.write_text(text, encoding="utf-8")
    shown = list(_OUTPUT.finditer(text))
    assert shown
    for block in shown:
        assert block["body"] == _run(block["command"])


def test_the_card_in_contributing_works(tmp_path: Path) -> None:
    found = _CARD.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert found is not None
    path = tmp_path / "NAN129-erfinv-at-one.md"
    path.write_text(found["body"], encoding="utf-8")
    lint = default_lint(load_cards((tmp_path,)))
    card = read_card(path)
    assert tuple(card.sections) == HEADINGS
    assert not [str(failure) for failure in run_card(card, lint)]


def test_changelog_names_every_rule() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert not [card.code for card in CARDS if f"`{card.name}` ({card.code})" not in text]


def test_links_in_documents_lead_somewhere() -> None:
    for document in (README, ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{document.name}: {target}"


def test_no_source_file_is_too_long() -> None:
    long = {
        path.name: n for path in (ROOT / "nanlint").rglob("*.py") if (n := len(path.read_bytes().splitlines())) > 420
    }
    assert not long, "a file that nears 400 lines usually holds two ideas"


def _rule_table() -> str:
    rows = [
        f"| [{card.code}](rules/{card.path.name}) | {card.name} | {card.title} | {_severity(card)} | {_repair(card)} |"
        for card in CARDS
    ]
    return "\n".join(["| code | name | what it finds | severity | repair |", "|---|---|---|---|---|", *rows, ""])


def _severity(card: Card) -> str:
    return str(card.severity) if card.default else f"{card.severity}, off"


def _repair(card: Card) -> str:
    return card.sections["Fix safety"].partition(":")[0].lower() if card.fixable else ""


def _run(command: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "nanlint", *shlex.split(command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
