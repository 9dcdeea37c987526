"""From a file to its Python: a notebook is read as the program of its cells."""

from __future__ import annotations

from pathlib import Path

from nanlint.source import Source, decode_source, read_bytes

NOTEBOOK = ".ipynb"


def decode(data: bytes, filename: str) -> Source:
    """Bytes to text.

    Raises:
        SourceError: they are not Python.
        SkippedError: they are a notebook in another language.
    """
    if not filename.endswith(NOTEBOOK):
        return decode_source(data, filename)
    from nanlint.notebooks.notebook import decode_notebook  # noqa: PLC0415  (most runs meet none)

    return decode_notebook(data, filename)


def read(filename: str) -> Source:
    """The text of a file.

    Raises:
        SourceError: the file cannot be read, or is not Python.
        SkippedError: it is a notebook in another language.
    """
    return decode(read_bytes(Path(filename)), filename)
