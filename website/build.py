"""The documentation as a site: `python website/build.py [FOLDER]` writes it to `build/site`, or to FOLDER.

The pages are those of `docs/`, one for each card of `rules/`, and the changelog. Those of the rules are made here, so
that nothing is written twice. Zensical builds them: it is what the authors of Material for MkDocs, and with them its
users, have moved to, since MkDocs is no longer maintained; it needs no plugin for what we do. A link or an anchor that
leads nowhere ends the build.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pages import documents, rule_pages

TARGET = ROOT / "build" / "site"
SETTINGS = "zensical.toml"


def gather(folder: Path) -> None:
    """Write all sources of the site into an empty folder."""
    pages = folder / "docs"
    shutil.copytree(ROOT / "docs", pages)
    shutil.copytree(Path(__file__).parent / "assets", pages / "assets")
    for name, text in {**documents(), **rule_pages()}.items():
        path = pages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copy(Path(__file__).parent / SETTINGS, folder)


def build(target: Path) -> int:
    """Build the site; the exit code, which is not 0 if anything is to be warned of."""
    folder = target.parent / f"{target.name}-sources"
    for old in (folder, target):
        shutil.rmtree(old, ignore_errors=True)
    gather(folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(folder / SETTINGS)]
    done = subprocess.run(command, cwd=folder, check=False)
    if done.returncode == 0:
        (folder / "site").rename(target)
        print(f"Open {target / 'index.html'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]).resolve() if sys.argv[1:] else TARGET))
