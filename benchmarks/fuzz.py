"""A million inputs that nobody would write: `python -m benchmarks.fuzz [--count N] [--kind KIND]… [--real FOLDER]`.

Input `n` of a kind is drawn from a generator that `seed`, kind and `n` settle, so each can be made again:
`--only soup:4711`. It goes through the same functions that the command calls, in a process that may die. What must
never happen: an exception that is not a message to the user, an internal error, a finding outside of the text, a repair
that breaks a program, a report that cannot be written, more than ten seconds. Each fault is printed once.

With `--atheris` the choices come from bytes that atheris mutates in search of new lines of nanlint
(`pip install atheris`).
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

import click

from benchmarks.inputs import KINDS, pieces
from nanlint import plan
from nanlint.cards import Card, CardError, load_cards, read_card
from nanlint.config import ConfigError, Configuration, Settings
from nanlint.diagnostic import Diagnostic, Evidence
from nanlint.engine import FileResult, Repair, lint_bytes
from nanlint.fix import Applicability
from nanlint.formats import FORMATS
from nanlint.garbage import collect_after, no_collection
from nanlint.output import Output
from nanlint.plan import plan_run
from nanlint.reading import decode
from nanlint.report.style import Style
from nanlint.source import Source

SLOW = 10.0  # seconds for one input, on a busy machine
EVERY = 100  # inputs of one kind, before the next

_EVERYTHING = Repair(frozenset({Applicability.SAFE, Applicability.UNSAFE}), write=False)
_REPAIRS = (None, _EVERYTHING, _EVERYTHING, Repair(write=False, silence="because"))
_SETTINGS = (
    Settings(),
    Settings(evidence=Evidence.UNKNOWN),
    Settings(evidence=Evidence.UNKNOWN, epsilon=1e-300, assume_positive=("x*",), safe_functions=("f",)),
    Settings(evidence=Evidence.UNKNOWN, target_torch=(1, 0)),
)
# what is said where the text itself is not too deep, and Python gave up all the same
_ENDLESS = "too deeply nested to analyse"
# what a card's own operations may meet
_CALLS = (
    b"import torch, a\nfrom torch import foo\n\n\ndef f(x, y):\n    z = torch.softmax(x, -1)\n"
    b"    return torch.foo(z, y) + a.b(z, z - z) + torch.log(z) + foo(y, 0) + x / y.norm()\n"
)


class FaultError(Exception):
    """What must never happen."""


def judge(kind: str, data: bytes, random: Random) -> None:
    """See what nanlint does with an input.

    Raises:
        FaultError: something that it must not do; any other exception is one as well.
    """
    _JUDGES[kind](data, random)


def _lint(data: bytes, name: str, random: Random, own: Settings | None = None) -> None:
    settings = random.choice(_SETTINGS) if own is None else own
    _check(data, lint_bytes(data, name, _cards(), settings, random.choice(_REPAIRS)), random)


def _check(data: bytes, result: FileResult, random: Random) -> None:
    if result.problem is not None and "cannot be written in" not in result.problem:
        raise FaultError(result.problem)
    if result.source is not None:
        for one in result.found:
            _check_place(one, result.source)
            if one.message == _ENDLESS and _compiles(result.source.text):
                raise FaultError("endless recursion")
        if result.changed:
            _check_repaired(data, result)
    if result.found and random.random() < 0.1:
        form = random.choice(tuple(FORMATS))
        output = Output([result], _cards(), diff=random.random() < 0.2)
        "\n".join(output.lines(form, Style(colour=random.random() < 0.5))).encode(errors="backslashreplace")


def _check_place(one: Diagnostic, source: Source) -> None:
    start, end = one.span[:2], one.span[2:]
    lines = max(len(source.lines), 1)
    inside = 1 <= start[0] <= end[0] <= lines and start[1] >= 1 and start <= end
    if not inside or start[1] > len(source.line_text(start[0])) + 1:
        raise FaultError(f"{one.code} stands outside of the text: {tuple(one.span)}")


def _check_repaired(data: bytes, result: FileResult) -> None:
    assert result.source is not None
    written = result.source.encode(result.source.text)
    again = decode(written, result.filename)
    if again.text != result.source.text:
        raise FaultError("a repaired file reads differently")
    if _compiles(decode(data, result.filename).text) and not _compiles(again.text):
        raise FaultError("a repair broke a program")


def _compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "a.py", "exec", ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _settings(data: bytes, random: Random) -> None:
    file = _folder() / "nanlint.toml"
    file.write_bytes(data)
    plan.load_cards = lambda extra=(): load_cards(extra) if extra else _cards()  # type: ignore[attr-defined]
    try:
        planned = plan_run([str(_folder() / "project")], Configuration(file=file))
    except (ConfigError, CardError) as error:
        _check_message(error)
        return
    for name, settings, _ in planned.files[:1]:
        _lint(Path(name).read_bytes(), name, random, settings)


def _card(data: bytes, random: Random) -> None:
    file = _folder() / "NAN990-made-up.md"
    file.write_bytes(data)
    try:
        card = read_card(file)
    except CardError as error:
        _check_message(error)
        return
    for question in ("summary", "fixable", "sections", "examples"):
        getattr(card, question)
    result = lint_bytes(_CALLS, "a.py", (*_cards(), card), Settings(evidence=Evidence.UNKNOWN), random.choice(_REPAIRS))
    _check(_CALLS, result, random)


def _check_message(error: Exception) -> None:
    if "\n" in str(error) or not str(error):
        raise FaultError(f"not one line: {error}")


_JUDGES: dict[str, Callable[[bytes, Random], None]] = {
    "program": lambda data, random: _lint(data, "a.py", random),
    "soup": lambda data, random: _lint(data, "a.py", random),
    "notebook": lambda data, random: _lint(data, "a.ipynb", random),
    "settings": _settings,
    "card": _card,
}


@cache
def _cards() -> tuple[Card, ...]:
    return load_cards()


@cache
def _folder() -> Path:
    """A folder for files, with a small project in it."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for name in ("project/a.py", "project/tests/b.py", "project/build/c.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(_CALLS)
    return folder


