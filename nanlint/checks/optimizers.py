"""Optimisers of torch, Keras, TensorFlow 1 and optax: how they are spelt, and what is known of their learning rates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from nanlint.checks.literals import Literals, Place
from nanlint.ir import nodes


@dataclass(frozen=True, slots=True)
class Rate:
    """What is known of the learning rate of an optimiser.

    Attributes:
        ceiling: nobody trains a network from above it without a schedule; measured, and see the source.
        default: the documented one, by framework where they differ.
        source: where both come from.
    """

    ceiling: float
    default: str
    source: str


_ADAM = "Kingma & Ba 2015, 0.001; Choi et al. 2019, tuned up to 0.1 with small epsilons"
_SIGN = "Chen et al. 2023, section 5: 3 to 10 times smaller than for AdamW, 1e-4"

RATES = {
    # Goyal et al. use 3.2, but at the end of a warm-up; 1 is a plain one for shallow networks
    "SGD": Rate(1.0, "1e-3", "Goyal et al. 2017: 0.1 per 256 examples, warm-up for more; torch.optim.SGD"),
    "ASGD": Rate(1.0, "0.01", "torch.optim.ASGD; as SGD"),
    "Adam": Rate(0.1, "1e-3", _ADAM),
    "AdamW": Rate(0.1, "1e-3", _ADAM),
    "NAdam": Rate(0.1, "2e-3", "Dozat 2016; torch.optim.NAdam; as Adam"),
    "RAdam": Rate(0.1, "1e-3", "Liu et al. 2020, figure 4: rates up to 0.1; torch.optim.RAdam"),
    "Adamax": Rate(0.2, "2e-3", "Kingma & Ba 2015, 0.002, twice that of Adam"),
    "RMSprop": Rate(0.1, "0.01", "Tieleman & Hinton 2012, 0.001; torch.optim.RMSprop, 0.01"),
    # word2vec is trained with 1.0
    "Adagrad": Rate(1.0, "0.01", "Duchi et al. 2011; torch.optim.Adagrad, 0.01"),
    "Lion": Rate(0.03, "1e-4", _SIGN),
    # prompts are tuned with 0.3
    "Adafactor": Rate(1.0, "0.01", "Shazeer & Stern 2018, 0.01; Lester et al. 2021, 0.3; torch.optim.Adafactor"),
}
# not judged: Adadelta and LBFGS have 1 as their default, Rprop bounds its steps itself

_OF_KERAS = {"SGD": "0.01", "Adam": "0.001", "AdamW": "0.001", "NAdam": "0.001", "RMSprop": "0.001", "Adagrad": "0.001",
             "Adamax": "0.001", "Lion": "0.001", "Adafactor": "0.001"}  # fmt: skip
_OF_OPTAX = {
    "sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "nadam": "NAdam", "nadamw": "NAdam", "radam": "RAdam",
    "adamax": "Adamax", "adamaxw": "Adamax", "rmsprop": "RMSprop", "adagrad": "Adagrad", "lion": "Lion",
    "adafactor": "Adafactor",
}  # fmt: skip
_TORCH = re.compile(
    r"torch\.optim\.(?!lr_scheduler|swa_utils)(?:\w+\.)?(?P<name>[A-Z]\w*)$"
    r"|(?:transformers|transformers\.optimization|timm\.optim|lion_pytorch|bitsandbytes\.optim|apex\.optimizers|"
    r"deepspeed\.ops\.(?:adam|lion)|torch_optimizer)\.(?:Fused|DeepSpeedCPU|Paged)?"
    r"(?P<other>AdamW?|Lion|Adafactor|RAdam|SGD)(?:8bit)?$"
)
_KERAS = re.compile(
    r"(?:tensorflow\.|tf_keras\.|keras\.|tensorflow\.keras\.|tensorflow\.python\.keras\.)(?:api\.|src\.)?"
    r"optimizers\.(?!schedules)"
    r"(?:legacy\.|experimental\.|\w+\.)?(?P<name>[A-Z]\w*)$"
)
# the Trainer makes the optimiser: AdamW unless told otherwise
TRAINERS = ("TrainingArguments", "Seq2SeqTrainingArguments", "SFTConfig", "GRPOConfig", "DPOConfig", "PPOConfig")
TRAINER = re.compile(r"transformers\.(?:\w+\.)*(?:Seq2Seq)?TrainingArguments$|trl\.(?:\w+\.)*[A-Z]\w*Config$")
_OF_TRAINER = {"adamw": "AdamW", "sgd": "SGD", "adafactor": "Adafactor", "adagrad": "Adagrad", "lion": "Lion"}
_TF1 = re.compile(r"tensorflow\.(?:compat\.v1\.)?train\.(?P<name>\w+)Optimizer$")
_OF_TF1 = {"GradientDescent": "SGD", "Momentum": "SGD", "Adam": "Adam", "RMSProp": "RMSprop", "Adagrad": "Adagrad"}

# words of which a file that makes an optimiser has at least one
NAMES = frozenset(
    {*RATES, *_OF_KERAS, *_OF_OPTAX, *(f"{one}Optimizer" for one in _OF_TF1), "Adadelta", "LBFGS", "Rprop"}
    | {
        "TrainingArguments",
        "Seq2SeqTrainingArguments",
        "AdamW8bit",
        "Adam8bit",
        "PagedAdamW8bit",
        "Lion8bit",
        "FusedAdam",
        "DeepSpeedCPUAdam",
        "Nadam",
    }
)


@dataclass(frozen=True, slots=True)
class Made:
    """An optimiser where it is made."""

    name: str  # as in RATES, or as torch calls it
    framework: str
    place: Place

    @property
    def call(self) -> nodes.Call:
        return self.place.call

    @property
    def rate(self) -> nodes.Expr | None:
        """The learning rate it is given."""
        place = {"torch": 1, "transformers": None}.get(self.framework, 0)
        return argument(self.call, ("lr", "learning_rate"), place)

    @property
    def is_of_tf1(self) -> bool:
        """Is it one of TensorFlow 1, of which every program calls `minimize`?"""
        return _TF1.match(getattr(self.call.func, "path", None) or "") is not None

    @property
    def default(self) -> str:
        """The documented learning rate; that of torch where the framework has none."""
        if self.framework == "keras":
            return _OF_KERAS.get(self.name, RATES[self.name].default)
        return RATES[self.name].default


def optimizers(file: Literals) -> Iterator[Made]:
    """The optimisers that a file makes, by the libraries' own names."""
    for written in file.calls:
        path = getattr(written.call.func, "path", None) or _named(written, file)
        place = _spread(written, file)
        if (found := _TORCH.match(path)) is not None:
            yield Made(found["name"] or found["other"], "torch", place)
        elif (found := _KERAS.match(path)) is not None:
            yield Made("NAdam" if found["name"] == "Nadam" else found["name"], "keras", place)
        elif TRAINER.match(path) and (name := _of_trainer(place.call)) is not None:
            yield Made(name, "transformers", place)
        elif (found := _TF1.match(path)) is not None and found["name"] in _OF_TF1:
            yield Made(_OF_TF1[found["name"]], "keras", place)
        elif path.startswith("optax.") and path.rpartition(".")[2] in _OF_OPTAX:
            yield Made(_OF_OPTAX[path.rpartition(".")[2]], "optax", place)


