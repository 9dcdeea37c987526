"""Initialisation: networks that cannot learn are found, and the line at fault; the others are left alone."""

import ast
from pathlib import Path

import pytest

from nanlint.cards import load_cards
from nanlint.testing import compare, read_marks
from nanlint.trace.examples import of_file, trace_texts
from nanlint.trace.results import Results

FOLDER = Path(__file__).parent / "fixtures" / "trace"
BROKEN = sorted((FOLDER / "broken").glob("*.py"))
HEALTHY = sorted((FOLDER / "healthy").glob("*.py"))


def _name(path: Path) -> str:
    return f"{path.parent.name}_{path.stem}"


@pytest.fixture(scope="module")
def traced(once) -> Results:
    """One child for all of them."""
    texts = {_name(path): path.read_text(encoding="utf-8") for path in BROKEN + HEALTHY}
    return once("initialisation", lambda: trace_texts(texts, load_cards()))


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_broken(path: Path, traced: Results) -> None:
    marked = read_marks(path.read_text(encoding="utf-8"))
    assert not compare(marked.expectations, of_file(traced, _name(path)))


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_healthy(path: Path, traced: Results) -> None:
    assert [str(one.message) for one in of_file(traced, _name(path))] == []


def test_every_model_was_traced(traced: Results) -> None:
    assert not traced.troubles
    classes = {
        statement.name
        for path in BROKEN + HEALTHY
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.ClassDef)
    }
    # the others are parts of these
    assert len(traced.models) > 0.8 * len(classes)
    assert {model.name for model in traced.models} <= classes


def test_every_broken_model_has_a_mark(traced: Results) -> None:
    found = {diagnostic.filename for path in BROKEN for diagnostic in of_file(traced, _name(path))}
    assert len(found) == len(BROKEN)
