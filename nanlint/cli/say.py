"""What is said beside the report, on standard error."""

from __future__ import annotations

import click

from nanlint.report.style import displayed


def complain(line: str) -> None:
    """One line about what cannot be done. Names of files in it are a stranger's, and may hold anything."""
    click.echo(f"nanlint: {displayed(line)}".encode(errors="replace").decode(), err=True)
