"""The story of a child: load a file, find its models, build each, find an input, run it, say what was found.

Every event is written as soon as it is known: a crash keeps what was found before it.
"""

from __future__ import annotations

from collections.abc import Callable

from nanlint.faults import described
from nanlint.trace.child.build import Builder
from nanlint.trace.child.loading import Loaded, Loader
from nanlint.trace.child.models import Candidate, NotTraceableError, candidates, part
from nanlint.trace.child.places import Places
from nanlint.trace.child.study import Study
from nanlint.trace.protocol import Job, Target, Trouble, encode

Emit = Callable[[str], None]


def work(job: Job, emit: Emit) -> None:
    """Everything the job asks for."""
    skip = set(job.skip)
    for number, target in enumerate(job.targets):
        if (number, "") in skip:
            continue
        emit(encode("load", target=number))
        loader = Loader(Places(job.roots), job.folder, in_full=job.options.imports)
        try:
            _One(job, number, loader, _load(loader, target), emit).trace_all()
        except NotTraceableError as trouble:
            emit(encode("trouble", Trouble(number, str(trouble), missing=trouble.missing)))
        finally:
            loader.forget()
        emit(encode("loaded", target=number))
    emit(encode("done"))


def _load(loader: Loader, target: Target) -> Loaded:
    file = target.file
    try:
        if file is not None:
            return loader.load_file(file)
        assert target.module is not None
        return loader.load_module(target.module)
    except ModuleNotFoundError as error:
        if file is None and error.name in {None, target.module, (target.module or "").partition(".")[0]}:
            text = f"no module `{target.module}` here; give a file, or install it"
            raise NotTraceableError(text, missing=True) from None
        raise NotTraceableError(f"cannot load {target.word}: {described(error)}") from None
    except SyntaxError as error:
        raise NotTraceableError(f"cannot load {target.word}: line {error.lineno}: {error.msg}") from None
    except Exception as error:
        raise NotTraceableError(f"cannot load {target.word}: {described(error)}") from None


class _One:
    """One target of the job, loaded."""

    def __init__(self, job: Job, number: int, loader: Loader, loaded: Loaded, emit: Emit) -> None:
        self._options = job.options
        self._target, self._number = job.targets[number], number
        self._begun = {name for at, name in job.skip if at == number}
        self._loader, self._loaded = loader, loaded
        self._parts: set[str] = set()
        self._emit = emit

    def trace_all(self) -> None:
        """Each of its models, or the parts of those that cannot be traced."""
        queue = candidates(self._loaded, self._target.name, self._target.word)
        met: set[str] = set()
        while queue:
            candidate = queue.pop(0)
            if candidate.name in met:
                continue
            met.add(candidate.name)
            # a former child may have died of it
            if candidate.name not in self._begun and not self._traced(candidate) and self._target.name is None:
                queue += [part(self._loaded, one) for one in candidate.parts]
                self._parts |= set(candidate.parts)

    def _traced(self, candidate: Candidate) -> bool:
        """Trace a model. Could it be?"""
        self._emit(encode("begin", target=self._number, name=candidate.name))
        try:
            builder = Builder(self._loaded, candidate, self._loader, self._options)
            builder.within = candidate.name in self._parts  # what it is a part of could not be run
            study = Study(builder, self._loader, self._target, self._options)
            builder.prepare(self._target.inputs)
            for found in study.findings():
                self._emit(encode("found", found))
        except NotTraceableError as trouble:
            self._emit(encode("trouble", Trouble(self._number, str(trouble), candidate.name, trouble.missing)))
            return False
        self._emit(encode("model", study.summary(self._number)))
        return True
