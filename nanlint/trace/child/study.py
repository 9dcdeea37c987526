"""One model, all questions: plain and special inputs first, then what flows through it at initialisation."""

from __future__ import annotations

from collections.abc import Callable

from nanlint.trace.child.blame import Blame
from nanlint.trace.child.build import Builder
from nanlint.trace.child.faults import described
from nanlint.trace.child.inputs import shapes
from nanlint.trace.child.models import NotTraceable
from nanlint.trace.child.passes import run
from nanlint.trace.protocol import Options, Row, encode


def study(builder: Builder, emit: Callable[[str], None], options: Options) -> tuple[list[Row], str]:
    """Measure the model and report what is found; its table, and the input that it got.

    Raises:
        NotTraceable: it does not run.
    """
    name = builder.candidate.name
    blame = Blame(name, builder.places, builder.candidate.place)
    built = builder.build(options.seed)
    inputs = built.inputs
    try:
        done = run(built.model, inputs, built.recorder, options.seed)
    except Exception as error:  # noqa: BLE001  (user code may raise anything)
        raise NotTraceable(f"`{name}` raises on {shapes(inputs)}: {described(error)}") from None
    for found in blame.plain(done.sinks, inputs):
        emit(encode("found", found))
    for found in blame.special(lambda: builder.build(options.seed).model, inputs, options.seed):
        emit(encode("found", found))
    return [], shapes(inputs)
