"""Networks that may fit anything, with nothing that keeps them from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.literals import literals_of
from nanlint.checks.models import RECURRENT, layers_of
from nanlint.checks.optimizers import NAMES, Made, groups, optimizers
from nanlint.checks.wording import remark
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes

_DECAY = re.compile(r"^AdamW$|^Lion$")  # they decay unless told otherwise
_BY_HAND = ("LBFGS", "Rprop")  # for a handful of numbers, all data at once
_WEIGHTS = re.compile(r"(?:Lazy)?(?:Linear|Conv\w*)$|Dense$")
_LEAST = 2  # layers; one is a linear model
# whoever writes one of these has thought of it, or trains something that cannot learn its data by heart: a generative
# model, a policy, an equation
_LOOKED_AFTER = re.compile(
    r"dropout|weight_?decay|decayed_weights|regulari[sz]|penalty|\bl[12]_|\bL[12]\b|kernel_norm|max_norm|augment|"
    r"early_?stop|Random(?:Crop|Horizontal|Vertical|Rotation|Affine|Resized|Erasing)|mixup|cutmix|smoothing|"
    r"batch_?norm|drop_?path|stochastic_?depth|noise|norm\(\s*(?:p\s*=\s*)?2|discriminator|generator|log_prob|kl_div|"
    r"auto_?encoder|decod|\bKLD?\b|log_?var|reward|\bgrad\(|distill|DPP|privacy",
    re.IGNORECASE,
)
_SUPERVISED = (
    "CrossEntropyLoss", "cross_entropy", "NLLLoss", "nll_loss", "BCELoss", "BCEWithLogitsLoss", "MSELoss", "mse_loss",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "L1Loss", "l1_loss", "fit",
    "softmax_cross_entropy_with_integer_labels", "softmax_cross_entropy", "SparseCategoricalCrossentropy",
)  # fmt: skip


def missing_regularisation(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """A network of several layers, a loss against given labels, and no decay, dropout, augmentation or the like."""
    if facts.chain or facts.is_test or not (facts.mentions(*NAMES) and facts.mentions(*_SUPERVISED)):
        return
    file = literals_of(facts)
    made = [one for one in optimizers(file) if one.framework != "transformers" and one.name not in _BY_HAND]
    if not made or facts.says(_LOOKED_AFTER) or any(_decays(one) for one in made):
        return
    if any("weight_decay" in group for one in made for group in groups(one, file)):
        return
    count = facts.count(*(name for name in layers_of(facts) if name in RECURRENT or _WEIGHTS.match(name)))
    if count < _LEAST:
        return
    for one in made:
        yield remark(
            card,
            one.call.func,
            one.place.statement,
            Evidence.POSSIBLE,
            operation=one.name,
            trouble=str(count),
        )


def _decays(made: Made) -> bool:
    """Does it decay weights by default, or take settings that are not in sight?"""
    return bool(_DECAY.match(made.name)) or any(isinstance(one, nodes.Starred) for one in made.call.args)
