"""The child process: `python -m nanlint.trace.child JOB DESCRIPTOR` does one job and writes its events to a pipe."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Read the job, put on the seat belt, work."""
    from nanlint.trace.child import belt  # noqa: PLC0415
    from nanlint.trace.protocol import encode, job_from_json  # noqa: PLC0415

    belt.follow_parent()
    job = job_from_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    pipe = os.fdopen(int(sys.argv[2]), "w", encoding="utf-8")

    def emit(line: str) -> None:
        pipe.write(line)
        pipe.flush()

    # scripts that read their own options find none, and take the defaults
    sys.argv = ["nanlint"]
    tempfile.tempdir = str(Path.cwd())
    try:
        import torch  # noqa: PLC0415
    except ImportError as error:
        emit(encode("fatal", text=f"nanlint trace needs torch ({error}); pip install 'nanlint[trace]'"))
        return
    if tuple(int("".join(filter(str.isdigit, part)) or 0) for part in torch.__version__.split(".")[:2]) < (2, 4):
        emit(encode("fatal", text=f"nanlint trace needs torch 2.4 or newer, and found {torch.__version__}"))
        return
    try:
        torch.zeros(1, device=job.options.device)
    except Exception as error:  # each kind of device has its own way to be missing
        emit(encode("fatal", text=f"--device {job.options.device} cannot be used: {str(error).splitlines()[0][:160]}"))
        return
    from nanlint.trace.child.job import work  # noqa: PLC0415

    # compiled functions run as they are written, and nothing waits for a compiler
    compiled: Any = lambda function=None, **_: function if function is not None else lambda wrapped: wrapped  # noqa: E731
    torch.compile = compiled
    # more threads than idle cores make small models a hundred times slower
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
    # a driver reserves more address space than there is memory
    memory = job.options.memory if job.options.device == "cpu" else 0
    belt.limit(memory, job.options.budget * max(len(job.targets), 1) * 20)
    if job.options.device == "cpu":
        belt.stay_on_cpu()
    belt.fasten()
    try:
        work(job, emit)
    except BaseException as error:
        from nanlint.faults import described  # noqa: PLC0415

        emit(encode("stopped", text=described(error)))
        raise


if __name__ == "__main__":
    main()
