"""What benchmarks/proof.py found, for people: docs/proof.md, its picture, and the table in README.md."""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import zoo
from blame import Blame
from cases import Case, Twin

from nanlint.fix import Applicability

POINTS = 30  # of a curve in the picture

_COLUMNS = ("program", "model", "fails", "found at", "fixed by", "trains to", "a run-time check blames", "agrees")
_IN_README = ("program", "fails", "found at", "fixed by", "trains to")
_BEGIN, _END = "<!-- proof -->\n", "<!-- end -->"


def write(cases: Sequence[Case], twins: Sequence[Twin], root: Path) -> None:
    """The page, the picture, and the table on the front page."""
    (root / "docs" / "proof.md").write_text(page(cases, twins), encoding="utf-8")
    picture(cases, root / "docs" / "proof.svg")
    readme = root / "README.md"
    before, begin, rest = readme.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{readme} has no place for the table between {_BEGIN.strip()} and {_END}")
    readme.write_text(f"{before}{begin}{front(cases, twins)}{end}{after}", encoding="utf-8")


def front(cases: Sequence[Case], twins: Sequence[Twin]) -> str:
    """What the front page says: the numbers, and the table without what is for a closer look."""
    rows = table(cases, _IN_README).replace("](../", "](")
    numbers = textwrap.fill(summary(cases, twins), 120)
    return f"{numbers}\n\n<details>\n<summary>All of them</summary>\n\n{rows}\n\n</details>\n"


def table(cases: Sequence[Case], columns: Sequence[str] = _COLUMNS) -> str:
    """One row per program."""
    head = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return "\n".join([*head, *(row(case, columns) for case in cases)])


def row(case: Case, columns: Sequence[str] = _COLUMNS) -> str:
    """What was found out about one program."""
    program, before = case.program, case.before
    fails = f"{before.verdict}, step {before.step}" if isinstance(before, zoo.Outcome) else before
    found = "<br>".join(dict.fromkeys(f"{one.span.start_line}: {one.code}" for one in case.found))
    fixes = [one.fix.message for one in case.found if one.fix and one.fix.applicability is not Applicability.DISPLAY]
    trains = case.after if isinstance(case.after, str) else case.after.verdict
    if isinstance(case.after, zoo.Outcome) and case.trains:
        trains = "{:.3g} → {:.3g}".format(*case.after.ends)
    blamed, agrees = _blamed(case)
    cells = {
        "program": f"[{program.name}](../tests/fixtures/zoo/{program.path.name})",
        "model": program.head["model"],
        "fails": fails,
        "found at": found,
        "fixed by": "<br>".join(dict.fromkeys(fixes)) or "–",
        "trains to": trains,
        "a run-time check blames": blamed,
        "agrees": agrees,
    }
    return f"| {' | '.join(cells[column] for column in columns)} |"


def _blamed(case: Case) -> tuple[str, str]:
    if case.blame is None:
        return "nothing: every number is finite", "–"
    if isinstance(case.blame, str):
        return case.blame, "–"
    phase = {"backward": ", backward", "step": ", in the optimiser"}.get(case.blame.phase, "")
    return f"{case.blame.line}: `{case.blame.operation}`{phase}", "yes" if case.agrees else "no"


def remarks(cases: Sequence[Case]) -> str:
    """What the heads explain, and what was repaired."""
    lines = []
    for case in cases:
        head, program = case.program.head, case.program
        lines += ["<details>", f"<summary>{program.name}: {program.title}</summary>", "", f"Cause: {head['cause']}."]
        for key, label in (("far", "Far from its cause"), ("note", "The line that nanlint names"), ("cure", "Repair")):
            if key in head:
                lines.append(f"{label}: {head[key]}.")
        old, new = program.path.read_text(encoding="utf-8").splitlines(), case.repaired.splitlines()
        changed = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:3] not in ("---", "+++")]
        lines += ["", "```diff", *changed, "```", "", "</details>", ""] if changed else ["", "</details>", ""]
    return "\n".join(lines)


def summary(cases: Sequence[Case], twins: Sequence[Twin]) -> str:
    """The numbers in one paragraph."""
    loud = [case for case in cases if isinstance(case.blame, Blame)]
    return (
        f"{len(cases)} programs; {sum(case.fails for case in cases)} fail as they say they do, "
        f"in {sum(not case.unexpected for case in cases)} nanlint reports exactly what is marked, and "
        f"{sum(case.trains for case in cases)} train after its repairs alone. A run-time check blames something in "
        f"{len(loud)}, and a line that nanlint names in {sum(case.agrees for case in cases)} of these. "
        f"{sum(len({one.code for one in case.found}) > 1 for case in cases)} hold two or more faults, in "
        f"{sum('far' in case.program.head for case in cases)} the symptom is far from its cause. "
        f"{len(twins)} healthy twins: {sum(not twin.findings for twin in twins)} without a finding, "
        f"{sum(twin.is_as_claimed for twin in twins)} of which train."
    )


def page(cases: Sequence[Case], twins: Sequence[Twin]) -> str:
    """docs/proof.md."""
    return f"""# Proof: programs that fail, and train after the repair

Written by `python benchmarks/proof.py`, which runs it all again. Every program is a file in
[tests/fixtures/zoo](../tests/fixtures/zoo), every repair is what `nanlint check --fix --unsafe-fixes` made of it, and
none was touched by hand. It fails on a CPU under its seed; repaired, it must stay finite for {zoo.LONGER} times the
steps it took to fail, and at least {zoo.SHORTEST}, and end below 95 % of its first loss.

{textwrap.fill(summary(cases, twins), 120)}

![loss curves before and after](proof.svg)

Red: as written, up to the step at which it fails. Green: repaired.

{table(cases)}

The run-time check looks at the result of every operation, forward, backward and in the optimiser, and blames the first
that makes inf of finite numbers or NaN of none. Where no number is ever inf or NaN, it has nothing to say; where it
blames another line, the note below says why.

{remarks(cases)}"""


def picture(cases: Sequence[Case], path: Path) -> None:
    """Small loss curves, one per program."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "nanlint", "svg.fonttype": "none", "font.size": 5, "path.simplify": True})
    import matplotlib.pyplot as plt

    columns = 8
    figure, axes = plt.subplots(-(-len(cases) // columns), columns, figsize=(12, 1.1 * -(-len(cases) // columns)))
    for axis in axes.flat:
        axis.axis("off")
    for axis, case in zip(axes.flat, cases, strict=False):
        axis.set_title(case.program.name.replace("_", " "), pad=2)
        for outcome, color in ((case.after, "#2a9d5c"), (case.before, "#d1352b")):
            if isinstance(outcome, zoo.Outcome):
                stride = max(1, len(outcome.losses) // POINTS)
                axis.plot(range(0, len(outcome.losses), stride), outcome.losses[::stride], color=color, linewidth=0.8)
        if isinstance(case.before, zoo.Outcome):
            axis.axvline(case.before.step, color="#d1352b", linewidth=0.6, linestyle=":")
        if isinstance(case.after, zoo.Outcome) and case.after.losses:
            low, high = min(case.after.losses), max(case.after.losses)
            margin = 0.1 * (high - low) or 1.0
            if all(abs(end) < float("inf") for end in (low, high)):
                axis.set_ylim(low - margin, high + margin)
    figure.tight_layout(pad=0.3)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    # a tenth of a point is finer than a screen
    path.write_text(re.sub(r"(\d+\.\d)\d+", r"\1", path.read_text(encoding="utf-8")), encoding="utf-8")
