"""Inputs that nobody would write: programs, soups of tokens, settings, notebooks and cards, each drawn from a `Random`.

Who brings the `Random` decides what it is: `fuzz.py` a seed and a number, hypothesis one that it can shrink, atheris
one that reads its choices from the bytes that it mutates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random

from nanlint.config.keys import KEYS, RULE_KEYS

ROOT = Path(__file__).resolve().parent.parent

_TOKEN = re.compile(r"\w+|[^\S\n]+|\n[ \t]*|\*\*|//|->|:=|[=!<>]=|.", re.S)
_STATEMENT = re.compile(r"^(?=[^\s#)\]}])", re.M)
_LINES = 40  # of one piece of a file: small inputs are many inputs

# what our reader, our parser and our rules look at, and what has been the end of other people's
_PLAIN_WORDS = """
    and as assert async await break case class continue def del elif else except finally for from global if import in
    is lambda match nonlocal not or pass raise return try type while with yield True False None self super __init__
    forward x y z torch nn F np jnp tf K math torch.nn.functional jax.numpy as_tensor tensor
    log log1p log2 exp expm1 sqrt rsqrt softmax sigmoid norm clamp clip where sum mean std var max min div pow acos tanh
    logsumexp log_softmax cross_entropy nll_loss normalize masked_fill cumprod prod einsum softplus relu abs detach item
    half float16 bfloat16 autocast GradScaler backward step zero_grad no_grad clip_grad_norm_ Adam SGD Linear LayerNorm
    kaiming_uniform_ xavier_normal_ Parameter register_buffer dim eps keepdim dtype lr betas weight_decay reduction axis
    ( ) [ ] { } , : ; . .. ... = == != < > <= >= := -> + - * ** / // % @ & | ^ ~ << >> += -= *= /= **= //= @= ! ? $ ` \\
    0 1 -1 2 0.5 1e-8 1e-320 1e308 1e400 0x7f 0b1 0o7 1_000 1j 0xffffffffffffffffffffffffffffffffffff 00 1__0 .5e 1if
    """.split()
WORDS = (
    *_PLAIN_WORDS,
    "' '", '""', "'''", '"""', "f'{x}'", "f'{x!r:>{y}}'", "f'{", "t'{x}'", 'f"{"', "rb'\\x'", "b'\\xff'", "u'a'",
    "'\\N{DASH}'", "'\\ud800'", "\n", "\n    ", "\n\t", "\n        ", " ", "\r", "\r\n", "\f", "\v", "\\\n", "#", "# ",
    "# nanlint: ignore", "# nanlint: ignore[NAN101]", "# nanlint: ignore[NAN101, log-of-softmax] x", "# noqa: NAN102",
    "# nanlint: ignore-file", "# nanlint:ignore[", "# noqa", "# type: ignore", "# coding: latin-1",
    "# -*- coding: x -*-",
    "except* E", "type X[T] = int", "def f[T: int, *Ts, **P](x: T) -> T:", "class A[T = int]:",
    "match x:\n    case [y, *_]:",
    "case {'a': 1, **r} if r:", "lambda: (yield)", "async for x in y:", "print x", "print >>x, y", "exec x",
    "raise E, 'x'",
    "except E, e:", "<>", "`x`", "0777", "ur'x'", "\x1b[31m", "\u202e", "\u2028", "\ufeff", "é", "ℌ", "变量", "𝒙", "٣",
    "9" * 5000, "0x" + "f" * 4000, "1" * 400 + ".0", "1e" + "9" * 30, "(" * 60, "-" * 90, "x." * 60, "not " * 60,
    "if x:\n elif y:\n", "@property", "@torch.no_grad()", "*args, **kwargs", "x[..., None, ::-1]", "a[b:=1]", "(*a,)",
    "import torch\n", "from . import *\n", "from .... import a\n", "import a.b.c as d\n", "__all__ = ['x']",
    "global x\n",
)  # fmt: skip


@cache
def pieces(folder: Path | None = None) -> tuple[str, ...]:
    """Stretches of real files, by default of this repository's own cases: some statements with the imports above."""
    files = sorted(folder.rglob("*.py")) if folder else sorted((ROOT / "tests" / "fixtures").rglob("*.py"))
    cut: list[str] = []
    for file in files:
        try:
            text = file.read_bytes().decode()
        except ValueError:
            continue
        starts = [match.start() for match in _STATEMENT.finditer(text)]
        head = "".join(line for line in text.splitlines(keepends=True)[:20] if line.startswith(("import ", "from ")))
        for at in range(0, len(starts), 4):
            end = starts[at + 4] if at + 4 < len(starts) else len(text)
            body = "".join(text[starts[at] : end].splitlines(keepends=True)[:_LINES])
            if len(body) < 4000:
                cut.append(head + body)
    return tuple(cut) or ("import torch\nx = torch.log(y)\n",)


def program(random: Random, real: Sequence[str]) -> bytes:
    """A real piece with a few changes."""
    text = random.choice(real)
    for _ in range(random.randrange(5)):
        text = random.choice(_CHANGES)(random, text, real)
    return _encoded(random, text)


def soup(random: Random, real: Sequence[str]) -> bytes:
    """Tokens, some of them from a real piece, in any order."""
    words = WORDS + tuple(_TOKEN.findall(random.choice(real))[:50])
    count = random.choice((3, 10, 30, 80))
    glue = random.choice(("", " ", " "))
    head = random.choice(("", "import torch\n", "import torch\ndef f(x):\n    "))
    return _encoded(random, head + glue.join(random.choice(words) for _ in range(count)))


def settings(random: Random, real: Sequence[str]) -> bytes:
    """A `nanlint.toml`: known and unknown keys, right and wrong values."""
    lines = [_setting(random, KEYS) for _ in range(random.randrange(5))]
    for _ in range(random.randrange(3)):
        name = random.choice(("NAN101", "NAN1", "log-of-zero", "ALL", "NAN117", "NAN406", "nope", '"a b"', "Ω"))
        lines += [f"[rules.{name}]", *(_setting(random, RULE_KEYS) for _ in range(random.randrange(3)))]
    text = "\n".join(lines)
    return _encoded(random, text if random.random() < 0.8 else _TEXT_CHANGES[0](random, text, (text,)))


def notebook(random: Random, real: Sequence[str]) -> bytes:
    """A notebook: cells of any kind, odd metadata, sometimes no JSON at all."""
    cells = [_cell(random, real) for _ in range(random.randrange(5))]
    content: object = {"cells": cells, "metadata": _metadata(random), "nbformat": 4, "nbformat_minor": 5}
    if random.random() < 0.1:
        content = random.choice(([], {}, {"worksheets": []}, {"cells": None}, {"cells": {}}, cells, "x", None, 10**9))
    indent = random.choice((None, 0, 1, 4, "\t"))
    text = json.dumps(content, ensure_ascii=random.random() < 0.5, indent=indent)
    for _ in range(random.choice((0, 0, 0, 1, 3))):
        text = random.choice(_TEXT_CHANGES)(random, text, _JSON_WORDS)
    return _encoded(random, text)


def card(random: Random, real: Sequence[str]) -> bytes:
    """A rule card: keys and values of all kinds, blocks that do not end."""
    lines = [random.choice(("# Title", "#", "", "# A `b` — c")), "", random.choice(("```toml", "```toml", "```"))]
    for key, values in _CARD_KEYS.items():
        if random.random() < 0.75:
            lines.append(f"{key} = {random.choice(values) if random.random() < 0.9 else _value(random)}")
    for _ in range(random.randrange(3)):
        name = random.choice(('"torch.foo"', '"a.b"', "x", '""', '"torch.log"', '"é.ü"', '"*"', '"a..b"'))
        operand = random.choice(("0", "1", "-1", "99", "true", "'x'", "9" * 30))
        lines += [f"[operation.{name}]", f"operand = {operand}", f"safe = {random.choice(_SAFE)}"]
    lines += [random.choice(("```", "```", "")), "", "## What it does", "", "Looks.", "", "## Bad", "", "```python"]
    lines += [random.choice(real), "```", random.choice(("```python fixed\n", "```python input\nf(x)\n```", "## Bad"))]
    text = "\n".join(lines)
    for _ in range(random.choice((0, 0, 1))):
        text = random.choice(_TEXT_CHANGES)(random, text, _TOML_WORDS)
    return _encoded(random, text)


KINDS: Mapping[str, Callable[[Random, Sequence[str]], bytes]] = {
    "program": program, "soup": soup, "settings": settings, "notebook": notebook, "card": card,
}  # fmt: skip


# changes of a text; each takes pieces to take from

_Change = Callable[[Random, str, Sequence[str]], str]


def _tokens(random: Random, text: str, real: Sequence[str]) -> str:
    """Some tokens deleted, doubled, swapped or replaced."""
    found = _TOKEN.findall(text)
    for _ in range(random.choice((1, 2, 5)) if found else 0):
        at, other = random.randrange(len(found)), random.randrange(len(found))
        found[at] = random.choice(("", found[at] * 2, found[other], random.choice(WORDS), random.choice(WORDS)))
    return "".join(found)


def _lines(random: Random, text: str, real: Sequence[str]) -> str:
    """A line deleted, doubled, moved, indented or joined with the next."""
    lines = text.splitlines(keepends=True) or [""]
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    how = random.randrange(5)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(other, lines[at])
    elif how == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif how == 3:
        lines[at] = random.choice((" ", "    ", "\t", "  \t")) + lines[at]
    else:
        lines[at] = lines[at].rstrip("\r\n") + random.choice(("", ";", "\\", "\r", " #"))
    return "".join(lines)


def _characters(random: Random, text: str, real: Sequence[str]) -> str:
    """A stretch cut out, repeated, or a character put in."""
    start = random.randrange(len(text) + 1)
    end = min(start + random.choice((0, 1, 1, 5, 50)), len(text))
    return (
        text[:start] + random.choice(("", random.choice(WORDS), text[start:end] * random.choice((2, 20)))) + text[end:]
    )


def _splice(random: Random, text: str, real: Sequence[str]) -> str:
    """The beginning of one with the end of another."""
    other = random.choice(real)
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]


