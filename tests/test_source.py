"""Text in, bytes out: nothing about a file may change but what a repair changes."""

import codecs
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanlint.source import Source, SourceError, Span, decode_source, read_source, write_source

TEXT = st.text(st.sampled_from("ab (=)\t\r\n\f漢é\u2028"))


@given(TEXT)
def test_bytes_come_back(text):
    data = text.encode()
    source = decode_source(data, "a.py")
    assert source.encode(source.text) == data


@given(TEXT)
def test_lines_hold_the_whole_text(text):
    assert "".join(Source("a.py", text).lines) == text


@given(TEXT.filter(bool), st.data())
def test_offset_and_position_are_inverse(text, data):
    source = Source("a.py", text)
    offset = data.draw(st.integers(0, len(text) - 1))
    assert source.offset(*source.position(offset)) == offset


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end):
    source = Source("a.py", f"a{end}b{end}c")
    assert source.lines == [f"a{end}", f"b{end}", "c"]
    assert [source.line_text(line) for line in range(1, 5)] == ["a", "b", "c", ""]


def test_a_form_feed_or_line_separator_does_not_end_a_line():
    assert len(Source("a.py", "a\fb\u2028c\x0bd").lines) == 1


def test_columns_count_characters():
    assert Source("a.py", "漢 = é\n").slice(Span(1, 5, 1, 6)) == "é"


def test_a_span_over_lines():
    assert Source("a.py", "ab\r\ncd\r\n").slice(Span(1, 2, 2, 2)) == "b\r\nc"


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + "x = 'é'\r\n".encode(),
        b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
        b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\r\ny\rz\n",
        b"",
    ],
)
def test_encoding_and_mark_come_back(data):
    source = decode_source(data, "a.py")
    assert source.encode(source.text) == data


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"a\nb\0\n", "source contains NUL bytes", 2),
        (b"a\n'\xe9'\n", "not valid utf-8: byte 0xe9", 2),
        (b"# coding: klingon\n", "unknown encoding: klingon", 1),
    ],
)
def test_what_is_no_text(data, message, line):
    with pytest.raises(SourceError) as error:
        decode_source(data, "a.py")
    assert message in error.value.message
    assert error.value.line == line


def test_a_missing_file(tmp_path):
    with pytest.raises(SourceError, match="No such file"):
        read_source(tmp_path / "a.py", "a.py")


def test_writing_keeps_mode_and_link(tmp_path):
    path, link = tmp_path / "a.py", tmp_path / "link.py"
    path.write_bytes(b"old")
    path.chmod(0o751)
    link.symlink_to(path)
    write_source(link, b"new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert link.is_symlink()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.py", "link.py"]


def test_writing_that_fails_leaves_the_old_text(tmp_path, monkeypatch):
    path = tmp_path / "a.py"
    path.write_bytes(b"old")
    monkeypatch.setattr("nanlint.source.shutil.copymode", _fail)
    with pytest.raises(OSError, match="full"):
        write_source(path, b"new")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"old"]


def _fail(*_):
    raise OSError(28, "disk full")
