"""The page of `--report`, in a real browser: everything that it should show is painted, and nothing sticks out."""

import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no browser here")

# sizes of the window, and what the page's style calls them
WIDTH, HEIGHT = 1040, 2000
COLOURS = {"activation": (0x25, 0x63, 0xEB), "gradient": (0xD9, 0x77, 0x06), "trouble": (0xC8, 0x1E, 0x3A)}

NET = """\
import torch
from torch import nn


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(64, 64) for _ in range(16))
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=0.06)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return x
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "deep.py").write_text(NET)
    command = [sys.executable, "-m", "nanlint", "trace", "--isolated", "deep.py", "--report", "out.html", "--no-table"]
    assert subprocess.run(command, cwd=folder, capture_output=True, timeout=120).returncode == 1
    return folder / "out.html"


def _shot(page: Path, width: int) -> np.ndarray:
    picture = page.with_name(f"{width}.png")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{HEIGHT}",
        f"--user-data-dir={page.parent / 'profile'}", f"--screenshot={picture}", page.as_uri(),
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    return _pixels(picture.read_bytes())


def test_everything_is_painted(page: Path) -> None:
    pixels = _shot(page, WIDTH)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert _count(pixels, "activation") > 400  # a curve, and the bars, which are paler
    assert _count(pixels, "gradient") > 400
    assert _count(pixels, "trouble") > 400
    # two large plots below each other: the blue curve is in both
    rows = np.flatnonzero((pixels == COLOURS["activation"]).all(-1).any(-1))
    assert rows.max() - rows.min() > 300


@pytest.mark.parametrize("width", [WIDTH, 500])
def test_nothing_sticks_out(page: Path, width: int) -> None:
    edges = _shot(page, width)[:, [0, 4, width - 5, width - 1]]
    assert (edges == edges[0, 0]).all()


def test_it_says_what_it_shows(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("<figure>") == 2
    assert "with the repair that is offered" in text
    assert "The worst layers, and a healthy one" in text
    assert text.count("<h5>") == 4
    assert text.count('class="small"') == 8
    assert text.count("exploding above") == 0


def _count(pixels: np.ndarray, name: str) -> int:
    return int((np.abs(pixels.astype(int) - COLOURS[name]).sum(-1) < 40).sum())


def _pixels(data: bytes) -> np.ndarray:
    """The picture in a PNG of eight bits and three or four channels, as browsers write it."""
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    depth, channels = data[24], {2: 3, 6: 4}[data[25]]
    assert depth == 8
    packed, at = b"", 8
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        packed += data[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    picture = np.zeros((height, width, channels), np.uint8)
    for row, line in enumerate(lines):
        kind, values = line[0], line[1:].reshape(width, channels)
        above = picture[row - 1] if row else np.zeros_like(values)
        picture[row] = _unfiltered(kind, values, above)
    return picture[:, :, :3]


def _unfiltered(kind: int, values: np.ndarray, above: np.ndarray) -> np.ndarray:
    """One line of a PNG: every pixel is stored as its difference from its neighbours."""
    if kind == 0:
        return values
    if kind == 1:
        return np.cumsum(values, axis=0, dtype=np.uint8)
    if kind == 2:
        return values + above
    line = np.zeros_like(values)
    left = corner = np.zeros(values.shape[1], int)
    for at, value in enumerate(values.astype(int)):
        over = above[at].astype(int)
        if kind == 3:
            guess = (left + over) // 2
        else:
            p = left + over - corner
            a, b, c = abs(p - left), abs(p - over), abs(p - corner)
            guess = np.where((a <= b) & (a <= c), left, np.where(b <= c, over, corner))
        left = (value + guess) % 256
        line[at] = left
        corner = over
    return line