def _ends(random: Random, text: str, real: Sequence[str]) -> str:
    """Other line ends, everywhere or here and there."""
    end = random.choice(("\r\n", "\r", "\n\n", "\f\n", "\n\f", " \n"))
    return text.replace("\n", end, random.choice((-1, 1, 3)))


def _nested(random: Random, text: str, real: Sequence[str]) -> str:
    """All of it in a function, a class or a condition."""
    head = random.choice(
        ("def g(x, y=1, *a):", "class B(nn.Module):", "if x:", "for x in y:", "try:", "async def h():")
    )
    return f"{head}\n" + "".join(f"    {line}" for line in text.splitlines(keepends=True))


_CHANGES: Sequence[_Change] = (_tokens, _tokens, _tokens, _lines, _lines, _characters, _splice, _ends, _nested)
_TEXT_CHANGES: Sequence[_Change] = (_characters, _splice, _tokens)


def _encoded(random: Random, text: str) -> bytes:
    """Mostly UTF-8, as it should be."""
    how = random.randrange(40)
    if how == 0:
        return text.encode("latin-1", errors="replace")
    if how == 1:
        return b"\xef\xbb\xbf" + text.encode(errors="replace")
    if how == 2:
        encoding = random.choice(("latin-1", "utf-8", "utf-7", "cp1252", "utf-16", "hex", "rot13", "idna", "undefined"))
        return f"# coding: {encoding}\n{text}".encode(errors="replace")
    data = text.encode(errors="surrogatepass") if how == 3 else text.encode(errors="replace")
    if how == 4 and data:
        at = random.randrange(len(data))
        data = data[:at] + bytes((random.randrange(256),)) + data[at + 1 :]
    return data[: random.randrange(len(data) + 1)] if how == 5 else data


