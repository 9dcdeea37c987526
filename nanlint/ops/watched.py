"""May a rule speak of this? What nothing is to be said of is neither run nor written down.

The question comes up three times, and each time more is known: the operation, how it is written, its operands.
"""

from __future__ import annotations

from nanlint.ops.elementwise import power_hazard
from nanlint.ops.operation import Operands, Operation, Spelling
from nanlint.ops.terms import may_meet_infinity
from nanlint.values.value import DType, Value

# calls that are no operations and of which a rule speaks
CALLS = frozenset({"torch.nn.CTCLoss", "torch.ctc_loss", "torch.nn.functional.ctc_loss"})

# in torch the gradient of a norm is 0 at 0; in these it is NaN
_ROUGH_NORMS = frozenset({"jax", "tensorflow"})


def always(operation: Operation) -> bool:
    """May a rule speak of it wherever it stands?"""
    return operation.watched or operation.hazard is not None or operation.overflow is not None


def as_written(spelling: Spelling) -> bool:
    """May a rule speak of it, for some operands? Factors that are infinite are looked for where they are written."""
    operation = spelling.operation
    return always(operation) or operation.name == "pow" or _is_rough_norm(spelling)


def in_use(spelling: Spelling, operands: Operands, result: Value) -> bool:
    """May a rule speak of this use?"""
    name = spelling.operation.name
    return (
        always(spelling.operation)
        or _is_rough_norm(spelling)
        or (name == "mul" and may_meet_infinity(operands))
        or (name == "pow" and power_hazard(operands) is not None)
        or in_half(operands, result)
    )


def in_half(operands: Operands, result: Value) -> bool:
    """In half precision everything can break: 65520 is inf there, 1e-8 is 0."""
    return result.dtype is DType.FLOAT16 or any(value.dtype is DType.FLOAT16 for value in operands.values())


def is_loss(spelling: Spelling) -> bool:
    """Is it a loss of which a rule speaks where a layer is called with two tensors?"""
    return spelling.operation.name == "binary_cross_entropy" and spelling.framework == "torch"


def _is_rough_norm(spelling: Spelling) -> bool:
    return spelling.operation.name == "norm" and spelling.framework in _ROUGH_NORMS
