"""How much memory `nanlint trace` needs for a transformer whose parameters are larger.

    python benchmarks/trace_memory.py [--depth 64] [--width 1536] [--memory 1024]

Traces the model below, 6.8 GiB of float32 as it stands, on one row of 64 words, and prints the peak of the process
above that of a bare interpreter. It takes some ten minutes.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

VOCABULARY = 8192
DEPTH, WIDTH = int(os.environ.get("DEPTH", "64")), int(os.environ.get("WIDTH", "1536"))


class Block(nn.Module):
    """Attention and two layers, each behind a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = (one.view(batch, length, 16, -1).transpose(1, 2) for one in self.qkv(self.norm1(x)).split(WIDTH, 2))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    """The usual transformer, with the weights of its words tied."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(256, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.head.weight = self.words.weight
        self.apply(self._init)

    def _init(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)

    def forward(self, ids):
        x = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def main() -> None:
    """Read the arguments, trace this file, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", default="64")
    parser.add_argument("--width", default="1536")
    parser.add_argument("--memory", default="1024", help="what the process may use, in MiB")
    options = parser.parse_args()
    bare = _peak([sys.executable, "-c", ""])
    command = [
        sys.executable, "-m", "nanlint", "trace", "--isolated", f"{__file__}:Gpt",
        "--input", f"1,64:int64:{VOCABULARY}", "--memory", options.memory, "--budget", "3000",
        "--seeds", "1", "--no-table",
    ]  # fmt: skip
    start = time.monotonic()
    peak = _peak(command, DEPTH=options.depth, WIDTH=options.width)
    print(f"peak {peak - bare:.0f} MiB above a bare interpreter ({bare:.0f} MiB), {time.monotonic() - start:.0f} s")


def _peak(command: list[str], **environment: str) -> float:
    """Runs a command; the highest peak of all processes that have ended, in MiB."""
    subprocess.run(command, env=os.environ | environment, check=False)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    main()
