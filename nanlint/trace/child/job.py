"""The story of a child: load a file, find its models, build each, find an input, run it, say what was found.

Every event is written as soon as it is known: a crash keeps what was found before it.
"""

from __future__ import annotations

from collections.abc import Callable

from nanlint.faults import described
from nanlint.trace.child.build import Builder
from nanlint.trace.child.loading import Loaded, Loader
from nanlint.trace.child.models import NotTraceableError, candidates, part
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
        places = Places(job.roots)
        loader = Loader(places, job.folder, in_full=job.options.imports)
        try:
            loaded = _load(loader, target)
            _trace_all(number, target, loader, loaded, places, job, emit, skip)
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


def _trace_all(
    number: int,
    target: Target,
    loader: Loader,
    loaded: Loaded,
    places: Places,
    job: Job,
    emit: Emit,
    skip: set[tuple[int, str]],
) -> None:
    queue = candidates(loaded, target.name, target.word)
    met: set[str] = set()
    while queue:
        candidate = queue.pop(0)
        if candidate.name in met:
            continue
        met.add(candidate.name)
        if (number, candidate.name) in skip:
            continue
        emit(encode("begin", target=number, name=candidate.name))
        try:
            builder = Builder(loaded, candidate, places, job.options)
            study = Study(builder, loader, target, job.options)
            builder.prepare(target.inputs)
            for found in study.findings():
                emit(encode("found", found))
        except NotTraceableError as trouble:
            emit(encode("trouble", Trouble(number, str(trouble), candidate.name, trouble.missing)))
            if target.name is None:
                queue += [part(loaded, one) for one in candidate.parts]
            continue
        emit(encode("model", study.summary(number)))
