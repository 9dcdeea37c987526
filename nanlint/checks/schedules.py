"""Transformers that are trained at the full rate from their first step."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.literals import Literals, literals_of
from nanlint.checks.models import transformer_of
from nanlint.checks.optimizers import NAMES, Made, argument, optimizers
from nanlint.checks.wording import remark
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes

# their steps are as long as the rate, however small the gradient; RAdam begins with short ones by itself
_ADAPTIVE = ("Adam", "AdamW", "NAdam", "Adamax", "Lion")
# Xiong et al. 2020, figure 2: at 5e-4 and 1e-3 a transformer with the norms behind does not train without
_MATTERS = 5e-4
# BERT is fine-tuned with 5e-5 at most
_MATTERS_PRETRAINED = 1e-4
# whoever writes one of these, be it in a comment, has thought of it; adapters are trained at constant rates, and with
# the norms in front a transformer trains without
_LOOKED_AFTER = re.compile(
    r"sched|warm_?up|[A-Za-z]LR\(|lr_?(?:decay|lambda)|anneal|adjust_\w*(?:lr|rate)|noam|inject_hyper|ReduceLR|"
    r"\blora\b|peft|norm_first\s*=\s*True",
    re.IGNORECASE,
)


def missing_warmup(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """An adaptive optimiser, a rate at which it matters, a transformer, and no schedule anywhere in the file."""
    if facts.chain or facts.is_test or not facts.mentions(*NAMES):
        return
    file = literals_of(facts)
    if file.stored & {"lr", "learning_rate"}:
        return  # `group["lr"] = …`: a schedule by hand
    looked_after = facts.says(_LOOKED_AFTER)
    model = transformer_of(facts)
    limit = _MATTERS_PRETRAINED if facts.mentions("from_pretrained") else _MATTERS
    for made in optimizers(file):
        if made.name not in _ADAPTIVE:
            continue
        by_trainer = made.framework == "transformers"
        rate = _rate(made, file)
        silent = _has_schedule(made) if by_trainer else looked_after or model is None
        if rate is not None and rate >= (_MATTERS_PRETRAINED if by_trainer else limit) and not silent:
            yield remark(
                card,
                made.rate or made.call,
                made.place.statement,
                Evidence.POSSIBLE,
                operand=f"{rate:g}",
                operation=made.name,
                trouble=model or "a transformer",
            )


def _rate(made: Made, file: Literals) -> float | None:
    """The rate as it is written down, or the documented one where none is."""
    if made.rate is not None:
        literal = file.follow(made.rate, made.place.scope)
        return None if literal is None else literal.value
    params = argument(made.call, ("params",), 0)
    # groups may hold rates of their own, and so may `**settings`
    is_plain = isinstance(params, nodes.Call) and getattr(params.func, "name", "") == "parameters"
    return float(made.default) if made.framework == "torch" and is_plain else None


def _has_schedule(made: Made) -> bool:
    """The Trainer's rate falls on a straight line unless it is told to stay."""
    kind = made.call.keywords.get("lr_scheduler_type")
    stays = isinstance(kind, nodes.Constant) and kind.value == "constant"
    return not stays or bool({"warmup_steps", "warmup_ratio"} & made.call.keywords.keys())
