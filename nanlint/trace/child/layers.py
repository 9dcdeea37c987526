"""The rows of a model's table: one per layer with weights, over all seeds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from nanlint.trace.child.flow import Flow
from nanlint.trace.protocol import Row


def rows(flows: Sequence[Flow]) -> list[Row]:
    """The layers in the order in which they run, with the median over the seeds and its extremes."""
    made = []
    for at, layer in enumerate(flows[0].layers):
        same = [flow.layers[at] for flow in flows if at < len(flow.layers) and flow.layers[at].name == layer.name]
        gradients = [one.gradient for one in same if one.gradient is not None]
        deviations = [median(one.deviations) for one in same if one.deviations]
        made.append(
            Row(
                module=layer.name,
                kind=type(layer.module).__name__,
                place=layer.place,
                shape=layer.shape,
                activation=median(deviations) if deviations else None,
                gradient=median(gradients) if gradients else None,
                low=min(gradients, default=None),
                high=max(gradients, default=None),
                outputs=layer.output_histogram,
                gradients=layer.gradient_histogram,
            )
        )
    return made
