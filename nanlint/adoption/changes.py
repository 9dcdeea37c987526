"""What changed since a git revision, so that only findings on changed lines are reported."""

from __future__ import annotations

import difflib
import os
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from nanlint.config import ConfigError
from nanlint.diagnostic import Diagnostic
from nanlint.reading import decode
from nanlint.source import Source, SourceError

_OPTION = "--diff-base"
# nothing that the repository's own settings name is run
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=off")


class Changes:
    """The working tree compared with the commit where HEAD left a revision."""

    def __init__(self, revision: str) -> None:
        """Look for the commit.

        Raises:
            ConfigError: git is missing, this is no repository, or the revision does not exist.
        """
        top = _git("rev-parse", "--show-toplevel", otherwise="this folder is not in a git repository")
        self._top = Path(os.fsdecode(top).rstrip("\n")).resolve()
        unknown = f"unknown revision `{revision}`"
        if not revision or revision.startswith("-"):
            raise ConfigError(f"{_OPTION}: {unknown}")
        commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", otherwise=unknown).decode().strip()
        apart = f"`{revision}` and HEAD have no commit in common; a shallow clone needs more history"
        self._base = _git("merge-base", commit, "HEAD", otherwise=apart).decode().strip()

    def may_differ(self, filename: str) -> bool:
        """Is the file new, renamed or changed?"""
        path = self._path(filename)
        return path in self._changed or path not in self._known

    def keep(self, source: Source, found: Sequence[Diagnostic]) -> list[Diagnostic]:
        """The findings in changed lines, or explained by one."""
        if not found:
            return []
        lines = self._changed_lines(source)
        return list(found) if lines is None else [one for one in found if _touches(one, lines)]

    def _changed_lines(self, source: Source) -> set[int] | None:
        """None: all of them."""
        path = self._path(source.filename)
        before = self._before(self._changed.get(path, path))
        if before is None:
            return None
        old, new = ([line.rstrip("\r\n") for line in one.lines] for one in (before, source))
        while old and new and old[-1] == new[-1]:
            old.pop()
            new.pop()
        same = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        matcher = difflib.SequenceMatcher(None, old[same:], new[same:], autojunk=len(new) - same > 2000)
        changed: set[int] = set()
        for tag, _, _, start, end in matcher.get_opcodes():
            if tag in {"insert", "replace"}:
                changed.update(range(same + start + 1, same + end + 1))
        return changed

    def _before(self, path: str) -> Source | None:
        """The file in the commit; None if it was not there, or was no text."""
        if path not in self._known:
            return None
        try:
            return decode(_git("cat-file", "blob", f"{self._base}:{path}", otherwise=f"cannot read {path}"), path)
        except SourceError:
            return None

    @cached_property
    def _known(self) -> frozenset[str]:
        listed = _git("ls-tree", "-r", "-z", "--name-only", "--full-tree", self._base, otherwise="cannot list files")
        return frozenset(os.fsdecode(listed).split("\0"))

    @cached_property
    def _changed(self) -> dict[str, str]:
        """The files that differ, and what they were called."""
        options = ("-z", "--name-status", "-M", "--no-ext-diff", "--no-textconv", "--ignore-submodules")
        words = os.fsdecode(_git("diff", *options, self._base, "--", otherwise="cannot compare files")).split("\0")
        changed = {}
        rest = iter(words)
        for status in rest:
            if status.startswith(("R", "C")):
                old, new = next(rest), next(rest)
                changed[new] = old
            elif status:
                path = next(rest)
                changed[path] = path
        return changed

    def _path(self, filename: str) -> str:
        return os.path.relpath(Path(filename).resolve(), self._top).replace(os.sep, "/")


def _touches(one: Diagnostic, changed: set[int]) -> bool:
    spans = [one.span, *(related.span for related in one.related if related.filename in {None, one.filename})]
    lines = {line for span in spans for line in range(span.start_line, span.end_line + 1)}
    return not changed.isdisjoint(lines | {one.noqa_line or one.span.end_line})


def _git(*arguments: str, otherwise: str) -> bytes:
    try:
        done = subprocess.run([*_GIT, *arguments], capture_output=True, check=False)  # noqa: S603
    except OSError:
        raise ConfigError(f"{_OPTION}: git cannot be run; is it installed?") from None
    if done.returncode:
        raise ConfigError(f"{_OPTION}: {otherwise}")
    return done.stdout
