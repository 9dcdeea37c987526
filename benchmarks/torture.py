"""nanlint on everything that people write: `python benchmarks/torture.py FOLDER… [--generated]`.

Every file is linted by all rules down to the weakest evidence, in a process that may die or hang without ending the
run. The gate is left out and asked beside: a finding in a file that it would have kept from the analysis is a fault of
the gate. A crash, an internal error, a file beyond the time limit and a lost finding are printed, and make the exit
code 1.
"""

from __future__ import annotations

import json
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

LIMIT = 60.0  # seconds for one file


@dataclass
class Tally:
    """What became of the files of one folder."""

    name: str
    files: int = 0
    lines: int = 0
    findings: int = 0
    unread: int = 0
    given_up: int = 0
    behind_gate: int = 0
    seconds: float = 0.0
    slowest: tuple[float, str] = (0.0, "")
    megabytes: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, file: str, seen: dict[str, Any]) -> None:
        """One more file."""
        self.files += 1
        self.seconds += seen["seconds"]
        self.slowest = max(self.slowest, (seen["seconds"], file))
        if "fault" in seen:
            self.faults.append(seen["fault"])
            return
        self.lines += seen["lines"]
        self.findings += len(seen["codes"])
        self.unread += seen["codes"].count("NAN003")
        self.given_up += seen["codes"].count("NAN004")
        self.behind_gate += seen["gated"]
        self.megabytes = max(self.megabytes, seen["megabytes"])
        if lost := sorted({*seen["codes"]} - {"NAN003"}) if seen["gated"] else []:
            self.faults.append(f"{file}: the gate would lose {', '.join(lost)}")

    @property
    def row(self) -> str:
        """Its line of the table."""
        counts = (self.files, self.lines, self.behind_gate, self.findings, self.unread, self.given_up)
        return " | ".join(
            (f"| {self.name}", *(f"{count:,}" for count in counts), f"{self.seconds:.0f}", f"{self.slowest[0]:.1f}",
             f"{self.megabytes:.0f}", f"{len(self.faults)} |")
        )  # fmt: skip


HEAD = "| | files | lines | behind the gate | findings | not Python | given up | seconds | slowest | MB | faults |"


class Child:
    """A process of our own that lints the files it is told, one after the other."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", __file__, "--serve"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def lint(self, file: str, limit: float) -> dict[str, Any] | None:
        """What it says of a file; None if it does not say anything any more."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(file).encode() + b"\n")
        except BrokenPipeError:
            return None
        said = b""
        while not said.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], limit)[0]:
                return None
            part = self.process.stdout.read(1 << 16)
            if not part:
                return None
            said += part
        answer: dict[str, Any] = json.loads(said)
        return answer

    def end(self) -> int:
        """End it now; how it ended."""
        code = self.process.poll()
        with self.process:  # closes its pipes
            self.process.kill()
        return 0 if code is None else code


def torture(name: str, files: list[str], limit: float) -> Tally:
    """Lint the files; the process is replaced when one of them was its last."""
    tally, child = Tally(name), Child()
    for file in files:
        start = time.monotonic()
        seen = child.lint(file, limit)
        if seen is None:
            code = child.end()
            fault = f"{file}: more than {limit:.0f} s" if code == 0 else f"{file}: the process died ({code})"
            seen, child = {"fault": fault}, Child()
        tally.add(file, seen | {"seconds": time.monotonic() - start})
        if tally.files % 500 == 0:
            print(f"{name}: {tally.files} of {len(files)} files", file=sys.stderr, flush=True)
    child.end()
    return tally


