"""What parent and child say to each other: one job as JSON, and events as lines of JSON.

The parent knows cards, settings and how to print; the child knows torch. Neither imports the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nanlint.source import Span

# powers of ten by which a gradient may shrink or grow on its way back through a healthy network, as was measured on
# two hundred healthy ones: 2.6 (eight plain convolutions), 2.7 (ConvMixer)
VANISHING, EXPLODING = -2.7, 3.0


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the user's source, as the interpreter knows it: the expression that was being evaluated."""

    file: str
    span: Span

    def __str__(self) -> str:
        return f"{self.file}:{self.span.start_line}:{self.span.start_column}"


@dataclass(frozen=True, slots=True)
class Target:
    """What to trace.

    Attributes:
        word: what the user wrote: all messages use it.
        file: the file to load, as an absolute path; None if `module` names an importable module.
        module: the dotted name of a module.
        name: the class, factory or function in it; None: every model that is found.
        inputs: the inputs for it, as written: `32,3,224,224`.
        named: the user named the model itself, so that not to trace it is a failure.
        loss: a function that gets the output and the labels: `FILE.py:NAME`, or a name in the model's file.
        labels: the labels for it, written like inputs.
    """

    word: str
    file: str | None = None
    module: str | None = None
    name: str | None = None
    inputs: tuple[str, ...] = ()
    named: bool = False
    loss: str | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How to trace. The defaults are those of the command line.

    Attributes:
        seeds: how often a model is built and measured; the median counts.
        batch: rows of an inferred input.
        budget: seconds that one model may take.
        memory: the most memory that the child may use, in MiB; 0 is no limit.
        device: where the model runs.
        imports: run the files in full instead of their definitions only.
        lr: the learning rate to try; None: the one in the code, if there is one.
        optimizer: the optimiser to try it with: `adam`, or `sgd,momentum=0.9`.
        seed: the first of the seeds.
    """

    seeds: int = 3
    batch: int = 16
    budget: float = 60.0
    memory: int = 8192
    device: str = "cpu"
    imports: bool = False
    lr: float | None = None
    optimizer: str | None = None
    seed: int = 0


# those whose rates are tried, by how they are written on the command line
OPTIMIZERS = {
    name.lower(): name
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Adamax")
}


@dataclass(frozen=True, slots=True)
class Job:
    """One child's work.

    Attributes:
        roots: the folders whose files are the user's.
        folder: where the user stands; modules are looked for there.
        skip: what a former child has begun: pairs of a target's number and a model.
    """

    targets: tuple[Target, ...]
    options: Options
    roots: tuple[str, ...]
    folder: str = "."
    skip: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Another place that explains a finding."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of the source."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """One finding. The parent fills the card's message with `words`; the severity may be lower than the card's.

    Attributes:
        cure: what the changes do, in words; None if there is no repair that was tried and works.
    """

    code: str
    place: Place
    words: Mapping[str, str]
    model: str
    severity: str | None = None
    notes: tuple[Note, ...] = ()
    certain: bool = True
    cure: str | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many numbers lie in each of equal steps from `low` to `high`."""

    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a layer, and what flows out of it and back into it.

    Attributes:
        activation, gradient: standard deviation of the output, norm of its gradient.
        low, high: the extremes of the gradient over the seeds.
        outputs: the numbers of the first output.
        gradients: the decimal logarithms of the sizes in its gradient, where they are not zero.
    """

    module: str
    kind: str
    place: Place | None
    shape: tuple[int, ...]
    activation: float | None
    gradient: float | None
    low: float | None = None
    high: float | None = None
    outputs: Histogram | None = None
    gradients: Histogram | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """What was done with one model.

    Attributes:
        inputs: the shapes that it got, for a person.
        specs: its input as `--input` would give it; empty if it brought its own.
        how: how it was built, if there is something to say.
        is_module: it is no mere function.
        remark: what could not be asked, as a part of a sentence.
        cured: the rows with the repair that is offered.
    """

    target: int
    name: str
    place: Place | None = None
    inputs: str = ""
    how: str = ""
    rows: tuple[Row, ...] = ()
    seconds: float = 0.0
    guessed: bool = False
    specs: tuple[str, ...] = ()
    is_module: bool = True
    remark: str = ""
    cured: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something was not traced, and what to pass: one line. `usage`: the user must change something."""

    target: int
    text: str
    name: str = ""
    missing: bool = field(default=False)  # there is nothing of that name, or no model at all


def encode(kind: str, value: Any = None, **more: Any) -> str:
    """One event as a line."""
    body = asdict(value) if value is not None else {}
    return json.dumps({"event": kind, **body, **more}, allow_nan=True) + "\n"


def job_to_json(job: Job) -> str:
    """The job as the child reads it."""
    return json.dumps(asdict(job))


def job_from_json(text: str) -> Job:
    """The job that `job_to_json` wrote."""
    data = json.loads(text)
    targets = tuple(
        Target(**{**one, "inputs": tuple(one["inputs"]), "labels": tuple(one["labels"])}) for one in data["targets"]
    )
    skip = tuple((int(number), str(name)) for number, name in data["skip"])
    return Job(targets, Options(**data["options"]), tuple(data["roots"]), data["folder"], skip)


def found_from(data: Mapping[str, Any]) -> Found:
    """A finding from its event."""
    notes = tuple(Note(_place(one["place"]), one["message"]) for one in data["notes"])
    changes = tuple(Change(Span(*one["span"]), one["text"]) for one in data["changes"])
    return Found(
        data["code"], _place(data["place"]), data["words"], data["model"], data["severity"], notes, data["certain"],
        data["cure"], changes,
    )  # fmt: skip


def model_from(data: Mapping[str, Any]) -> Model:
    """A model's summary from its event."""
    rows = tuple(_row(one) for one in data["rows"])
    place = None if data["place"] is None else _place(data["place"])
    return Model(
        data["target"], data["name"], place, data["inputs"], data["how"], rows, data["seconds"], data["guessed"],
        tuple(data["specs"]), data["is_module"], data["remark"],
        tuple(_row(one) for one in data["cured"]),
    )  # fmt: skip


def trouble_from(data: Mapping[str, Any]) -> Trouble:
    """A trouble from its event."""
    return Trouble(data["target"], data["text"], data["name"], data["missing"])


def _row(data: Mapping[str, Any]) -> Row:
    place = None if data["place"] is None else _place(data["place"])
    return Row(
        data["module"], data["kind"], place, tuple(data["shape"]), data["activation"], data["gradient"],
        data["low"], data["high"], _histogram(data["outputs"]), _histogram(data["gradients"]),
    )  # fmt: skip


def _histogram(data: Mapping[str, Any] | None) -> Histogram | None:
    return None if data is None else Histogram(data["low"], data["high"], tuple(data["counts"]))


def _place(data: Mapping[str, Any]) -> Place:
    span: Sequence[int] = data["span"]
    return Place(data["file"], Span(*span))