# values

_STRINGS = (
    "", "x", "ALL", "NAN101", "NAN9", "log-of-zero", "2.4", "2.", "9" * 40 + ".1", "*", "**", "[", "[!", "!", "!!",
    "/", "\\",
    "a/**/b", "../..", "/dev/null", "nanlint.toml", "\0", "\n", "\x7f", "é", "\u202e", "~", "a" * 5000, "{a,b}",
    "(?P<", "#x",
    "possible", "unknown", "certain", "error", "warning", "info", "safe", "unsafe", "never", "full", "sarif", "json",
    "{0}",
)  # fmt: skip
_PLAIN = (
    "0", "1", "-1", "1e-8", "1e400", "nan", "inf", "-inf", "true", "false", "9" * 30, "9" * 5000, "0x" + "f" * 5000,
    "1979-05-27",
    "07:32:00", "{}", "[]", "[" * 3000, "{ a = " * 500, "[[]]", "{ Adam = 0.1 }", "{ Adam = -1 }", "{ a.b.c = 1 }", "",
    "x",
    '"\\ud800"', "'''", '"""',
)  # fmt: skip
_JSON_WORDS = (
    "{", "}", "[", "]", ",", ":", '"', "\\", '"cells"', '"source"', "null", "NaN", "Infinity", "1e999", "9" * 5000,
    "\\u0000",
    "\\ud83d", "\\udc00", '"cell_type": "code"', "[" * 3000, '{"a":' * 3000, "\ufeff", "-", "0x1",
)  # fmt: skip
_TOML_WORDS = (*_PLAIN, "[", "]", "=", '"', "'", "```", "\n```\n", "# ", "[operation]", "[[operation]]", "message = ''")
_SAFE = (
    "'x > 0'", "'x != 0'", "'-1 <= x <= 1'", "'1 < x < -1'", "'x > inf'", "'x < -inf'", "'inf < x < inf'",
    "'x >= 1e999'",
    "'1e-999 < x'", "'x > 1.'", "'x > ٣'", "'0 <= x <= 0'", "''", "'x'", "0", "true", "'x > " + "9" * 5000 + "'",
)  # fmt: skip
_CARD_KEYS: Mapping[str, Sequence[str]] = {
    "message": ("'of `{operand}`'", "'{operation} {trouble} {range} {expression}'", "'{x}'", "'{'", "'{}'",
    "'{operand.a}'",
                "'{operand!r}'", "'{operand!x}'", "'{operand:>99999999999}'", "'{operand:d}'", "'{range:{operand}}'",
                "'{0}'",
                "'{operand[0]}'", "'{{}}'", "'{operand:999999}'"),
    "operations": ("['log']", "['torch.log']", "['nope']", "[]", "['log', 'sqrt']", "['div', 1]", "['']"),
    "operand-from": ("['softmax']", "[]", "['x']", "'softmax'"),
    "check": ("'norm_by_hand'", "'trace'", "'nope'", "''", "'__init__'"),
    "severity": ("'warning'", "'error'", "'loud'", "''"),
    "report": ("'possible'", "'unknown'", "'none'"),
    "fix": ("'guard'", "'nope'", "'add_epsilon'", "''", "1"),
    "since": ("'0.1'", "1"),
}  # fmt: skip


