"""Which torch a project runs on, and what that changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nanlint.cards import load_cards
from nanlint.config import ConfigError, Settings, load_settings
from nanlint.engine import lint_source
from nanlint.requirements import oldest_torch, parse_version
from nanlint.source import Source

CLAMPED = "import torch\n\n\ndef f(x):\n    return x.clamp(min=0).sqrt()\n"
SQUASHED = "import torch\n\n\ndef f(x):\n    return x.relu().sqrt()\n"


@pytest.mark.parametrize(
    ("text", "version"),
    [("2.15", (2, 15)), (" 2.4.1", (2, 4)), ("2.0.0a0+git", (2, 0)), ("2", None), ("new", None), ("", None)],
)
def test_versions(text: str, version: tuple[int, int] | None) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("torch>=2.15", (2, 15)),
        ("torch == 2.13.0", (2, 13)),
        ("torch~=2.4", (2, 4)),
        ("torch[opt] >=1.13 ; python_version > '3.8'", (1, 13)),
        ("torch<3,>=2.1", (2, 1)),
        ("torch", None),
        ("torch<2.0", None),
        ("torchvision>=0.15", None),
        ("# torch>=2.15", None),
        ("numpy>=2.0", None),
    ],
)
def test_requirements(tmp_path: Path, line: str, version: tuple[int, int] | None) -> None:
    (tmp_path / "requirements.txt").write_text(f"click>=8.0\n{line}\n", encoding="utf-8")
    assert oldest_torch(tmp_path) == version
    assert load_settings(tmp_path).target_torch == version


def test_dependencies_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["torch>=2.15"]\n', encoding="utf-8")
    (tmp_path / "pkg").mkdir()
    assert oldest_torch(tmp_path / "pkg") == (2, 15)
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = 3\n", encoding="utf-8")
    assert oldest_torch(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[project", encoding="utf-8")
    assert oldest_torch(tmp_path) is None


def test_the_settings_come_first(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch>=2.15\n", encoding="utf-8")
    (tmp_path / "nanlint.toml").write_text('target-torch = "2.4"\n', encoding="utf-8")
    assert load_settings(tmp_path).target_torch == (2, 4)
    (tmp_path / "nanlint.toml").write_text("target-torch = 2.4\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r'`target-torch` must be a version like "2.4"'):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [(CLAMPED, None, 1), (CLAMPED, (2, 13), 1), (CLAMPED, (2, 15), 0), (CLAMPED, (3, 0), 0), (SQUASHED, (2, 15), 1)],
)
def test_the_gradient_of_a_clamp(text: str, target: tuple[int, int] | None, expected: int) -> None:
    assert len(lint_source(Source("a.py", text), load_cards(), Settings(target_torch=target))) == expected


MASKED = """
import torch
import torch.nn.functional as F

def attend(q, k, v, pad):
    bias = torch.zeros_like(pad, dtype=q.dtype).masked_fill(pad, float("-inf"))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)

def causal(q, k, v):
    mask = torch.ones(4, 4).tril().bool()
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
"""


@pytest.mark.parametrize(("target", "expected"), [(None, []), ((2, 4), [7]), ((2, 5), [])])
def test_attention_without_keys(target: tuple[int, int] | None, expected: list[int]) -> None:
    """Since torch 2.5 a query without keys gets 0; before, NaN."""
    found = lint_source(Source("a.py", MASKED), load_cards(), Settings(target_torch=target))
    assert [one.span.start_line for one in found] == expected
