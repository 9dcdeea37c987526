"""First values of weights with which a network does not train: signals explode or die out, units stay alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.initialisation.faults import GROWS, Fault, alike, networks_of, spoiled
from nanlint.checks.initialisation.layers import Draw, Family, Layer
from nanlint.checks.initialisation.propagation import Passage
from nanlint.checks.initialisation.rewriting import better
from nanlint.checks.wording import remark
from nanlint.config import RuleOptions
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes

# cheap questions first: words without which there is nothing to find
_LAYERS = ("Linear", "LazyLinear", "Conv1d", "Conv2d", "Conv3d", "Dense", "Conv2D", "randn", "rand", "Conv")
_UNSCALED = (
    "normal_", "uniform_", "trunc_normal_", "randn", "rand", "RandomNormal", "RandomUniform", "TruncatedNormal",
    "normal", "uniform", "truncated_normal",
)  # fmt: skip
# words and expressions are bounded: in a line of a megabyte each search would else begin at every letter
_CONSTANT = re.compile(
    r"(?:zeros_|ones_|constant_)\((?!(?:\w*\.)?\w*(?:bias|norm|bn)\b)|\.(?:fill_|zero_)\(|"
    r"nit\w{0,60}\s*=\s*\S{0,200}(?:zeros|ones|onstant)|"
    r"Parameter\(\s*torch\.(?:zeros|ones|full)\("
)
# not the small cut numbers of transformers
_PLAIN = re.compile(
    r"(?<!trunc_)normal_\(|uniform_\(|Parameter\(\s*torch\.rand|RandomNormal|RandomUniform|nit\w{0,60}\.(?:normal|uniform)\("
)
_DEEP = ("range", "zip", "enumerate", "pairwise")
_MANY = 5  # layers of which the default is a fault, under sigmoid
# with one of these in the file, depth is taken care of
_NORMALISED = (
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "GroupNorm", "InstanceNorm2d", "RMSNorm", "weight_norm",
    "spectral_norm", "BatchNormalization", "LayerNormalization", "BatchNorm", "layer_norm", "batch_norm", "norm_layer",
)  # fmt: skip
_LOADED = re.compile(r"load_state_dict|load_url|from_pretrained|load_weights|load_checkpoint|restore")
# random networks that only draw or stand for a random function
_FROZEN = re.compile(
    r"requires_grad_?\s*(?:=|\()\s*False|set_grad_enabled\(False|\bCPPN|[Rr]andom (?:network|function|feature)"
)
_DRAWN = re.compile(r"matplotlib|imsave|imshow|imwrite|\bPIL\b|\.png")
_TRAINED = re.compile(r"loss|backward|optim|train|criterion|\.fit\(|learn", re.IGNORECASE)
_NAMES = {
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "gelu": "GELU", "silu": "SiLU", "elu": "ELU", "selu": "SELU",
    "identity": "linear",
}  # fmt: skip

_NOWHERE = Passage(0.0, 0.0, 0.0)


def unscaled_random_init(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Random weights whose size does not depend on the width, where the product over the layers runs away."""
    if facts.mentions(*_UNSCALED) and (not facts.mentions(*_NORMALISED) or facts.says(_PLAIN)):
        yield from _spoiled(card, facts, Family.UNSCALED)


def init_does_not_match_activation(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Scaled weights whose gain does not make up for the activation, layer after layer."""
    is_deep = facts.mentions(*_DEEP) or facts.count(*_LAYERS) >= _MANY
    if is_deep and not facts.mentions(*_NORMALISED):
        yield from _spoiled(card, facts, Family.SCALED)


def constant_init(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Hidden layers whose units begin alike and so remain."""
    if facts.chain or not facts.mentions(*_LAYERS, "zeros", "ones", "full") or not facts.says(_CONSTANT):
        return
    networks = networks_of(facts)
    seen: set[int] = set()
    for chain in networks.chains:
        for blamed, trouble in alike(chain):
            for one in blamed:
                node, statement = _place(one.draw, one.layer)
                if id(node) not in seen:
                    seen.add(id(node))
                    yield remark(
                        card,
                        node,
                        statement,
                        Evidence.POSSIBLE,
                        repair=better(facts, networks.settings, Fault(chain, (one,), _NOWHERE)),
                        operand=one.draw.text,
                        expression=_layers(len(chain), chain[0].link.activation or "identity"),
                        trouble=trouble,
                    )


def _spoiled(card: Card, facts: Facts, family: Family) -> Iterator[Finding]:
    if facts.chain or not facts.mentions(*_LAYERS) or _never_trains(facts):
        return
    networks = networks_of(facts)
    worst: dict[int, Fault] = {}
    for chain in networks.chains:
        for fault in spoiled(chain):
            place = id(_place(fault.draw, fault.blamed[0].layer)[0])
            before = worst.get(place)
            if fault.draw.family is family and (
                before is None or abs(fault.passage.gradient) > abs(before.passage.gradient)
            ):
                worst[place] = fault
    for fault in worst.values():
        if fault.draw.node is None and any(map(_LOADED.search, facts.words())):
            continue
        node, statement = _place(fault.draw, fault.blamed[0].layer)
        yield remark(
            card,
            node,
            statement,
            Evidence.POSSIBLE,
            repair=better(facts, networks.settings, fault),
            operand=fault.draw.text,
            expression=_layers(len(fault.chain), fault.activation),
            trouble=_trouble(fault),
        )


def _never_trains(facts: Facts) -> bool:
    """Is the network of the file one that keeps its first weights?"""
    return facts.says(_FROZEN) or (facts.says(_DRAWN) and not facts.says(_TRAINED))


def _place(draw: Draw, layer: Layer) -> tuple[nodes.Expr, nodes.Stmt]:
    if draw.node is not None and draw.statement is not None:
        return draw.node, draw.statement
    return layer.made, layer.statement


def _layers(count: int, activation: str) -> str:
    return f"{count} {_NAMES.get(activation, activation)} layers"


def _trouble(fault: Fault) -> str:
    passed = fault.passage
    if passed.gradient <= 0:
        return f"gradients shrink about {_times(-passed.gradient)} times from the last to the first"
    if passed.gradient >= GROWS:
        return f"gradients grow about {_times(passed.gradient)} times from the last to the first"
    if passed.saturated > 0.5:
        return f"about {10 * round(10 * passed.saturated)} % of the units are saturated"
    return f"outputs are about {_times(passed.output)} times as large as inputs"


def _times(power: float) -> str:
    if power >= 5:
        return f"10^{power:.0f}"
    return f"{float(f'{10**power:.0e}'):,.0f}".replace(",", " ")
