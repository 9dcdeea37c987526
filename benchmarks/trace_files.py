"""What `nanlint trace` makes of files that others wrote.

    python benchmarks/trace_files.py FOLDER [--each 4] [--others] [--out found.json]

Every folder in FOLDER is a repository. From each some files with models are taken, spread evenly over its list, and
every class in them that defines a `forward` is asked for by name: how many can be built and run, what is found, and
did a process die. `--others` takes the files halfway between those: what was made better with one half is measured on
the other. With `--out` all findings and all reasons are written, to be read.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nanlint.cards import load_cards
from nanlint.config import Settings
from nanlint.trace.protocol import Job, Options, Target
from nanlint.trace.results import Results, collect
from nanlint.trace.session import events

# one seed: what is asked is whether a model runs, and most are built from guesses
_OPTIONS = Options(seeds=1, batch=8, budget=60.0)
_DIED = re.compile(r"the process|took longer|closed its connection")
_REASONS = {
    "a package is missing": re.compile(r"ModuleNotFoundError|is not defined|ImportError"),
    "a base class": re.compile(r"is abstract|NotImplementedError"),
    "something to download": re.compile(r"huggingface\.co|urlopen|\.cache/|socket"),
    "no constructor arguments": re.compile(r"nothing says what to pass|cannot build"),
    "no input": re.compile(r"found no input"),
    "too slow, or died": _DIED,
}


@dataclass
class Repository:
    """The counts of one."""

    name: str
    files: int
    classes: int
    results: Results
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def run(self) -> int:
        """Classes that were built and run."""
        return len(self.results.models)


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=4, help="files of one repository")
    parser.add_argument("--others", action="store_true", help="take the files in between")
    parser.add_argument("--out", type=Path, help="where to write what was found")
    options = parser.parse_args()
    print(f"{'repository':40} {'files':>5} {'classes':>7} {'run':>5} {'guessed':>7} {'findings':>8} {'died':>5}")
    done = []
    for repository in _repositories(options.folder, options.each, others=options.others):
        print(_line(repository), flush=True)
        done.append(repository)
        if options.out is not None:
            options.out.write_text(json.dumps([_entry(one) for one in done], indent=1), encoding="utf-8")
    files, classes = sum(one.files for one in done), sum(one.classes for one in done)
    run = sum(one.run for one in done)
    print(f"{len(done)} repositories, {files} files: {run} of {classes} classes run ({run / max(classes, 1):.0%})")
    print(
        *sum((Counter(_kind(model.how) for model in one.results.models) for one in done), Counter()).most_common(),
        sep="\n",
    )
    print("not run:")
    print(*sum((one.reasons for one in done), Counter()).most_common(), sep="\n")


def _repositories(folder: Path, each: int, *, others: bool) -> Iterator[Repository]:
    for place in sorted(folder.iterdir()):
        known = {file: found for file in sorted(place.rglob("*.py")) if (found := list(_classes(file)))}
        files = list(known)
        if len(files) > each:
            chosen = [files[(2 * at + others) * len(files) // (2 * each)] for at in range(each)]
        else:  # there are none in between
            chosen = [] if others else files
        if not chosen:
            continue
        targets = [
            Target(f"{file}:{name}", str(file), name=name, named=True) for file in chosen for name in known[file]
        ]
        job = Job(tuple(targets), _OPTIONS, (str(place),), str(place))
        made = Repository(place.name, len(chosen), len(targets), collect(events(job), job, load_cards(), Settings()))
        made.reasons.update(_reason(one.text) for one in made.results.troubles)
        yield made


def _classes(file: Path) -> Iterator[str]:
    """Models that say what they compute."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef) and any("Module" in ast.unparse(base) for base in statement.bases):
            forward = next((one for one in statement.body if getattr(one, "name", "") == "forward"), None)
            if forward is not None and "NotImplementedError" not in ast.unparse(forward):
                yield statement.name


def _reason(text: str) -> str:
    return next((reason for reason, said in _REASONS.items() if said.search(text)), "other")


def _kind(how: str) -> str:
    """How a model was built, without the names."""
    return re.sub(r"`.*`", "…", how) or "as it is"


def _line(one: Repository) -> str:
    guessed = sum(model.guessed for model in one.results.models)
    found = sum(map(len, one.results.found.values()))
    died = sum(_DIED.search(trouble.text) is not None for trouble in one.results.troubles)
    return f"{one.name:40} {one.files:5} {one.classes:7} {one.run:5} {guessed:7} {found:8} {died:5}"


def _entry(one: Repository) -> dict[str, object]:
    found = [each for several in one.results.found.values() for each in several]
    return {
        "repository": one.name,
        "findings": [
            f"{each.filename}:{each.span.start_line} {each.code} {each.severity} {each.message}" for each in found
        ],
        "how": Counter(model.how or "as it is" for model in one.results.models),
        "troubles": [trouble.text for trouble in one.results.troubles],
    }


if __name__ == "__main__":
    main()
