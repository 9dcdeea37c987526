"""A repair as the checks propose it: new text for IR nodes, and the imports it needs."""

from __future__ import annotations

from dataclasses import dataclass

from nanlint.fix import Applicability
from nanlint.ir.nodes import Expr


@dataclass(frozen=True, slots=True)
class Repair:
    """New text for some expressions. Located and turned into a `Fix` once all findings of a file are known.

    Attributes:
        replacements: expression → the text that takes its place (without the parentheses around it).
        imports: lines to add after the last top-level import, e.g. "import torch.nn.functional as F".
    """

    applicability: Applicability
    message: str
    replacements: tuple[tuple[Expr, str], ...]
    imports: tuple[str, ...] = ()