def _value(random: Random) -> str:
    how = random.randrange(4)
    if how == 0:
        return random.choice(_PLAIN)
    strings = [json.dumps(random.choice(_STRINGS)) for _ in range(random.randrange(4))]
    if how == 1:
        return f"[{', '.join(strings)}]"
    if how == 2:
        return (
            "{ "
            + ", ".join(f"{one} = {random.choice((random.choice(_PLAIN), f'[{one}]'))}" for one in {*strings})
            + " }"
        )
    return json.dumps(random.choice(_STRINGS))


def _setting(random: Random, keys: Mapping[str, object]) -> str:
    key = random.choice(tuple(keys)) if random.random() < 0.95 else random.choice(("nope", '"a b"', "", "[x", "a.b"))
    return f"{key} = {_value(random)}"


def _cell(random: Random, real: Sequence[str]) -> object:
    text = random.choice(
        ("", "%matplotlib inline\n", "%%time\n", "%%bash\n", "!ls\n", "x?\n", "x = !ls\n", "%%\n", "cd ..\n")
    )
    text += random.choice((random.choice(real), "", "\n", " ".join(random.choice(WORDS) for _ in range(8))))
    if random.random() < 0.3:
        text = random.choice(_CHANGES)(random, text, real)
    lines: object = text.splitlines(keepends=True) if random.random() < 0.7 else text
    if random.random() < 0.05:
        lines = random.choice((None, 1, [1], [[]], {}, [""], ["", ""], ["a", "b"]))
    made = {"cell_type": random.choice(("code", "code", "code", "markdown", "raw", 1)), "source": lines, "outputs": []}
    made["metadata"] = random.choice(({}, {"vscode": {"languageId": "r"}}, {"vscode": 1}, None, []))
    return made if random.random() < 0.97 else random.choice((None, [], 1, "x", {}))


def _metadata(random: Random) -> object:
    language = random.choice(("python", "Python", "ipython", "r", "", 1, None, "\x1b[0m", "julia\n"))
    known = {"language_info": {"name": language}, "kernelspec": {"language": language}}
    return random.choice((known, known, {}, None, [], 1, {"language_info": 1}, {"kernelspec": []}))
