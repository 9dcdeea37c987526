"""Rules as data: one Markdown card per rule, read from `rules/` and from folders that the user names.

A card's file name is its code and name. Loading reads only the header (title and TOML block), because every start
of nanlint pays for it; prose and examples are parsed when somebody asks. A card is data: nothing in it is run,
so a folder of cards inside the linted project is safe to read on a stranger's pull request.
"""

from __future__ import annotations

import difflib
import os
import re
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

from nanlint.diagnostic import Evidence, Severity
from nanlint.files import SMALL, read_whole, toml_of
from nanlint.values.interval import Range, interval

URL = "https://github.com/nanlint/nanlint/blob/main/rules/"

HEADINGS = (
    "What it does",
    "Why is this bad?",
    "Bad",
    "Good",
    "Silent on purpose",
    "Fix safety",
    "When it is wrong",
    "References",
)
PLACEHOLDERS = ("operation", "operand", "trouble", "range", "expression")

_KEYS = (
    "operations", "operand-from", "check", "severity", "report", "default", "message", "fix", "since", "operation",
)  # fmt: skip
_OPERATION_KEYS = ("operand", "safe", "phrase")
_FILE_NAME = re.compile(r"(?P<code>[A-Z]{2,8}\d{3,4})-(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)")
_HEADER = re.compile(r"\s*# (?P<title>[^\n]+)\n\s*```toml\n(?P<toml>.*?)^```[ \t]*$", re.S | re.M)
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```[ \t]*$", re.S | re.M)
_HEADING = re.compile(r"^## +(?P<heading>[^\n]+?) *$", re.M)
_NUMBER = r"-?(?:\d+(?:\.\d*)?(?:e-?\d+)?|inf)"
_ABOVE_OR_BELOW = re.compile(rf"x\s*(<=|<|>=|>|!=)\s*({_NUMBER})")
_BETWEEN = re.compile(rf"({_NUMBER})\s*(<=|<)\s*x\s*(<=|<)\s*({_NUMBER})")


class CardError(Exception):
    """A card that cannot be used: one line that names the file, the fault, and the nearest valid word."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


@dataclass(frozen=True, slots=True)
class CustomOperation:
    """An operation that a card defines itself: a team's own function and where its operand is safe.

    Attributes:
        name: the dotted path of the function, e.g. "ourlib.kl".
        operand: which positional argument the rule is about, counted from 0.
        safe: inside this range the result is finite.
        phrase: what messages call it.
    """

    name: str
    operand: int
    safe: Range
    phrase: str


@dataclass(frozen=True, slots=True)
class Example:
    """One Python block of a card.

    Attributes:
        heading: the section it stands in: "Bad", "Good" or "Silent on purpose".
        number: its place among the section's blocks, counted from 1.
        line: the card's line on which the code begins.
        code: the block as written, marks included.
        fixed: the block that follows it as `python fixed`: what the repair writes. None if there is none.
        span: where `code` stands in the card's text; `fixed_span` likewise. Used to rewrite expectations.
        input: the block that follows as `python input`: a call of the example on which what is bad gives NaN or Inf,
            in the value or in the gradient, and what is fixed or good does not.
    """

    heading: str
    number: int
    line: int
    code: str
    span: tuple[int, int]
    fixed: str | None = None
    fixed_span: tuple[int, int] | None = None
    input: str | None = None


@dataclass(frozen=True)
class Card:
    """One rule: what it is called, what it says, and which operations or which check serve it.

    Attributes:
        report: the weakest evidence that is reported by default.
        default: is the rule on where nobody selects rules? Else it speaks only if it is asked for.
        operations: served by the general question "may an operand leave the operation's safe range?".
        operand_from: the rule only speaks where one of these operations made the operand. Such a card is more
            specific and wins over one without.
        check: the function in `nanlint/checks/` that serves the rule, instead of `operations`; "trace" is the
            dynamic pass.
        fix: the name of the repair the rule offers.
        custom: operations that this card defines; their names are part of `operations`.
    """

    code: str
    name: str
    title: str
    severity: Severity
    report: Evidence
    message: str
    since: str
    path: Path
    default: bool = True
    operations: tuple[str, ...] = ()
    operand_from: tuple[str, ...] = ()
    check: str | None = None
    fix: str | None = None
    custom: tuple[CustomOperation, ...] = ()
    text: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """Where the card can be read online."""
        return URL + self.path.name

    @cached_property
    def sections(self) -> dict[str, str]:
        """The Markdown under each `##` heading, in order."""
        marks = [match for match in _HEADING.finditer(self.text) if not _inside_fence(self.text, match.start())]
        edges = [*(match.start() for match in marks), len(self.text)]
        return {
            mark["heading"]: self.text[mark.end() : end].strip() for mark, end in zip(marks, edges[1:], strict=True)
        }

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        """Every Python block under a heading, with the repaired block that follows it."""
        return tuple(_examples(self.text))

    @property
    def traced(self) -> bool:
        """Is the rule served by the dynamic pass?"""
        return self.check == "trace"

    @property
    def fixable(self) -> bool:
        """Does the card show a repair? Derived from the examples, never declared."""
        return any(example.fixed is not None for example in self.examples)

    @property
    def summary(self) -> str:
        """The first paragraph of "What it does" on one line."""
        return " ".join(self.sections.get("What it does", self.title).split("\n\n")[0].split())


