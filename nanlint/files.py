"""What is read of a stranger's files, and where they may lead: a project is not trusted further than its own folder."""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

# nobody writes settings, lists and cards that are larger, or source
SMALL, LARGE = 4_000_000, 100_000_000  # bytes

# of a key with n dots, tomllib looks at n² parts
_MOST_DOTS = 2_000


def read_whole(path: Path, most: int) -> bytes:
    """The content of a file.

    Raises:
        OSError: it cannot be read, is larger than `most` bytes, or is a device or a pipe, which may never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most // 1_000_000} MB")
    return data


def toml_of(text: str) -> dict[str, Any]:
    """The table that a TOML text stands for.

    Raises:
        ValueError: it is none; in one line.
    """
    if any(line.count(".") > _MOST_DOTS for line in text.split("\n")):
        raise ValueError(f"a line has more than {_MOST_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    except ValueError:  # Python reads no integer of thousands of digits
        raise ValueError("a number in it is too long") from None


def real_path(path: str | Path) -> Path:
    """The absolute path behind all links; of links in a circle something that does not exist."""
    return Path(os.path.realpath(path))  # `Path.resolve` raises an error there


def project_of(folder: Path) -> Path:
    """The folder of the project that a folder belongs to: the nearest git repository, or itself."""
    resolved = real_path(folder)
    return next((one for one in (resolved, *resolved.parents) if (one / ".git").exists()), resolved)


def leads_out(path: Path, top: Path) -> bool:
    """Does a path lead out of a folder, itself or through a link?"""
    return not real_path(path).is_relative_to(real_path(top))
