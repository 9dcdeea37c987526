"""The table of docs/comparison.md names tests; here it is seen that they exist, and what was compared."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)
]


def test_all_expectations_are_there():
    assert [int(row[0]) for row in ROWS] == list(range(1, 30))
    assert all(len(row) == 6 and all(row) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_cell_of_ours_names_tests_that_exist(row):
    named = re.findall(r'\[test\]\(\.\./(tests/\w+\.py) "(\w+)"\)', row[5])
    assert named
    for file, function in named:
        assert f"\ndef {function}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}: {function}"


@pytest.mark.parametrize("tool", ["ruff", "flake8", "mypy"])
def test_the_others_are_those_that_were_tried(tool):
    """Who raises a version looks at the column again."""
    version = re.search(rf"^{tool}==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M)[1]
    assert f"{tool} {version}" in PAGE