def drawn(kind: str, number: int, seed: int, real: Sequence[str]) -> tuple[bytes, Random]:
    """An input, and the choices that are left for judging it."""
    random = Random(f"{seed}/{kind}/{number}")
    return KINDS[kind](random, real), random


def described(error: BaseException) -> str:
    """A fault in one line, the same for all inputs that lead to it."""
    if isinstance(error, FaultError):
        return re.sub(r"\s+", " ", str(error))[:300]
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-3:]))
    return f"{type(error).__name__} at {where}: {str(error)[:200]}"


class Campaign:
    """Inputs of several kinds, one after the other."""

    def __init__(self, seed: int, real: Sequence[str], found: Path | None, mark: Callable[[str], None]) -> None:
        self._seed = seed
        self._real = real
        self._found = found
        self._mark = mark
        self._known: set[str] = set()
        self.faults = 0

    def run(self, kind: str, numbers: range) -> None:
        """These inputs of one kind."""
        for number in numbers:
            self._mark(f"{kind}:{number}")
            data, random = drawn(kind, number, self._seed, self._real)
            start = time.monotonic()
            try:
                judge(kind, data, random)
                if (taken := time.monotonic() - start) > SLOW:
                    raise FaultError(f"more than {SLOW:.0f} seconds: {taken:.0f}")  # noqa: TRY301
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # (a panic of the parser is no Exception)
                self._note(f"{kind}:{number}", data, error)

    def _note(self, name: str, data: bytes, error: BaseException) -> None:
        said = described(error)
        self.faults += 1
        if (known := re.sub(r"\d+", "0", said[:90])) in self._known:
            return
        self._known.add(known)
        print(f"{name}: {said}", flush=True)
        if self._found is not None:
            self._found.mkdir(exist_ok=True)
            (self._found / name.replace(":", "-")).write_bytes(data)


def serve(numbers: range, kinds: Sequence[str], seed: int, real: Sequence[str], found: Path | None, marks: Path) -> int:
    """The inputs of one process; how many faults there were. `marks` says which input it is at."""
    with marks.open("wb", buffering=0) as file, no_collection():
        descriptor = file.fileno()
        campaign = Campaign(seed, real, found, lambda name: os.pwrite(descriptor, name.ljust(40).encode(), 0) and None)
        for turn, start in enumerate(range(numbers.start, numbers.stop, EVERY), 1):
            for kind in kinds:
                campaign.run(kind, range(start, min(start + EVERY, numbers.stop)))
            collect_after(turn * EVERY)
    return campaign.faults


