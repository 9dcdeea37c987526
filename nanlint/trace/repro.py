"""`--repro DIR`: for each NaN or Inf a test that fails because of it, to keep when it is repaired."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nanlint.diagnostic import Diagnostic
from nanlint.trace.protocol import Job, Model
from nanlint.trace.results import Results
from nanlint.trace.specials import SHIFTS, SPECIALS
from nanlint.trace.specs import Spec, parse_spec

_CODES = ("NAN901", "NAN902")
_TEXT = '''"""{message}

{where}; written by nanlint trace. It fails until that is repaired.
"""

import importlib.util

import torch


def load(path):
    """The file of the model."""
    spec = importlib.util.spec_from_file_location("{module}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tensors(value):
    """All tensors in what the model returns."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from tensors(one)
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))


def mapped(value, change):
    """The same argument with changed tensors."""
    if isinstance(value, torch.Tensor):
        return change(value)
    return [mapped(one, change) for one in value] if isinstance(value, list) else value


def test_values_and_gradients_are_finite():
    torch.manual_seed({seed})
    module = load({file!r})
{make}
    first = {{}}  # equal inputs are made of the first of a shape
    args = [mapped(x, lambda x: {change}) for x in args]
    args = [mapped(x, lambda x: x.clone().requires_grad_() if x.is_floating_point() else x) for x in args]
    outputs = list(tensors(model(*args)))
    assert all(torch.isfinite(x).all() for x in outputs)
    torch.manual_seed({seed} + 1)
    losses = [(x * torch.randn_like(x)).sum() if x.dim() else x for x in outputs if x.requires_grad]
    sum(losses).backward()
    leaves = [*model.parameters(), *tensors(args)]
    assert all(torch.isfinite(x.grad).all() for x in leaves if x.grad is not None)
'''


def write_tests(folder: Path, results: Results, job: Job) -> list[Path]:
    """Write a test for each finding that one can be written for: models that are built without guesses.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in _tests(results, job):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _tests(results: Results, job: Job) -> Iterator[tuple[str, str]]:
    found = [one for several in results.found.values() for one in several if one.code in _CODES]
    for one in found:
        model = next((model for model in results.models if model.name == results.about.get(one)), None)
        shifted = any(shift.title in one.message for shift in SHIFTS)
        if model is None or model.how or shifted:
            continue
        target = job.targets[model.target]
        make = _make(model)
        if target.file is None or make is None or target.loss is not None:
            continue
        module = Path(target.file).stem
        text = _TEXT.format(
            message=one.message,
            where=f"{one.filename}:{one.span.start_line}",
            module=module,
            seed=job.options.seed,
            file=target.file,
            make=make,
            change=next((special.change for special in SPECIALS if special.title in one.message), "x"),
        )
        yield _file_name(one, module), text


def _file_name(one: Diagnostic, module: str) -> str:
    return f"test_{one.code.lower()}_{re.sub(r'[^0-9A-Za-z]+', '_', module)}_{one.span.start_line}.py"


def _make(model: Model) -> str | None:
    """How the model and its arguments are made."""
    if model.name == "nanlint_example":
        # a function that only computes is not repeated: it is a test already
        return "    model, *args = module.nanlint_example()" if model.is_module else None
    if not model.specs:
        return f"    model = module.{model.name}()\n    args = tensors(model.nanlint_example())"
    args = [_made(spec) for spec in model.specs]
    if None in args:
        return None
    return f"    model = module.{model.name}()\n    args = [{', '.join(str(one) for one in args)}]"


def _made(text: str) -> str | None:
    spec = parse_spec(text)
    if spec is None or spec.name:
        return None
    if spec.dtype in {"none", "number"}:
        return "None" if spec.dtype == "none" else str(spec.high)
    made = _tensor(spec)
    return f"[{made} for _ in range({spec.several})]" if spec.several else made


def _tensor(spec: Spec) -> str:
    if spec.dtype == "bool":
        return f"torch.rand({spec.shape}) < 0.5"
    if spec.dtype in {"int64", "int32"}:
        return f"torch.randint(0, {spec.high}, {spec.shape})"
    return f"torch.randn({spec.shape}, dtype=torch.{spec.dtype})"


def said(written: Sequence[Path]) -> str:
    """What was written, in a sentence."""
    return f"Wrote {len(written)} test{'' if len(written) == 1 else 's'}."
