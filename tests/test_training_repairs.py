"""Repairs of training loops: lines that are added or moved, and when they are rather not."""

import textwrap

import pytest

from nanlint.fix import apply_fixes
from nanlint.source import Source
from nanlint.testing import Lint

HEAD = "from torch.nn.utils import clip_grad_norm_\n\n\ndef step(model, other, optimizer, scaler, schedule, loss):\n"


def _repaired(lint: Lint, body: str, newline: str = "\n") -> str:
    code = HEAD + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"
    source = Source("t.py", code.replace("\n", newline))
    text, _ = apply_fixes(source, [one.fix for one in lint(source) if one.fix is not None])
    assert text.startswith(HEAD.replace("\n", newline))
    return textwrap.dedent(text[len(HEAD.replace("\n", newline)) :])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_unscale_is_added_once(lint: Lint, newline: str) -> None:
    body = """
        scaler.scale(loss).backward()
        clip_grad_norm_(model.parameters(), 1.0)  # the first
        norm = clip_grad_norm_(other.parameters(), 1.0)
        scaler.step(optimizer)
    """
    repaired = _repaired(lint, body, newline)
    assert repaired.count("scaler.unscale_(optimizer)" + newline + "clip_grad_norm_(model") == 1
    assert repaired.count("unscale_") == 1


@pytest.mark.parametrize(
    "body",
    [
        """
        scaler.scale(loss).backward()
        clip_grad_norm_(model.parameters(), 1.0)
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        """,
        """
        for each in loss:
            scaler.scale(each).backward()
            clip_grad_norm_(model.parameters(), 1.0)
            if schedule:
                scaler.step(optimizer)
        """,
        """
        scaler.scale(loss).backward()
        if schedule: clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        """,
        """
        loss.backward()
        optimizer.step()
        lr = schedule.step()
        clip_grad_norm_(model.parameters(), 1.0)
        """,
    ],
)
def test_nothing_is_added_or_moved_where_it_is_doubtful(lint: Lint, body: str) -> None:
    assert _repaired(lint, body) == textwrap.dedent(body).strip() + "\n"


def test_what_stands_between_keeps_its_order(lint: Lint) -> None:
    body = """
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        clip_grad_norm_(model.parameters(), 1.0)
    """
    lines = ["loss.backward()", "clip_grad_norm_(model.parameters(), 1.0)", "optimizer.step()", "schedule.step()"]
    assert _repaired(lint, body).splitlines() == [*lines, "optimizer.zero_grad()"]
