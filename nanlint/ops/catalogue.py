"""Every operation nanlint knows, by name. To add one, add a row to the table of its theme."""

from __future__ import annotations

from nanlint.ops.activations import ACTIVATIONS
from nanlint.ops.constructors import CONSTRUCTORS, VIEWS
from nanlint.ops.elementwise import ELEMENTWISE
from nanlint.ops.operation import Operation
from nanlint.ops.reductions import COMPARISONS, REDUCTIONS

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for table in (ELEMENTWISE, ACTIVATIONS, REDUCTIONS, COMPARISONS, CONSTRUCTORS, VIEWS)
    for operation in table
}
