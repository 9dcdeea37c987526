"""Which files a path stands for."""

import pytest

from nanlint.config import Settings
from nanlint.discover import discover


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(*names, **contents):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(contents.get("text", ""))
        return tmp_path

    return make


def files(*paths, **settings):
    return list(discover(paths, Settings(**settings)).files)


def test_python_files_in_order(tree):
    tree("b.py", "a.pyi", "c.txt", "d/z.py", "d/a.py", "e.ipynb", ".ipynb_checkpoints/e.ipynb")
    assert files(".") == ["a.pyi", "b.py", "d/a.py", "d/z.py", "e.ipynb"]
    assert files("./d/") == ["d/a.py", "d/z.py"]


def test_a_named_file_is_always_read(tree):
    tree("build/x.py", "script")
    assert files("build/x.py", "script", exclude=("*.py",)) == ["build/x.py", "script"]


def test_each_file_once(tree):
    tree("a.py")
    assert files("a.py", ".", "./a.py") == ["a.py"]


@pytest.mark.parametrize("folder", [".venv", "venv", ".git", "node_modules", "__pycache__", "build", "dist", ".tox"])
def test_default_excludes(tree, folder):
    tree("a.py", f"{folder}/b.py", f"c/{folder}/d.py")
    assert files(".") == ["a.py"]
    assert files(folder) == [f"{folder}/b.py"]


def test_settings_exclude(tree):
    tree("a.py", "legacy/b.py", "c/legacy/d.py", "c/e_pb2.py")
    assert files(".", exclude=("/legacy/", "*_pb2.py")) == ["a.py", "c/legacy/d.py"]


def test_excludes_are_relative_to_the_configuration(tree):
    root = tree("src/legacy/b.py", "src/a.py")
    assert files("src", exclude=("src/legacy",), root=root) == ["src/a.py"]


def test_gitignore(tree):
    root = tree("a.py", "gen.py", "sub/gen.py", "sub/keep.py", "sub/other.py")
    (root / ".gitignore").write_text("gen.py\n")
    (root / "sub/.gitignore").write_text("!gen.py\nother.py\n")
    assert files(".") == ["a.py", "sub/gen.py", "sub/keep.py"]


def test_gitignore_above_counts_inside_a_repository(tree):
    root = tree("repo/src/a.py", "repo/src/gen.py")
    (root / ".gitignore").write_text("a.py\n")
    (root / "repo/.gitignore").write_text("gen.py\n")
    assert files("repo/src") == ["repo/src/a.py", "repo/src/gen.py"]
    (root / "repo/.git").mkdir()
    assert files("repo/src") == ["repo/src/a.py"]


def test_an_ignored_folder_that_is_named_is_read(tree):
    root = tree("out/a.py", ".git/config")
    (root / ".gitignore").write_text("out/\n")
    assert files(".") == []
    assert files("out") == ["out/a.py"]


def test_settings_are_stronger_than_gitignore(tree):
    root = tree("a.py")
    (root / ".gitignore").write_text("!a.py\n")
    assert files(".", exclude=("a.py",)) == []


def test_links_to_folders_are_not_followed(tree):
    root = tree("a/b.py")
    (root / "a/loop").symlink_to(root / "a")
    assert files(".") == ["a/b.py"]


def test_a_missing_path_is_a_problem_and_the_others_are_read(tree):
    tree("a.py")
    found = discover(["nope", "a.py", "gone.py"], Settings())
    assert found.files == ("a.py",)
    assert found.problems == ("nope: no such file or folder", "gone.py: no such file or folder")
