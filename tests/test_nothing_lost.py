"""What people would lose: files in folders that cannot be written to, and repairs that are interrupted."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

BAD = "import torch\n\n\ndef f(z):\n    p = torch.softmax(z, -1)\n    return torch.log(p)\n"
GOOD = BAD.replace("torch.log(p)", "torch.log_softmax(z, -1)")
CHECK = [sys.executable, "-m", "nanlint", "check"]


@pytest.fixture
def read_only(tmp_path):
    """Run nanlint in a folder that it cannot write to; who is root gives up the right to do so all the same."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.py").write_text(BAD)
    (folder / "a.py").chmod(0o444)
    folder.chmod(0o555)
    drop = []
    if os.access(folder, os.W_OK):
        if shutil.which("setpriv") is None:
            pytest.skip("this user may write everywhere")
        drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]

    def run(*arguments):
        done = subprocess.run([*drop, *CHECK, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    yield run
    folder.chmod(0o755)
    assert sorted(path.name for path in folder.iterdir()) == ["a.py"]
    assert (folder / "a.py").read_text() == BAD


def test_a_folder_that_cannot_be_written_to_can_be_checked(read_only):
    code, out, err = read_only()
    assert (code, err) == (1, "")
    assert "a.py:6:22: error[NAN102]" in out
    assert read_only("--diff")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fix"], "a.py: cannot write file: Permission denied"),
        (["--add-ignore=why"], "a.py: cannot write file: Permission denied"),
        (["--write-baseline"], "nanlint-baseline.json: cannot write file: Permission denied"),
        (["--output-file", "o.txt"], "o.txt: cannot write file: Permission denied"),
        (["--output", "sarif=o.sarif"], "o.sarif: cannot write file: Permission denied"),
    ],
)
def test_what_cannot_be_written_there_is_one_clear_line(read_only, arguments, message):
    code, _, err = read_only(*arguments)
    assert (code, err) == (2, f"nanlint: {message}\n")


def test_repairs_that_are_killed_before_they_replace_the_file(tmp_path):
    """The old file is whole, and what was half written is not taken for a file."""
    (tmp_path / "a.py").write_text(BAD)
    killed = (
        "import os, pathlib, sys; from nanlint.cli import main; sys.argv[0] = 'nanlint'\n"
        "pathlib.Path.replace = lambda self, target: os.kill(os.getpid(), 9)\n"
        "main()\n"
    )
    command = [sys.executable, "-c", killed, "check", "--fix", "--no-cache"]
    assert subprocess.run(command, cwd=tmp_path).returncode == -signal.SIGKILL
    assert (tmp_path / "a.py").read_text() == BAD
    done = subprocess.run([*CHECK, "--fix"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "Fixed 1 finding. All checks passed (1 file).\n")
    assert (tmp_path / "a.py").read_text() == GOOD


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_repairs_that_are_interrupted(tmp_path, sent):
    """Every file is the old one or the repaired one, wherever the signal met the run; another run finishes."""
    files = [tmp_path / f"a{number}.py" for number in range(60)]
    for file in files:
        file.write_text(BAD)
    process = subprocess.Popen(
        [*CHECK, "--fix", "--jobs", "1"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while files[5].read_text() == BAD and process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    texts = [file.read_text() for file in files]
    assert set(texts) <= {BAD, GOOD}
    assert GOOD in texts
    assert subprocess.run([*CHECK, "--fix"], cwd=tmp_path, capture_output=True).returncode == 0
    assert {file.read_text() for file in files} == {GOOD}


def test_a_baseline_that_is_interrupted_is_the_old_one(tmp_path):
    (tmp_path / "a.py").write_text(BAD)
    subprocess.run([*CHECK, "--write-baseline"], cwd=tmp_path, check=True, capture_output=True)
    before = (tmp_path / "nanlint-baseline.json").read_bytes()
    (tmp_path / "b.py").write_text(BAD)
    killed = (
        "import os, pathlib; from nanlint.cli import main\n"
        "pathlib.Path.replace = lambda self, target: os.kill(os.getpid(), 9)\n"
        "main()\n"
    )
    command = [sys.executable, "-c", killed, "check", "--write-baseline", "--no-cache"]
    command += ["--baseline", "nanlint-baseline.json"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == -signal.SIGKILL
    assert (tmp_path / "nanlint-baseline.json").read_bytes() == before