def serve() -> None:
    """What the child does: a line of JSON for every name that it is given."""
    from nanlint import look
    from nanlint.cards import load_cards
    from nanlint.config import Settings
    from nanlint.diagnostic import Evidence
    from nanlint.engine import lint_file
    from nanlint.garbage import collect_after, no_collection
    from nanlint.gate import may_hold_findings

    kept: list[bool] = []

    def ask_and_go_on(data: bytes, words: tuple[str, ...] = ()) -> bool:
        kept.append(may_hold_findings(data, words))
        return True

    look.may_hold_findings = ask_and_go_on
    cards, settings = load_cards(), Settings(evidence=Evidence.UNKNOWN)
    with no_collection():
        for count, line in enumerate(sys.stdin.buffer, 1):
            kept.clear()
            result = lint_file(json.loads(line), cards, settings)
            said: dict[str, Any] = {
                "codes": [one.code for one in result.found],
                "lines": 0 if result.source is None else len(result.source.lines),
                "gated": kept[:1] == [False],
                "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
            if result.problem is not None:
                said["fault"] = result.problem
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
            collect_after(count)


def generated(folder: Path) -> list[str]:
    """Files of 5 MB, each large in a way of its own."""
    for name, text in _large():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return sorted(str(file) for file in folder.iterdir())


def _large(size: int = 5_000_000) -> Iterator[tuple[str, str]]:
    head = "import torch\nimport torch.nn.functional as F\n\n\n"
    shapes = {
        "functions": "def f{0}(x, y):\n    return torch.log(torch.softmax(x, -1)) / y.norm() + f{1}(x, y)\n\n\n",
        "methods": "    def m{0}(self, x):\n        self.a{0} = x.exp()\n        return self.a{1} / x.sum()\n\n",
        "classes": "class C{0}(torch.nn.Module):\n    def forward(self, x):\n        return torch.sqrt(x)\n\n\n",
        "statements": "x{0} = torch.log(x{1} / x{1}.sum())\n",
        "one-function": "    x = torch.where(x > {0}, x, x / {0})\n",
        "one-name": "x = x / (x.sum() + {0}e-12)\n",
        "branches": "    if c == {0}:\n        x = torch.log(x)\n",
        "dictionary": "    'key{0}': [torch.tensor({0}.0), 'value', {{'a': {0} / 7}}],\n",
        "numbers": "    {0}.25, -{0}e-30,\n",
        "strings": "s{0} = 'torch.log(0)' '\\x00\\u1234' f'{{s{1}!r:>{0}}}'\n",
        "comments": "# torch.log(0)  nanlint: ignore[NAN{0}] noqa: NAN{0}\n",
        "imports": "from package{0}.module import name{0} as other{1}\n",
        "decorators": "@decorate({0})\ndef g{0}(a, *b, c={0}, **d):\n    yield from (e / c for e in b if e)\n\n\n",
        "lambdas": "h{0} = lambda x, y={0}: [z / y for z in x if z > y]\n",
        "suppressions": "x{0} = torch.log(x.softmax(-1))  # nanlint: ignore[NAN102] because\n",
    }
    opened = {"methods": "class C:\n", "one-function": "def f(x):\n", "branches": "def f(x, c):\n"}
    closed = {"one-function": "    return x\n", "branches": "    return x\n", "dictionary": "}\n", "numbers": "]\n"}
    opened |= {"dictionary": "x = {\n", "numbers": "x = [\n"}
    for name, shape in shapes.items():
        count = size // len(shape.format(100_000, 100_000))
        body = "".join(shape.format(at, max(at - 1, 0)) for at in range(1, count))
        yield name, head + opened.get(name, "") + body + closed.get(name, "")
    yield "one-string", f'{head}x = """{"torch.log(0) " * (size // 13)}"""\n'
    yield "one-line", head + "; ".join(f"x{at} = torch.log(x{at - 1})" for at in range(1, size // 25)) + "\n"
    yield "blank", head + "\n" * size
    yield "open", head + "x = torch.log(" + "[(" * (size // 2)


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--generated", "large", is_flag=True, help="Also files of 5 MB, made for this.")
@click.option("--limit", default=LIMIT, help="The seconds that one file may take.")
@click.option("--serve", "serving", is_flag=True, hidden=True)
def main(folders: tuple[Path, ...], large: bool, limit: float, serving: bool) -> None:
    """Print a table in Markdown, and each fault."""
    if serving:
        serve()
        return
    faults: list[str] = []
    print(HEAD)
    print("|--|" + "--:|" * 10)
    with tempfile.TemporaryDirectory() as temporary:
        work = {folder.name: sorted(map(str, _files(folder.resolve()))) for folder in folders}
        if large:
            work["generated, 5 MB each"] = generated(Path(temporary))
        for name, files in work.items():
            tally = torture(name, files, limit)
            print(tally.row, flush=True)
            print(f"{name}: slowest was {tally.slowest[1]}", *tally.faults, sep="\n", file=sys.stderr, flush=True)
            faults += tally.faults
    sys.exit(1 if faults else 0)


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.suffix in {".py", ".ipynb"} and file.is_file())


if __name__ == "__main__":
    main()
