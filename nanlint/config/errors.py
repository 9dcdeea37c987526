"""What is said about settings that cannot be used."""

from __future__ import annotations


class ConfigError(Exception):
    """A setting that cannot be used: one line that says where, what, and the nearest valid word."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
