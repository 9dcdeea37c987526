"""The sources of the site; `.ci/run` builds it, and a link that leads nowhere ends that build."""

import importlib
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from nanlint.cards import load_cards

ROOT = Path(__file__).parents[1]
CARDS = {card.code: card for card in load_cards()}


@pytest.fixture(scope="module")
def site():
    """The modules in `website/`."""
    sys.path.insert(0, str(ROOT / "website"))
    yield importlib.import_module("pages"), importlib.import_module("pictures")
    sys.path.remove(str(ROOT / "website"))


PROGRAM = """
import torch


def f(z, x):
    p = torch.softmax(z, -1)
    return torch.log(p), torch.acos(x.clamp(-1, 1)), torch.log(p + 1e-3), 1 / x
"""


def test_where_a_range_meets_what_is_not_safe(site):
    _, pictures = site
    found = [
        (one.operand, str(one.values), one.need, [str(bad) for bad in one.bad]) for one in pictures.meetings(PROGRAM)
    ]
    assert found == [
        ("p", "[0, 1]", "log is safe in", ["{0}"]),
        ("x.clamp(-1, 1)", "[-1, 1]", "the gradient of acos is finite in", ["{-1}", "{1}"]),
        ("p + 1e-3", "[0.001, 1.001]", "log is safe in", []),
    ]


def test_a_picture(site):
    _, pictures = site
    shown = [ET.fromstring(picture) for picture in pictures.of_code(PROGRAM)]
    log, acos, guarded = ([one.get("class") for one in picture.iter() if one.get("class")] for picture in shown)
    assert log.count("end bad") == 1
    assert acos.count("end bad") == 2
    assert not {"end bad", "bar bad"} & set(guarded)
    assert "unsafe" in guarded
    (bad,) = (one for one in shown[0].iter() if one.get("class") == "end bad")
    (tick,) = (one for one in shown[0].iter() if one.get("class") == "tick" and one.text == "0")
    assert bad.get("cx") == tick.get("x")
    assert shown[2].find("figcaption").text == "stays inside"


def test_the_examples_of_rules_about_ranges_have_pictures(site):
    _, pictures = site
    for code in ("NAN101", "NAN102", "NAN103", "NAN111", "NAN113", "NAN121"):
        card = CARDS[code]
        assert all(pictures.of_code(one.code, card) for one in card.examples if one.heading == "Bad"), code
    assert not pictures.of_code("def f(:\n", CARDS["NAN003"])


def test_every_rule_has_a_page_and_a_row(site):
    pages, _ = site
    made = pages.rule_pages()
    assert made.keys() == {"rules/index.md", *(f"rules/{card.path.name}" for card in CARDS.values())}
    assert all(f"[{code}]({card.path.name})" in made["rules/index.md"] for code, card in CARDS.items())
    assert all(
        f"## {heading}" in made[f"rules/{card.path.name}"] for card in CARDS.values() for heading in card.sections
    )


def test_every_document_is_in_the_menu(site):
    pages, _ = site
    menu = (ROOT / "website" / "zensical.toml").read_text()
    assert not [place for place in pages.documents() if f'"{place}"' not in menu]


def test_links_of_the_repository_hold_in_the_site(site):
    pages, _ = site
    linked = "[a](../rules/NAN101-log-of-zero.md) [b](trace.md#blame) [c](../tests/test_docs.py) [d](https://e.org)"
    assert pages._linked(linked, ROOT / "docs", "faq.md") == (
        "[a](rules/NAN101-log-of-zero.md) [b](trace.md#blame)"
        f" [c]({pages.REPOSITORY}/blob/main/tests/test_docs.py) [d](https://e.org)"
    )
    assert pages._linked("[a](../docs/trace.md#x)", ROOT / "rules", "rules/a.md") == "[a](../trace.md#x)"