def load_cards(extra: Sequence[Path] = ()) -> tuple[Card, ...]:
    """The cards that come with nanlint and those in the `extra` folders, sorted by code.

    Raises:
        CardError: a folder is missing, a card is malformed, or two cards share a code or a name.
    """
    cards = [read_card(path) for path in _card_files(_own_folder())]
    for folder in extra:
        if not os.path.isdir(folder):  # noqa: PTH112  (Path raises on names that no file system can hold)
            raise CardError(f"{folder}: extra-rules names a folder that does not exist")
        cards.extend(read_card(path) for path in _card_files(folder))
    seen: dict[str, Card] = {}
    for card in cards:
        for word in (card.code, card.name):
            if word in seen:
                raise CardError(f"{card.path}: `{word}` is already taken by {seen[word].path.name}")
            seen[word] = card
    return tuple(sorted(cards, key=lambda card: card.code))


def find_card(cards: Iterable[Card], code_or_name: str) -> Card | None:
    """The card with this code (any case) or this name."""
    wanted = code_or_name.strip()
    return next((card for card in cards if card.code == wanted.upper() or card.name == wanted.lower()), None)


def read_card(path: Path) -> Card:
    """The card in one file.

    Raises:
        CardError: the file's name, header or a value in it is not what a card needs.
    """
    named = _FILE_NAME.fullmatch(path.stem)
    if named is None:
        raise CardError(f"{path}: a card is called like NAN101-log-of-zero.md")
    try:
        text = read_whole(path, SMALL).decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"{path}: cannot be read: {error}") from None
    header = _HEADER.match(text)
    if header is None:
        raise CardError(f"{path}: a card begins with a `# Title` line and a ```toml block")
    try:
        data = toml_of(header["toml"])
    except ValueError as error:
        raise CardError(f"{path}: the toml block is not valid: {error}") from None
    try:
        return _build(path, named["code"], named["name"], header["title"].strip(), data, text)
    except ValueError as error:
        raise CardError(f"{path}: {error}") from None


def check_words(cards: Iterable[Card], operations: Collection[str], checks: Collection[str]) -> None:
    """See that every operation and check that a card names exists.

    Raises:
        CardError: one does not; the message suggests the nearest that does.
    """
    for card in cards:
        own = {custom.name for custom in card.custom}
        for name in (*card.operations, *card.operand_from):
            if name not in own and name not in operations:
                raise CardError(f"{card.path}: unknown operation `{name}`{nearest(name, operations)}")
        if card.check is not None and card.check not in checks:
            raise CardError(f"{card.path}: unknown check `{card.check}`{nearest(card.check, checks)}")


def nearest(word: str, valid: Collection[str]) -> str:
    """A hint to append to an error: the valid word most like `word`, or all of them if none is alike."""
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; valid are: {', '.join(sorted(valid))}" if len(valid) <= 12 else ""


def parse_safe(text: str) -> Range:
    """A condition on x as a range: `x > 0`, `x != 0`, `-1 <= x <= 1`.

    Raises:
        ValueError: the text is no such condition.
    """
    if between := _BETWEEN.fullmatch(text.strip()):
        low, left, right, high = between.groups()
        return interval(float(low), float(high), open=_ends(lo=left == "<", hi=right == "<"))
    if one := _ABOVE_OR_BELOW.fullmatch(text.strip()):
        sign, end = one[1], float(one[2])
        if sign in (">", ">="):
            return interval(end, inf, open=_ends(lo=sign == ">"))
        if sign in ("<", "<="):
            return interval(-inf, end, open=_ends(hi=sign == "<"))
        if end == 0:
            return interval(nonzero=True)
    raise ValueError(f"`safe` is `{text}`; write it like `x > 0`, `x != 0` or `-1 <= x <= 1`")


