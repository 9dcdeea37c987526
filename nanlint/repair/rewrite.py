"""The rewrites that keep value and gradient: the library's own form in place of one written by hand."""

from __future__ import annotations

from nanlint.facts import Facts
from nanlint.fix import Applicability
from nanlint.flow.uses import Use
from nanlint.ir.nodes import Assign
from nanlint.ops.operation import Form
from nanlint.ops.terms import literal, operand
from nanlint.repair.calls import dim_text, function_name, named, other_arguments
from nanlint.repair.edits import Repair
from nanlint.repair.frameworks import Written, library
from nanlint.repair.naming import spelt
from nanlint.repair.precedence import as_argument, as_primary, negated
from nanlint.values.value import DType, Term, Value


def log_softmax(facts: Facts, use: Use, softmax: Term) -> Repair | None:
    """`log(softmax(x, …))` → `log_softmax(x, …)`, with the arguments the softmax had."""
    return _renamed(facts, use, softmax, "softmax", "log_softmax")


def std(facts: Facts, use: Use, var: Term) -> Repair | None:
    """`sqrt(var(x, …))` → `std(x, …)`, with the arguments the variance had."""
    return _renamed(facts, use, var, "var", "std")


def log_sigmoid(facts: Facts, use: Use, x: Term, *, complement: bool) -> Repair | None:
    """`log(sigmoid(x))` → `logsigmoid(x)`; `log(1 - sigmoid(x))` → `logsigmoid(-x)`."""
    return _of_one(facts, use, "logsigmoid", x, negative=complement)


def with_logits(facts: Facts, use: Use, x: Term) -> Repair | None:
    """`binary_cross_entropy(sigmoid(x), …)` → `binary_cross_entropy_with_logits(x, …)`, with the arguments it had."""
    logits, name, arguments = (
        spelt(facts, use, x),
        function_name(facts, use.node),
        other_arguments(facts, use, use.node),
    )
    if logits is None or name is None or arguments is None or not name.endswith(".binary_cross_entropy"):
        return None
    function = f"{name}_with_logits"
    written = Written(f"{function}({', '.join([as_argument(logits.text), *map(str, arguments)])})")
    message = f"use `{function.rpartition('.')[2]}`"
    return logits.along(Repair(Applicability.SAFE, message, ((use.node, written.text),)))


def softplus(facts: Facts, use: Use, x: Term) -> Repair | None:
    """`log(1 + exp(x))` → `softplus(x)`."""
    return _of_one(facts, use, "softplus", x)


def sigmoid(facts: Facts, use: Use, x: Term, *, negative: bool) -> Repair | None:
    """`1 / (1 + exp(-x))` → `sigmoid(x)`; `negative` is for `1 / (1 + exp(x))`."""
    return _of_one(facts, use, "sigmoid", x, negative=negative)


def tanh(facts: Facts, use: Use, x: Term) -> Repair | None:
    """`(exp(x) - exp(-x)) / (exp(x) + exp(-x))` → `tanh(x)`."""
    return _of_one(facts, use, "tanh", x)


def logsumexp(facts: Facts, use: Use, total: Term, x: Term) -> Repair | None:
    """`log(sum(exp(x), …))` → `logsumexp(x, …)`, with the arguments the sum had."""
    exponent, made = spelt(facts, use, x), facts.producer(total, use)
    arguments = None if made is None else other_arguments(facts, use, made)
    if exponent is None or arguments is None or any(argument.operand is None for argument in arguments):
        return None
    text, rest = exponent.text, [str(argument) for argument in arguments]
    if operand(total, "dim") is None and use.framework == "torch":
        if rest:
            return None
        # torch's own needs a dimension
        text, rest = f"{as_primary(text)}.flatten()", ["0"]
    if use.node.spelling.form is Form.METHOD and use.framework == "torch":
        return exponent.along(_whole(use, Written(f"{as_primary(text)}.logsumexp({', '.join(rest)})"), "logsumexp"))
    function = library(facts, use, "logsumexp")
    if function is None:
        return None
    return exponent.along(_called(use, function, "logsumexp", as_argument(text), *rest))


def softmax(facts: Facts, use: Use, total: Term, x: Term) -> Repair | None:
    """`exp(x) / sum(exp(x), d, keepdim=True)` → `softmax(x, d)`."""
    logits, made, function = spelt(facts, use, x), facts.producer(total, use), library(facts, use, "softmax")
    arguments = None if made is None else other_arguments(facts, use, made)
    if logits is None or arguments is None or function is None or not _keeps_one_dim(total):
        return None
    if any(argument.operand not in ("dim", "keepdim") for argument in arguments):
        return None
    return logits.along(_called(use, function, "softmax", as_argument(logits.text), *named(arguments, {"dim"})))


def normalize(facts: Facts, use: Use, norm: Term) -> Repair | None:
    """`x / norm(x, dim=d, keepdim=True)` → `normalize(x, dim=d)`: the 2-norm over one dimension only."""
    x, value = operand(norm, "x"), use.values.get("y")
    if x is None or not _keeps_one_dim(norm) or not _is_euclidean(norm):
        return None
    if value is None or value.dtype is DType.FLOAT16:
        return None  # its epsilon is 0 there
    text, dim, function = facts.spell(x, use), dim_text(facts, use, norm), library(facts, use, "normalize")
    if text is None or dim is None or function is None:
        return None
    return _called(use, function, "normalize", as_argument(text), f"dim={dim}")


