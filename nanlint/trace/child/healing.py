"""Offers a repair only where it was tried: the edited source is loaded, the model built again and measured again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from torch import nn

from nanlint.fix import Applicability, Edit, Fix, apply_fixes
from nanlint.source import Source, SourceError, decode_source
from nanlint.trace.child.build import Builder
from nanlint.trace.child.cures import Cure, cures
from nanlint.trace.child.flow import measure
from nanlint.trace.child.layers import rows
from nanlint.trace.child.loading import Loader
from nanlint.trace.child.models import candidates
from nanlint.trace.child.steps import train
from nanlint.trace.child.verdicts import Measured, Verdicts
from nanlint.trace.protocol import Found, Options, Place, Row

# what initialisation can cure
CURABLE = frozenset({"NAN903", "NAN904", "NAN905", "NAN906", "NAN907", "NAN908"})
_MOST = 10


class Healer:
    """Looks for a repair of one finding after another about one model.

    Attributes:
        rows: what flows through the model once it is repaired; empty if it is not.
    """

    def __init__(self, builder: Builder, loader: Loader, options: Options, until: float) -> None:
        self._builder = builder
        self._loader = loader
        self._options = options
        self._until = until
        self.rows: list[Row] = []

    def heal(self, found: Sequence[Found], *, squashing: bool) -> list[Found]:
        """The findings, with a repair where one makes all of them go away. One repair is enough for a model."""
        healed = list(found)
        for at, one in enumerate(found):
            if one.code not in CURABLE:
                continue
            for site in (one.place, *(note.place for note in one.notes)):
                if (cure := self._cure(site, one.code, squashing=squashing)) is not None:
                    healed[at] = replace(one, cure=cure.message, changes=cure.changes)
                    return healed
        return healed

    def _cure(self, site: Place, code: str, *, squashing: bool) -> Cure | None:
        file = self._builder.loaded.module.__file__
        if site.file != file:
            return None
        source = self._source(site.file)
        if source is None:
            return None
        for cure in islice(cures(source, site.span, squashing=squashing, scale=code == "NAN905"), _MOST):
            if time.monotonic() > self._until:
                return None
            edits = tuple(Edit(change.span, change.text) for change in cure.changes)
            text, _ = apply_fixes(source, [Fix(Applicability.UNSAFE, cure.message, edits)])
            try:
                if self._is_healthy(text):
                    return cure
            except Exception:  # noqa: S112  (an edit that does not fit is no cure)
                continue
        return None

    @staticmethod
    def _source(file: str) -> Source | None:
        try:
            with open(file, "rb") as handle:  # noqa: PTH123
                return decode_source(handle.read(), file)
        except (OSError, SourceError):
            return None

    def _is_healthy(self, text: str) -> bool:
        """Does no rule of initialisation speak of the model in this text?"""
        name = self._builder.candidate.name
        loaded = self._loader.load_text(self._builder.loaded, text)
        (candidate,) = candidates(loaded, name, name)
        builder = Builder(loaded, candidate, self._loader, self._options)
        builder.prepare(self._builder.specs)
        seeds = []
        for seed in range(self._options.seed, self._options.seed + min(self._options.seeds, 2)):
            built = builder.build(seed)
            if not isinstance(built.model, nn.Module):
                return False
            flow = measure(built.model, built.inputs, built.recorder, seed)
            # most edits that are no cure fail here, before anything is trained
            if flow.done.sinks or _spoken(name, [Measured(built, flow, None)]):
                return False
            copy = builder.build(seed)
            assert isinstance(copy.model, nn.Module)
            seeds.append(Measured(built, flow, train(copy.model, copy.inputs, seed)))
        if _spoken(name, seeds):
            return False
        self.rows = rows([one.flow for one in seeds])
        return True


def _spoken(name: str, seeds: Sequence[Measured]) -> bool:
    """Does any rule of initialisation speak?"""
    return any(True for _ in Verdicts(name, seeds, None, guessed=False).all())