def _named(place: Place, file: Literals) -> str:
    """The path of a class that goes by another name: `optimizer_class = torch.optim.Adam`."""
    func = place.call.func
    if not isinstance(func, nodes.Name):
        return ""
    held, _ = file.origin(func, place.scope)
    return getattr(held, "path", None) or ""


def _spread(place: Place, file: Literals) -> Place:
    """The call with the entries of `**settings` as its own, where the file writes them down."""
    call = place.call
    args: list[nodes.Expr] = []
    given: dict[str, nodes.Expr] = {}
    for arg in call.args:
        held, _ = file.origin(arg.value, place.scope) if isinstance(arg, nodes.Starred) else (None, None)
        entries = entries_of(held)
        if entries is None:
            args.append(arg)
        else:
            given |= entries
    if not given:
        return place
    return replace(place, call=nodes.Call(call.origin, call.func, tuple(args), given | call.keywords))


def entries_of(held: nodes.Expr | None) -> dict[str, nodes.Expr] | None:
    """What a dict says that is written down; None if it is none."""
    if isinstance(held, nodes.DictDisplay):
        return {
            key.value: value
            for key, value in zip(held.keys, held.values, strict=True)
            if isinstance(key, nodes.Constant) and isinstance(key.value, str)
        }
    if isinstance(held, nodes.Call) and getattr(held.func, "path", None) == "builtins.dict":
        return held.keywords
    return None


def _of_trainer(call: nodes.Call) -> str | None:
    """The optimiser that `TrainingArguments(optim="adamw_torch")` names."""
    said = call.keywords.get("optim")
    name = said.value if isinstance(said, nodes.Constant) else "adamw" if said is None else None
    return _OF_TRAINER.get(name.partition("_")[0]) if isinstance(name, str) else None


def argument(call: nodes.Call, names: tuple[str, ...], place: int | None) -> nodes.Expr | None:
    """The argument with one of these names, or at this place."""
    for name in names:
        if name in call.keywords:
            return call.keywords[name]
    if place is None or any(isinstance(one, nodes.Starred) for one in call.args):
        return None
    return call.args[place] if place < len(call.args) else None


def groups(made: Made, file: Literals) -> Iterator[dict[str, nodes.Expr]]:
    """The parameter groups that are written down: `[{"params": …, "lr": 0.1}, …]`."""
    given, _ = file.origin(argument(made.call, ("params",), 0), made.place.scope)
    if made.framework != "torch" or not isinstance(given, nodes.Display):
        return
    for item in given.items:
        held, _ = file.origin(item, made.place.scope)
        entries = entries_of(held)
        if entries is not None:
            yield entries
