"""The pages of the site, as Markdown: those that are written, with links that hold there, and one for each rule."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pictures import of_code

from nanlint.cards import Card, load_cards

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/nanlint/nanlint"

_LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)\s#]+)")
_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```[ \t]*$", re.S | re.M)
_HEADER = re.compile(r"\A# [^\n]+\n\s*```toml\n.*?^```[ \t]*\n", re.S | re.M)
_WRITTEN_HERE = re.compile(r"<!-- .*? -->\n?", re.S)

# what the first heading of each group of codes says
GROUPS = {
    "NAN0": "About nanlint itself",
    "NAN1": "Values and gradients",
    "NAN2": "Clipping and zeroing of gradients",
    "NAN3": "Optimisers",
    "NAN4": "Initial weights",
    "NAN5": "Data",
    "NAN6": "Precision",
    "NAN9": "The dynamic pass",
}


def documents() -> dict[str, str]:
    """The written pages by their place in the site."""
    written = {path.name: path for path in sorted((ROOT / "docs").glob("*.md"))} | {
        "changelog.md": ROOT / "CHANGELOG.md"
    }
    return {place: _page(path, place) for place, path in written.items()}


def rule_pages() -> dict[str, str]:
    """The pages of the rules, and their list."""
    cards = load_cards()
    return {"rules/index.md": "\n".join(_list(cards)), **{f"rules/{card.path.name}": _rule(card) for card in cards}}


def _page(path: Path, place: str) -> str:
    """A written page of the repository, at a place of the site."""
    return _linked(_WRITTEN_HERE.sub("", _with_pictures(path.read_text(encoding="utf-8"))), path.parent, place)


def _linked(text: str, folder: Path, place: str) -> str:
    """A text of a folder of the repository, with links that hold at a place of the site."""
    return _LINK.sub(lambda link: _target(os.path.normpath(folder / link[1].partition("#")[0]), link[1], place), text)


def _target(path: str, link: str, place: str) -> str:
    """Where a link leads: to another page of the site, else to the file on the web."""
    file = Path(path).relative_to(ROOT)
    if file.parts[0] not in {"docs", "rules"} and file.name != "CHANGELOG.md":
        return f"{REPOSITORY}/blob/main/{file.as_posix()}"
    page = {"docs": Path(*file.parts[1:]), "rules": file}.get(file.parts[0], Path("changelog.md"))
    anchor = "".join(link.partition("#")[1:])
    return f"{os.path.relpath(page, Path(place).parent)}{anchor}".replace(os.sep, "/")


def _with_pictures(text: str) -> str:
    """The page with a picture below each block that asks for one."""

    def shown(block: re.Match[str]) -> str:
        if block["info"].split() != ["python", "ranges"]:
            return block[0]
        return f"```python\n{block['body']}```\n\n" + "\n\n".join(of_code(block["body"]))

    return _BLOCK.sub(shown, text)


def _list(cards: tuple[Card, ...]) -> Iterator[str]:
    yield "# Rules\n"
    yield "Each rule is one page. Every example on it is a test: what it says is what nanlint says, and where a call is"
    yield "given, torch really returns NaN or Inf there."
    group = ""
    for card in cards:
        if card.code[:4] != group:
            group = card.code[:4]
            yield f"\n## {GROUPS[group]}\n"
            yield "| code | name | what it finds | severity | repair |\n|---|---|---|---|---|"
        yield (
            f"| [{card.code}]({card.path.name}) | {card.name} | {card.title} | {_severity(card)} | {_repair(card)} |"
        )


def _rule(card: Card) -> str:
    body = _HEADER.sub("", card.text.lstrip())
    facts = [
        f"**{card.code}** `{card.name}`",
        _severity(card),
        f"reported from `{card.report.label}` evidence",
        f"repair: {_repair(card) or 'none'}",
        "in the next release" if card.since == "unreleased" else f"since {card.since}",
    ]
    told = _linked(_BLOCK.sub(lambda one: _example(card, one), body), card.path.parent, f"rules/{card.path.name}")
    return f"# {card.title}\n\n{' · '.join(facts)}\n{{ .facts }}\n\n{told}"


def _example(card: Card, block: re.Match[str]) -> str:
    info, body = block["info"].split(), block["body"]
    if info == ["python", "fixed"]:
        return f"Repaired:\n\n```python\n{body}```"
    if info == ["python", "input"]:
        return f"Seen in torch with\n\n```python\n{body}```"
    shown = f"```{info[0] if info else ''}\n{body}```"
    return "\n\n".join([shown, *of_code(body, card)]) if info == ["python"] and card.code in body else shown


def _severity(card: Card) -> str:
    return f'<span class="severity {card.severity}">{card.severity}</span>'


def _repair(card: Card) -> str:
    return card.sections["Fix safety"].partition(":")[0].lower() if card.fixable else ""
