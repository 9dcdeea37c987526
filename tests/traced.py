"""What the tests of the dynamic pass share: its fixtures, and whether one was judged as it is marked."""

from pathlib import Path

from nanlint.testing import compare, read_marks
from nanlint.trace.examples import file_name, of_file
from nanlint.trace.results import Results

FOLDER = Path(__file__).parent / "fixtures" / "trace"


def fixtures(folder: str) -> list[Path]:
    """The files of one kind: `blame`, `benign`, `broken` or `healthy`."""
    return sorted((FOLDER / folder).glob("*.py"))


def misjudged(path: Path, results: Results) -> list[tuple[int, str]]:
    """What was found and is not marked, and what is marked and was not found."""
    marked = read_marks(path.read_text(encoding="utf-8"))
    return compare(marked.expectations, of_file(results, file_name(path)))