def cosine_similarity(facts: Facts, use: Use, a: Term, b: Term, reduction: Term) -> Repair | None:
    """`sum(a * b, d) / (norm(a, d) * norm(b, d))` → `cosine_similarity(a, b, dim=d)`."""
    first, second, dim = facts.spell(a, use), facts.spell(b, use), dim_text(facts, use, reduction)
    function = library(facts, use, "cosine_similarity")
    if first is None or second is None or dim is None or function is None:
        return None
    return _called(use, function, "cosine_similarity", as_argument(first), as_argument(second), f"dim={dim}")


def vector_norm(facts: Facts, use: Use, total: Term, x: Term) -> Repair | None:
    """`sqrt(sum(x ** 2, …))` → `vector_norm(x, …)`."""
    text, made, function = facts.spell(x, use), facts.producer(total, use), library(facts, use, "vector_norm")
    arguments = None if made is None else other_arguments(facts, use, made)
    if text is None or arguments is None or function is None:
        return None
    if any(argument.operand not in ("dim", "keepdim") for argument in arguments):
        return None
    # its second parameter is the order of the norm, so all others need their names
    rest = [f"{argument.operand}={argument.text}" for argument in arguments]
    return _called(use, function, "vector_norm", as_argument(text), *rest)


def modulus(facts: Facts, use: Use, real: Term, imaginary: Term) -> Repair | None:
    """`sqrt(re ** 2 + im ** 2)` → `complex(re, im).abs()`."""
    first, second, function = facts.spell(real, use), facts.spell(imaginary, use), library(facts, use, "complex")
    values = (facts.value_of_term(real), facts.value_of_term(imaginary))
    if first is None or second is None or function is None or not all(map(_may_be_part, values)):
        return None
    text = f"{function.call(as_argument(first), as_argument(second))}.abs()"
    return _whole(use, Written(text, function.imports), "complex(…).abs()")


def _may_be_part(value: Value | None) -> bool:
    """torch.complex takes tensors of 32 or 64 bits only."""
    if value is None:
        return True
    return not value.is_scalar and value.dtype in (None, DType.FLOAT32, DType.FLOAT64)


def _keeps_one_dim(reduction: Term) -> bool:
    dim = literal(operand(reduction, "dim"))
    return literal(operand(reduction, "keepdim")) is True and isinstance(dim, int) and not isinstance(dim, bool)


def _is_euclidean(norm: Term) -> bool:
    order = operand(norm, "ord")
    return order is None or literal(order) == 2


def _renamed(facts: Facts, use: Use, term: Term, old: str, new: str) -> Repair | None:
    """Call `new` instead of what made the term, in the same form and with the same arguments."""
    x = operand(term, "x")
    logits = None if x is None else spelt(facts, use, x)
    return None if logits is None else logits.along(_written_with(facts, use, term, old, new, logits.text))


def _written_with(facts: Facts, use: Use, term: Term, old: str, new: str, text: str) -> Repair | None:
    """The call of `new`, with `text` as what it is of."""
    made = facts.producer(term, use)
    if made is None or made.spelling.form is Form.MODULE:
        return _from_term(facts, use, term, new, text) if new == "log_softmax" else None
    arguments = other_arguments(facts, use, made)
    if arguments is None:
        return None
    rest = [str(argument) for argument in arguments]
    if made.spelling.form is Form.METHOD:
        return _whole(use, Written(f"{as_primary(text)}.{new}({', '.join(rest)})"), new)
    name = function_name(facts, made) or ""
    prefix, _, last = name.rpartition(".")
    # keras spells its functions differently from version to version
    known = prefix and last == old and made.spelling.framework != "keras"
    function = Written(f"{prefix}.{new}") if known else library(facts, use, new)
    return None if function is None else _called(use, function, new, as_argument(text), *rest)


def _from_term(facts: Facts, use: Use, term: Term, function: str, text: str) -> Repair | None:
    """For what a layer made: its arguments are the constructor's, so they are written out."""
    dim = literal(operand(term, "dim"))
    written = library(facts, use, function)
    if written is None or not isinstance(dim, int) or use.framework not in ("torch", "jax", "tensorflow"):
        return None
    return _called(use, written, function, as_argument(text), f"{'dim' if use.framework == 'torch' else 'axis'}={dim}")


def _of_one(facts: Facts, use: Use, function: str, x: Term, *, negative: bool = False) -> Repair | None:
    inner = operand(x, "x") if negative and x.head == "neg" else None
    logits, written = spelt(facts, use, inner or x), library(facts, use, function)
    if logits is None or written is None:
        return None
    argument = negated(logits.text) if negative and inner is None else as_argument(logits.text)
    return logits.along(_called(use, written, function, argument))


def _called(use: Use, function: Written, name: str, *arguments: str) -> Repair | None:
    return _whole(use, Written(function.call(*arguments), function.imports), name)


def _whole(use: Use, written: Written, name: str) -> Repair | None:
    """Replace the whole application, unless its effect is more than its value."""
    augmented = isinstance(use.statement, Assign) and use.statement.augmented and use.statement.value is use.node
    if augmented or use.node.spelling.form is Form.INPLACE or _writes_elsewhere(use):
        return None
    return Repair(Applicability.SAFE, f"use `{name}`", ((use.node, written.text),), written.imports)


def _writes_elsewhere(use: Use) -> bool:
    return bool(use.node.extras)  # out=, dtype=, name=
