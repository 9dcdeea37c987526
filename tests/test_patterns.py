"""Patterns meet lines of a megabyte, written to make them slow: the time of each grows with the line and no faster."""

import importlib
import pkgutil
import re
import sys
import time
from pathlib import Path

import pytest

import nanlint
from nanlint.checks import accumulation, initial_weights, learning_rates

LINE = 10_000
LIMIT = 0.15  # seconds; each of those that grew with the square took more
ANYWHERE = [*" \t'\"([{#%/_0aé", "a.", "a=", "a ", "a, ", "# ", "\\\n"]


def patterns():
    """Every pattern that stands at the top of a module."""
    found = {}
    for info in pkgutil.walk_packages(nanlint.__path__, "nanlint."):
        if info.name.startswith(("nanlint.trace", "nanlint.server", "nanlint.__main__", "nanlint.cluster")):
            continue
        for name, value in vars(importlib.import_module(info.name)).items():
            if isinstance(value, re.Pattern):
                found.setdefault(value, f"{info.name}.{name}")
    return {name: pattern for pattern, name in found.items()}


def is_only_matched(name):
    """Is a pattern only asked about the beginning of a text, wherever it is used?"""
    used = re.compile(rf"\b{name.rpartition('.')[2]}\.(\w+)")
    ways = set(used.findall(Path(sys.modules[name.rpartition(".")[0]].__file__).read_text(encoding="utf-8")))
    return bool(ways) and ways <= {"match", "fullmatch"}


def words_of(pattern):
    """The words that a pattern speaks of, each of which may be where it begins to look."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode()
    return sorted({*re.findall(r"[A-Za-z_]{2,}", text)})


def seconds(search, text):
    """Of processor time; the least of three, unless the first is good enough."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        search(text)
        taken.append(time.process_time() - start)
        if taken[-1] < LIMIT:
            break
    return min(taken)


@pytest.mark.parametrize(("name", "pattern"), patterns().items(), ids=patterns())
def test_no_line_makes_a_pattern_slow(name, pattern):
    search = pattern.match if is_only_matched(name) else lambda text: sum(1 for _ in pattern.finditer(text))
    for word in (*words_of(pattern), *ANYWHERE):
        text = word * (LINE // len(word))
        taken = seconds(search, text if isinstance(pattern.pattern, str) else text.encode())
        assert taken < LIMIT, word


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        (accumulation._LOOKED_AFTER, "zero"),
        (accumulation._LOOKED_AFTER, "grad"),
        (learning_rates._SET_ELSEWHERE, "get_"),
        (learning_rates._SET_ELSEWHERE, "adjust_"),
        (initial_weights._CONSTANT, "nit"),
        (initial_weights._CONSTANT, "nit="),
        (initial_weights._CONSTANT, "zeros_(aaaa."),
        (initial_weights._CONSTANT, "zeros_(" + "a" * 1_000_000),
        (initial_weights._PLAIN, "nit"),
    ],
)
def test_a_line_of_a_megabyte(pattern, word):
    start = time.process_time()
    pattern.findall(word * (1_000_000 // len(word) or 1))
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (accumulation._LOOKED_AFTER, "zero_all_the_grads"),
        (accumulation._LOOKED_AFTER, "zerograd"),
        (accumulation._LOOKED_AFTER, "gradients_to_none"),
        (learning_rates._SET_ELSEWHERE, "get_linear_schedule_with_warmup"),
        (learning_rates._SET_ELSEWHERE, "make_scheduler"),
        (learning_rates._SET_ELSEWHERE, "adjust_my_lr"),
        (initial_weights._CONSTANT, "init.zeros_(self.weight)"),
        (initial_weights._CONSTANT, "kernel_init=nn.initializers.zeros"),
        (initial_weights._PLAIN, "initializers.normal()"),
    ],
)
def test_what_is_bounded_is_still_found(pattern, text):
    assert pattern.search(text)


@pytest.mark.parametrize("text", ["zeros_(self.bias)", "constant_(m.norm)", "ones_(bn)"])
def test_biases_and_norms_may_be_constant(text):
    assert not initial_weights._CONSTANT.search(text)