def _ends(*, lo: bool = False, hi: bool = False) -> str:
    return " ".join(name for name, is_open in (("lo", lo), ("hi", hi)) if is_open)


def _own_folder() -> Path:
    """Inside the package in an installation, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "rules"
    return installed if installed.is_dir() else package.parent / "rules"


def _card_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.md") if path.stem.lower() != "readme")


def _build(path: Path, code: str, name: str, title: str, data: Mapping[str, Any], text: str) -> Card:
    _check_keys(data, _KEYS)
    custom = tuple(_custom(dotted, table) for dotted, table in _table(data, "operation").items())
    listed = _words(data, "operations")
    operations = listed + tuple(made.name for made in custom if made.name not in listed)
    check = _text(data, "check")
    if (check is None) == (not operations):
        raise ValueError("a card has either `operations` or `check`")
    return Card(
        code=code,
        name=name,
        title=title,
        severity=Severity(_choice(data, "severity", [str(severity) for severity in Severity], "warning")),
        report=Evidence[_choice(data, "report", [evidence.label for evidence in Evidence], "possible").upper()],
        message=_message(data),
        since=_text(data, "since") or "",
        path=path,
        default=_flag(data, "default", otherwise=True),
        operations=operations,
        operand_from=_words(data, "operand-from"),
        check=check,
        fix=_text(data, "fix"),
        custom=custom,
        text=text,
    )


def _check_keys(data: Mapping[str, Any], valid: Collection[str]) -> None:
    for key in data:
        if key not in valid:
            raise ValueError(f"unknown key `{key}`{nearest(key, valid)}")


def _text(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"`{key}` must be a string")
    return value


def _flag(data: Mapping[str, Any], key: str, *, otherwise: bool) -> bool:
    value = data.get(key, otherwise)
    if not isinstance(value, bool):
        raise ValueError(f"`{key}` must be true or false")
    return value


def _words(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"`{key}` must be a list of strings")
    return tuple(value)


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise ValueError(f'`{key}` must be tables like [{key}."ourlib.kl"]')
    return value


def _choice(data: Mapping[str, Any], key: str, valid: Collection[str], default: str) -> str:
    value = _text(data, key) or default
    if value not in valid:
        raise ValueError(f"`{key}` is `{value}`{nearest(value, valid)}")
    return value


def _message(data: Mapping[str, Any]) -> str:
    message = _text(data, "message")
    if not message:
        raise ValueError("`message` is missing")
    for _, name, layout, conversion in string.Formatter().parse(message):
        if name is not None and name not in PLACEHOLDERS:
            raise ValueError(f"unknown placeholder `{{{name}}}` in `message`{nearest(name, PLACEHOLDERS)}")
        if layout or conversion:  # `{operand:>999999999}` would fill the memory
            raise ValueError(f"`{{{name}}}` in `message` takes neither `!` nor `:`")
    return message


def _custom(dotted: str, table: object) -> CustomOperation:
    if not isinstance(table, dict):
        raise ValueError(f'quote the dotted path: [operation."{dotted}…"]')
    _check_keys(table, _OPERATION_KEYS)
    operand = table.get("operand", 0)
    if not isinstance(operand, int) or isinstance(operand, bool) or operand < 0:
        raise ValueError("`operand` is the number of a positional argument, counted from 0")
    safe = _text(table, "safe")
    if safe is None:
        raise ValueError(f"`safe` is missing for the operation `{dotted}`")
    return CustomOperation(dotted, operand, parse_safe(safe), _text(table, "phrase") or dotted.rpartition(".")[2])


def _inside_fence(text: str, at: int) -> bool:
    return any(fence.start() < at < fence.end() for fence in _FENCE.finditer(text))


def _examples(text: str) -> Iterable[Example]:
    """Python blocks in order; `python fixed` and `python input` blocks are folded into the one before them."""
    pending: Example | None = None
    counts: dict[str, int] = {}
    for fence in _FENCE.finditer(text):
        words, body, span = fence["info"].split(), fence["body"], fence.span("body")
        if pending is not None and words == ["python", "fixed"]:
            pending = replace(pending, fixed=body, fixed_span=span)
            continue
        if pending is not None and words == ["python", "input"]:
            pending = replace(pending, input=body)
            continue
        if pending is not None:
            yield pending
            pending = None
        headings = _HEADING.findall(text, 0, fence.start())
        if words == ["python"] and headings:
            counts[headings[-1]] = number = counts.get(headings[-1], 0) + 1
            line = text.count("\n", 0, span[0]) + 1
            pending = Example(headings[-1], number, line, body, span)
    if pending is not None:
        yield pending
