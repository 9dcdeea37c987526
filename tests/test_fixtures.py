"""Nasty cases for the rules, and ranges for the interpreter alone: one test per file."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from nanlint.cards import Card, find_card, load_cards
from nanlint.testing import Lint, default_lint, run_fixture, run_flow, updated_fixture, updated_flow

FIXTURES = Path(__file__).parent / "fixtures"
RULES = sorted((FIXTURES / "rules").rglob("*.py"))
RECIPES = sorted((FIXTURES / "recipes").glob("*.py"))  # whole training programs
FRAMEWORKS = ("accelerate", "flax", "ignite", "lightning", "optax", "tensorflow", "torch", "transformers")
FLOW = sorted((FIXTURES / "flow").rglob("*.py"))
CARDS = load_cards()

_SELECTED = re.compile(r"^# select: (?P<codes>.+)$", re.M)  # rules that are off by default and of which a recipe speaks


def _name(path: Path) -> str:
    return path.relative_to(FIXTURES).as_posix()


@pytest.mark.parametrize("path", RULES, ids=_name)
def test_rule(path: Path, lint_for: Callable[[Card], Lint], update: bool) -> None:
    card = find_card(CARDS, path.relative_to(FIXTURES / "rules").parts[0].partition("-")[0])
    assert card is not None
    lint = lint_for(card)
    if update:
        path.write_text(updated_fixture(path, lint), encoding="utf-8")
    assert not [str(failure) for failure in run_fixture(path, lint)]


@pytest.mark.parametrize("path", RECIPES, ids=_name)
def test_recipe(path: Path, lint: Lint) -> None:
    """Exactly the marked findings, and none in a program that is called good."""
    text = path.read_text(encoding="utf-8")
    if (selected := _SELECTED.search(text)) is not None:
        lint = default_lint(CARDS, selected["codes"].split(", "))
    assert not [str(failure) for failure in run_fixture(path, lint)]
    assert path.stem.endswith("_bad") == (": NAN" in _SELECTED.sub("", text))


def test_recipes_are_many_and_of_every_framework() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in RECIPES}
    assert len(RECIPES) >= 70
    for library in FRAMEWORKS:
        using = [path for path, text in texts.items() if re.search(rf"^(?:import|from) {library}\b", text, re.M)]
        assert any(path.stem.endswith("_bad") for path in using), library
        assert any(not path.stem.endswith("_bad") for path in using), library


@pytest.mark.parametrize("path", FLOW, ids=_name)
def test_flow(path: Path, update: bool) -> None:
    if update:
        path.write_text(updated_flow(path), encoding="utf-8")
    assert not [str(failure) for failure in run_flow(path)]


@pytest.mark.parametrize("folder", sorted((FIXTURES / "rules").iterdir()), ids=lambda folder: folder.name)
def test_folder_is_named_after_a_card(folder: Path) -> None:
    code, _, name = folder.name.partition("-")
    card = find_card(CARDS, code)
    assert card is not None
    assert card.name == name
