"""nanlint as a plugin of flake8, with nanlint's own settings: `flake8` then shows NAN101 and so on among its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache

from nanlint.config import Configuration
from nanlint.engine import lint_text
from nanlint.plan import Planner
from nanlint.report.run import version
from nanlint.source import Source


class Plugin:
    """What flake8 makes for each file and then runs."""

    name = "nanlint"
    version = version()

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        """What flake8 hands over, which it recognises by the names of the arguments."""
        self._filename = "<stdin>" if filename in {"-", "stdin"} else filename
        self._text = "".join(lines)

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """Line, column from 0, code and message, and who says it.

        Raises:
            ConfigError: the settings of nanlint cannot be used.
            RuntimeError: nanlint could not do its work.
        """
        _, settings, cards = _planner().file(self._filename)
        result = lint_text(Source(self._filename, self._text), cards, settings)
        if result.problem is not None:
            raise RuntimeError(result.problem)
        for one in result.found:
            # flake8 has the file parsed itself
            if one.code != "NAN003":
                yield one.span.start_line, one.span.start_column - 1, f"{one.code} {one.message}", type(self)


@cache
def _planner() -> Planner:
    return Planner(Configuration())
