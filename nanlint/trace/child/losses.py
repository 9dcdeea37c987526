"""The user's own loss, where he names one: what is wrong in it is found like what is wrong in the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nanlint.faults import described
from nanlint.trace.child.inputs import from_specs
from nanlint.trace.child.loading import Loaded, Loader
from nanlint.trace.child.models import NotTraceableError
from nanlint.trace.protocol import Target

Criterion = Callable[[Any], Any]


def criterion(loaded: Loaded, loader: Loader, target: Target) -> Criterion | None:
    """A function of the model's output; None if the user gave no loss.

    Raises:
        NotTraceableError: there is no such function.
    """
    if target.loss is None:
        return None
    file, _, name = target.loss.rpartition(":")
    try:
        module = loader.load_file(file).module if file else loaded.module
    except FileNotFoundError:
        raise NotTraceableError(f"no file {file} for --loss") from None
    except Exception as error:
        raise NotTraceableError(f"cannot load {file} for --loss: {described(error)}") from None
    loss = getattr(module, name, None)
    if not callable(loss):
        raise NotTraceableError(f"no function `{name}` for --loss in {file or 'the file of the model'}")
    labels = from_specs(target.labels)
    return lambda output: loss(output, *labels.args, **labels.kwargs)
