"""Files in a newer grammar than the running Python knows, put into an older one at the same places.

libcst's parser knows every grammar since Python 3.0. What the newer ones brought carries no numbers (parameters and
names of types, what a string shows, which exceptions are caught), so it is blanked out, and every other node stays
where it is.
"""

from __future__ import annotations

import re
from os.path import commonprefix

import libcst as cst
from libcst._nodes.internal import CodegenState

from nanlint.depth import check_depth
from nanlint.source import Source, SourceError

_SPACE = re.compile(r"(![rsa])([ \t]+)(?=[:}])")  # `{x!r  }`, which libcst would lose; before the `!` it keeps it
# what any expression can be replaced by: an unknown name in parentheses, which may go over several lines
_EXPRESSIONS = (cst.FormattedString, cst.TemplatedString, cst.ConcatenatedString, cst.TypeAlias)


def in_older_grammar(source: Source) -> str | None:
    """The text with newer grammar blanked out; None if it is no Python of any version."""
    try:
        check_depth(source)
        spaced = _SPACE.sub(r"\2\1", source.text)
        module = cst.parse_module(spaced)
    except (SourceError, cst.ParserSyntaxError, cst.CSTValidationError, cst.CSTLogicError):  # on `"a" b"c"`
        return None
    recorder = _Recorder(module)
    module._codegen(recorder)  # noqa: SLF001  (libcst offers positions only together with its slow metadata)
    text = source.text
    if recorder.at != len(text):  # what is lost on the way moves everything behind it
        kept = len(commonprefix([spaced, module.code]))  # noqa: RUF071  (of texts, which is meant here)
        if any(end > kept for _, _, end in recorder.found):
            return None
    for node, start, end in recorder.found:
        written = text[start:end]
        blank = _no_brackets(written) if isinstance(node, cst.TypeParameters) else _unknown(written)
        text = text[:start] + blank + text[end:]
    return text


def _unknown(text: str) -> str:
    """An expression of the same shape of which nothing is known."""
    return f"(_{_spaces(text[2:-1])})"


def _no_brackets(text: str) -> str:
    """Nothing, over the same lines."""
    return re.sub(r" (?=\r?\n)", r"\\", _spaces(text))


def _spaces(text: str) -> str:
    return re.sub(r"[^\r\n]", " ", text)


class _Recorder(CodegenState):
    """Code generation that counts characters, and notes where newer grammar stands, inner nodes first."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__(default_indent=module.default_indent, default_newline=module.default_newline)
        self.at = 0
        self.found: list[tuple[cst.CSTNode, int, int]] = []
        self.tokens.append("")  # a module that has written nothing adds a line end
        self._starts: list[int] = []
        self._last = 0
        self._caught: cst.CSTNode | None = None

    def add_indent_tokens(self) -> None:
        self.at += sum(map(len, self.indent_tokens))

    def add_token(self, value: str) -> None:
        self.at += len(value)
        self._last = len(value)

    def pop_trailing_newline(self) -> None:
        self.at -= self._last

    def before_codegen(self, node: cst.CSTNode) -> None:
        self._starts.append(self.at)
        if isinstance(node, cst.ExceptHandler):
            self._caught = node.type

    def after_codegen(self, node: cst.CSTNode) -> None:
        start = self._starts.pop()
        bare = node is self._caught and isinstance(node, cst.Tuple) and not node.lpar
        if bare or isinstance(node, (*_EXPRESSIONS, cst.TypeParameters)):
            self.found.append((node, start, self.at))
