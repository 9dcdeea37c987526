"""Tables that are read from a file and reach a tensor, without a look at the values that are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.structure import names_in, scopes, targets_of
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import expressions, parts, statements

# an empty cell becomes NaN without a word; `numpy.loadtxt` refuses it
_READERS = frozenset(
    {*(f"pandas.read_{kind}" for kind in ("csv", "table", "excel", "parquet", "feather", "fwf", "stata", "sas")),
     "numpy.genfromtxt"}
)  # fmt: skip
_READING = tuple(path.rpartition(".")[2] for path in _READERS)
# whoever writes one of these has thought of it
_HANDLED = re.compile(
    r"dropna|fill_?na|is_?na\b|is_?null|not_?na\b|not_?null|isnan|isfinite|nan_to_num|np\.nan|nan(?:mean|std|max|min)|"
    r"Imputer|\bimpute|interpolate|na_filter|keep_default_na|na_values|missing|filling_values|hasnans|masked_invalid|"
    r"\bNaNs?\b",
)
_TENSORS = frozenset(f"torch.{name}" for name in ("FloatTensor", "DoubleTensor", "Tensor"))
_FRAMEWORKS = frozenset({"torch", "tensorflow", "jax"})
_INTEGERS = re.compile(r"(?:^|\.)(?:long|u?int\d*|bool)$")


def unchecked_missing_values(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A tensor made of a table from a file, in a file that nowhere asks about missing values."""
    if facts.chain or facts.is_test or not facts.mentions(*_READING) or facts.says(_HANDLED):
        return
    everywhere = list(scopes(facts.body))
    functions: set[str] = set()
    fields: set[str] = set()
    for _ in range(2):  # a method may use what one below it has read
        for function, body in everywhere:
            tables = _tables(body, functions, fields)
            fields |= {name for name in tables if name.startswith("self.")}
            if function is not None and _returns(body, tables, functions):
                functions.add(function.name)
    # one look at the table answers for all the tensors made of it
    for _, body in everywhere:
        tables = _tables(body, functions, fields)
        for statement in statements(body):
            for expr in expressions(statement):
                given = _made_of(expr)
                if given is not None and _is_of_table(given, tables, functions):
                    operand = shortened(facts.text(given))
                    yield remark(card, expr, statement, Evidence.POSSIBLE, operand=operand)
                    return


def _tables(body: Sequence[nodes.Stmt], functions: set[str], fields: set[str]) -> set[str]:
    """The names in one scope that hold a table, or a part of one."""
    held = set(fields)
    for statement in statements(body):
        value = getattr(statement, "value", None)
        if isinstance(statement, nodes.Assign) and _is_of_table(value, held, functions):
            held.update(targets_of(statement))
    return held


def _returns(body: Sequence[nodes.Stmt], tables: set[str], functions: set[str]) -> bool:
    return any(isinstance(one, nodes.Return) and _is_of_table(one.value, tables, functions) for one in statements(body))


def _is_of_table(expr: nodes.Expr | None, tables: set[str], functions: set[str]) -> bool:
    """Is something in the expression read from a file, or held by one of the names?"""
    if expr is None or _is_about(expr):
        return False
    if not tables.isdisjoint(names_in(expr)):
        return True
    for part in parts(expr):
        func = part.func if isinstance(part, nodes.Call) else None
        if isinstance(part, nodes.Call) and getattr(func, "path", None) in _READERS and "dtype" not in part.keywords:
            return True
        if (
            isinstance(func, nodes.Name | nodes.Attribute)
            and getattr(func, "id", getattr(func, "name", "")) in functions
        ):
            return True
    return False


def _is_about(expr: nodes.Expr) -> bool:
    """`len(table)`, `table.shape[0]`, `table["id"].astype(int)`: numbers about a table, or none that can be NaN."""
    if isinstance(expr, nodes.Call):
        return getattr(expr.func, "path", None) in ("builtins.len", "builtins.print") or (
            getattr(expr.func, "name", "") in ("nunique", "unique", "tolist", "astype")
        )
    return any(
        isinstance(one, nodes.Attribute) and one.name in ("shape", "columns", "size", "codes", "index")
        for one in parts(expr)
    )


def _made_of(expr: nodes.Expr) -> nodes.Expr | None:
    """What a tensor of numbers is made of. One of integers cannot hold NaN."""
    if isinstance(expr, nodes.Apply):
        is_tensor = expr.spelling.operation.name == "tensor" and expr.spelling.framework in _FRAMEWORKS
        dtype = expr.keywords.get("dtype")
        if not is_tensor or not expr.operands or _INTEGERS.search(getattr(dtype, "path", None) or ""):
            return None
        return next(iter(expr.operands.values()))
    if isinstance(expr, nodes.Call) and getattr(expr.func, "path", None) in _TENSORS and len(expr.args) == 1:
        return expr.args[0]
    return None
