"""Training loops of models whose gradients are known to explode, without anything that bounds them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from nanlint.cards import Card
from nanlint.checks.finding import Finding
from nanlint.checks.gradient_sinks import sinks
from nanlint.checks.initialisation.faults import networks_of, spoiled
from nanlint.checks.learning_rates import rates_too_high
from nanlint.checks.literals import literals_of
from nanlint.checks.models import ATTENTION, RECURRENT, TEXT, is_ungated, layers_of, models_elsewhere, shown
from nanlint.checks.optimizers import optimizers
from nanlint.checks.structure import key_of, scopes, targets_of
from nanlint.checks.training import Did, Event, Recipe, number_of, recipes
from nanlint.checks.wording import remark, shortened
from nanlint.config import RuleOptions
from nanlint.config.keys import FAMILIES
from nanlint.diagnostic import Evidence
from nanlint.facts import Facts
from nanlint.ir import nodes
from nanlint.ir.walk import parts, statements
from nanlint.repair.edits import Repair
from nanlint.repair.recipe import put_before

# with so few steps the product of their factors stays small
_SHORT = 30
_SENTENCES = 2  # of them are a lesson about the layer
# with one of these there is more than what the file holds
_READING = (
    "open",
    "read",
    "read_text",
    "read_csv",
    "load",
    "load_dataset",
    "DataLoader",
    "glob",
    "listdir",
    "datasets",
)
_LENGTH = re.compile(r"(?:seq(?:uence)?_?(?:len(?:gth)?|size)|(?:time|n|num)_?steps?|bptt)$", re.IGNORECASE)
# the gradient of a policy is a logarithm's times an advantage, and neither is bounded (Mnih et al., 2016, clip it)
_LOG_PROBABILITIES = ("log_prob", "log_probs", "logprobs", "saved_log_probs")
_ADVANTAGES = ("advantage", "advantages", "adv", "advs", "gae", "returns", "rewards", "discounted_reward")
# of those that learn from what they did long ago, and of what is trained beside a policy
_REPLAYED = ("replay_buffer", "ReplayBuffer", "target_q", "soft_q_net", "memory_counter")
_BESIDE = re.compile(r"disc|alpha|ent_|entropy|q\d?_|critic_|value", re.IGNORECASE)
# a critic has no sigmoid, so that nothing bounds what it says (Arjovsky et al., 2017, clamp its weights)
_CRITIC = re.compile(r"\bcritic", re.IGNORECASE)
_TAMED = re.compile(r"clamp|clip|penalty|spectral_norm|sigmoid|BCE|relu\(1", re.IGNORECASE)
# whoever writes one of these, be it in a setting or a comment, has thought of it
_BOUNDED = re.compile(
    r"clip_?grad|grad\w{0,60}[.-]?clip|clip_by|clipnorm|clip_norm|clip_val|clipping|clamp_grad|max_?grad|max_?norm|"
    r"grad\w{0,60}_norm|norm_grad|register_(?:full_backward_)?hook|(?<!\bjax)\.grad\b|deepspeed|lightning|fairseq|adafactor",
    re.IGNORECASE,
)
_LIMIT = 1.0
_POLICY = "a policy"
_USUAL_NAMES = ("model", "net", "network")


def missing_gradient_clipping(card: Card, facts: Facts, options: RuleOptions) -> Iterator[Finding]:
    """Gradients of a recurrent network or a transformer of this file that are used and nowhere bounded."""
    in_torch = facts.mentions("backward") and facts.mentions("step")
    if facts.chain or not (in_torch or facts.mentions("GradientTape", "apply_updates", "TrainState")):
        return
    if facts.says(_BOUNDED):
        return
    families = options.families or FAMILIES
    model = _model(facts, families) or (_model_elsewhere(facts, families) if in_torch else None)
    if model is None:
        return
    name, evidence = model
    limit = options.clip_norm or _LIMIT
    for recipe in recipes(facts.body) if in_torch else ():
        step = next(iter(recipe.all_of(Did.STEP)))
        if name == _POLICY and _BESIDE.search(facts.text(step.call)):
            continue
        repair = _clipped(facts, recipe, step, limit)
        yield _unbounded(card, facts, step.call, step.statement, evidence, repair, name)
    for call, statement, repair in sinks(facts, limit):
        yield _unbounded(card, facts, call, statement, evidence, repair, name)


def _unbounded(
    card: Card,
    facts: Facts,
    call: nodes.Call,
    statement: nodes.Stmt,
    evidence: Evidence,
    repair: Repair | None,
    model: str,
) -> Finding:
    operand = shortened(facts.text(call))
    return remark(card, call, statement, evidence, repair=repair, operand=operand, trouble=model)


def _model(facts: Facts, families: Collection[str]) -> tuple[str, Evidence] | None:
    """What is trained, and how well it is known to need it."""
    made = layers_of(facts) if facts.mentions(*RECURRENT, *ATTENTION) else dict[str, str]()
    if (found := _known(made, facts, families)) is not None:
        return found
    if _is_thrown(facts):
        return "a network whose gradients explode from the first step", Evidence.POSSIBLE
    if "policy" in families and facts.mentions(*_LOG_PROBABILITIES):
        is_on_policy = facts.mentions(*_ADVANTAGES) and not facts.mentions(*_REPLAYED)
        return _POLICY, Evidence.POSSIBLE if is_on_policy else Evidence.UNKNOWN
    is_critic = "critic" in families and facts.says(_CRITIC) and not facts.says(_TAMED)
    return ("a critic", Evidence.POSSIBLE if _adversary(facts) else Evidence.UNKNOWN) if is_critic else None


def _adversary(facts: Facts) -> bool:
    """Is there a generator that the critic is trained against? In reinforcement learning a critic is a value."""
    return any("generator" in word.lower() for word in facts.words())


def _known(made: dict[str, str], facts: Facts, families: Collection[str]) -> tuple[str, Evidence] | None:
    """One of these layers whose gradients are known to explode."""
    for name in sorted(made.keys() & RECURRENT) if "recurrent" in families else ():
        # text and cells in loops have sequences of any length; windows of a table and rows of an image are short
        is_long = is_ungated(made, name) or name.endswith("Cell") or not TEXT.isdisjoint(made)
        return shown(made, name), Evidence.POSSIBLE if is_long and not _is_short(facts) else Evidence.UNKNOWN
    for name in sorted(made.keys() & ATTENTION) if "attention" in families else ():
        return shown(made, name), Evidence.POSSIBLE
    return None


def _model_elsewhere(facts: Facts, families: Collection[str]) -> tuple[str, Evidence] | None:
    """The same of a model whose class stands in another file, and of an optimiser of torch itself, which bounds
    nothing."""
    if not any(made.framework == "torch" for made in optimizers(literals_of(facts))):
        return None
    for model in models_elsewhere(facts):
        found = None if _BOUNDED.search(model.text) else _known(model.layers, facts, families)
        if found is not None:
            name, evidence = found
            return f"{name} of `{model.name}`", evidence
    return None


def _is_thrown(facts: Facts) -> bool:
    """Are the gradients of a plain network known to be huge, and the steps long? Either alone has a rule of its own."""
    if not any(True for _ in rates_too_high(facts, RuleOptions())):
        return False
    return any(fault.passage.gradient > 0 for chain in networks_of(facts).chains for fault in spoiled(chain))


def _is_short(facts: Facts) -> bool:
    """Is the length of the sequences written out, and small? Or are these the few sentences that the file holds?"""
    if not facts.mentions(*_READING) and _is_spelled_out(facts):
        return True
    for _, body in scopes(facts.body):
        for statement in statements(body):
            number = number_of(getattr(statement, "value", None))
            if number is not None and number <= _SHORT and any(map(_LENGTH.search, targets_of(statement))):
                return True
    return False


def _is_spelled_out(facts: Facts) -> bool:
    """Does the file hold a list of short sentences?"""
    for _, body in scopes(facts.body):
        for statement in statements(body):
            listed = statement.value if isinstance(statement, nodes.Assign) else None
            if not isinstance(listed, nodes.Display):
                continue
            texts = (part.value for part in parts(listed) if isinstance(part, nodes.Constant))
            lengths = [len(text.split()) for text in texts if isinstance(text, str)]
            if sum(length > 1 for length in lengths) >= _SENTENCES and max(lengths) <= _SHORT:
                return True
    return False


def _clipped(facts: Facts, recipe: Recipe, step: Event, limit: float) -> Repair | None:
    """`clip_grad_norm_` on a line before the step, and `unscale_` before that under a scaler."""
    spelled = {path: name for name, path in facts.imports.items()}
    prefix = f"{spelled['torch']}.nn" if "torch" in spelled else spelled.get("torch.nn")
    func = step.call.func
    parameters = _parameters(facts, recipe, step)
    if prefix is None or parameters is None or not isinstance(func, nodes.Attribute):
        return None
    if not isinstance(step.statement, nodes.Evaluate) or step.statement.value is not step.call:
        return None
    lines = [f"{prefix}.utils.clip_grad_norm_({parameters}, {limit})"]
    if recipe.all_of(Did.SCALED) and not recipe.all_of(Did.UNSCALED):
        if not step.call.args:
            return None
        lines.insert(0, f"{facts.text(func.base)}.unscale_({facts.text(step.call.args[0])})")
    return put_before(facts, step.statement, lines, f"clip the norm of the gradients to {limit}")


def _parameters(facts: Facts, recipe: Recipe, step: Event) -> str | None:
    """`model.parameters()`: those that the optimiser was given here, or of the model that this function was given."""
    func = step.call.func
    optimizer = step.call.args[0] if step.call.args else getattr(func, "base", None)
    key = None if optimizer is None else key_of(optimizer)
    of_self = (key or "").startswith("self.")
    for function, body in scopes(facts.body):
        for statement in statements(body) if of_self or function is recipe.function else ():
            value = getattr(statement, "value", None)
            if key is not None and key in targets_of(statement) and isinstance(value, nodes.Call) and value.args:
                text = facts.text(value.args[0])
                is_plain = re.fullmatch(r"self\.[\w.]+\.parameters\(\)" if of_self else r"[\w.]+\.parameters\(\)", text)
                return text if is_plain else None
    params = () if recipe.function is None else recipe.function.params
    given = [param.name for param in params if param.name in _USUAL_NAMES]
    return f"{given[0]}.parameters()" if len(given) == 1 and not of_self else None
