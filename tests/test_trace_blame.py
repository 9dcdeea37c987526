"""Who made the NaN: small scripts with one culprit each, which must be named to the column, and benign twins.

The mark names the expression in backticks, so that a test holds only if line and column are right.
"""

from pathlib import Path

import pytest
import torch
from traced import fixtures, misjudged

from nanlint.cards import load_cards
from nanlint.testing import read_marks
from nanlint.trace.examples import file_name, of_file, trace_files
from nanlint.trace.results import Results

BLAME, BENIGN = fixtures("blame"), fixtures("benign")


@pytest.fixture(scope="module")
def traced(once) -> Results:
    """One child for all of them: loading torch takes longer than tracing."""
    return once("blame", lambda: trace_files(BLAME + BENIGN, load_cards()))


@pytest.mark.parametrize("path", BLAME, ids=lambda path: path.stem)
def test_culprit(path: Path, traced: Results) -> None:
    marked = read_marks(path.read_text(encoding="utf-8"))
    assert [mark for mark in marked.expectations if mark.code in {"NAN901", "NAN902"} and mark.text.count("`") >= 2]
    assert not misjudged(path, traced)


@pytest.mark.parametrize("path", BENIGN, ids=lambda path: path.stem)
def test_benign(path: Path, traced: Results) -> None:
    if path.stem == "arctangent" and not _masks_arctangent():
        pytest.skip(f"torch {torch.__version__} computes an infinite gradient there, and it arrives")
    assert not of_file(traced, file_name(path))


def _masks_arctangent() -> bool:
    x = torch.zeros(1, requires_grad=True)
    torch.atan2(torch.zeros(1), x).sum().backward()
    assert x.grad is not None
    return bool(torch.isfinite(x.grad).all())


def test_everything_was_traced(traced: Results) -> None:
    assert not traced.troubles
    assert len(traced.models) == len(BLAME + BENIGN)
