"""Initialisation: networks that cannot learn are found, and the line at fault; the others are left alone."""

import ast
from pathlib import Path

import pytest
from traced import fixtures, misjudged

from nanlint.cards import load_cards
from nanlint.trace.examples import file_name, of_file, trace_files
from nanlint.trace.results import Results

BROKEN, HEALTHY = fixtures("broken"), fixtures("healthy")


@pytest.fixture(scope="module")
def traced(once) -> Results:
    """One child for all of them."""
    return once("initialisation", lambda: trace_files(BROKEN + HEALTHY, load_cards()))


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_broken(path: Path, traced: Results) -> None:
    assert not misjudged(path, traced)


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_healthy(path: Path, traced: Results) -> None:
    assert [str(one.message) for one in of_file(traced, file_name(path))] == []


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
    found = {diagnostic.filename for path in BROKEN for diagnostic in of_file(traced, file_name(path))}
    assert len(found) == len(BROKEN)