@click.command()
@click.option("--count", default=1000, help="How many inputs of each kind.")
@click.option("--first", default=0, help="The number of the first.")
@click.option("--seed", default=1)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Of which kinds; else all.")
@click.option("--real", type=click.Path(exists=True, path_type=Path), help="A folder of files to change.")
@click.option("--found", type=click.Path(path_type=Path), help="A folder for inputs that end in faults.")
@click.option("--only", help="Show one input, like soup:4711, and what comes of it.")
@click.option("--atheris", "guided", is_flag=True, help="Let atheris search; the rest goes to it.")
@click.option("--serve", "marks", type=click.Path(path_type=Path), hidden=True)
@click.argument("rest", nargs=-1)
def main(
    count: int, first: int, seed: int, kinds: tuple[str, ...], real: Path | None, found: Path | None, only: str | None,
    guided: bool, marks: Path | None, rest: tuple[str, ...],
) -> None:  # fmt: skip
    """Print each fault once, and how many inputs there were."""
    kinds, chosen = kinds or tuple(KINDS), [f"--seed={seed}"]
    chosen += [f"--{name}={path}" for name, path in (("real", real), ("found", found)) if path]
    numbers = range(first, first + count)
    if only:
        kind, _, number = only.partition(":")
        data, random = drawn(kind, int(number), seed, pieces(real))
        print(data)
        judge(kind, data, random)
    elif guided:
        _search(kinds, pieces(real), rest)
    elif marks:
        os._exit(1 if serve(numbers, kinds, seed, pieces(real), found, marks) else 0)
    else:
        sys.exit(_supervise(numbers, kinds, chosen))


def _supervise(numbers: range, kinds: Sequence[str], chosen: Sequence[str]) -> int:
    """Run the inputs in processes of their own: whichever dies or hangs is followed by one that goes on behind."""
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        marks = Path(folder) / "at"
        start = time.monotonic()
        for kind in kinds:
            at = numbers.start
            while at < numbers.stop:
                words = [*chosen, f"--first={at}", f"--count={numbers.stop - at}", f"--kind={kind}"]
                process = subprocess.Popen([sys.executable, "-m", "benchmarks.fuzz", *words, f"--serve={marks}"])
                code = _watched(process, marks)
                if code in (0, 1):
                    failed |= code == 1
                    break
                failed = True
                last = marks.read_text().strip()
                print(f"{last}: the process {'hung' if code is None else f'died ({code})'}", flush=True)
                at = int(last.partition(":")[2]) + 1
            print(f"{kind}: {len(numbers):,} inputs, {time.monotonic() - start:.0f} s", flush=True)
    return int(failed)


def _watched(process: subprocess.Popen[bytes], marks: Path) -> int | None:
    """How a process ended; None if it stayed at one input for longer than any takes."""
    last, since = b"", time.monotonic()
    while process.poll() is None:
        threading.Event().wait(0.5)
        now = marks.read_bytes() if marks.exists() else b""
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > 10 * SLOW:
            process.kill()
            process.wait()
            return None
    return process.returncode


class Choices(Random):
    """A `Random` whose choices are read from bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._at = 0

    def getrandbits(self, k: int) -> int:
        """The next bits; zeros behind the end."""
        count = (k + 7) // 8
        part = self._data[self._at : self._at + count]
        self._at += count
        return int.from_bytes(part.ljust(count, b"\0"), "little") & ((1 << k) - 1)

    def random(self) -> float:
        """The next number from 0 to 1."""
        return self.getrandbits(16) / 65536


def _search(kinds: Sequence[str], real: Sequence[str], rest: Sequence[str]) -> None:
    import atheris  # type: ignore[import-not-found]

    def one(data: bytes) -> None:
        random = Choices(data)
        kind = random.choice(kinds)
        judge(kind, KINDS[kind](random, real), random)

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *rest], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
