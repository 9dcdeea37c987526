"""What we take for granted about names, in one place.

Three quarters of all divisions on ordinary code are by a size or a hyper-parameter; demanding a proof that they are
positive would bury every true finding. These conventions only ever *silence*: a value that rests on one has the
grounds ASSUMED and is reported by default at no evidence level. The exception is a mask, which is known to be able
to select nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from nanlint.values.interval import BOOLEAN, NONNEGATIVE, POSITIVE, SIZE, UNIT, Range, interval
from nanlint.values.value import UNKNOWN, Grounds, Kind, Term, Value, replace

_HYPER = re.compile(
    r"""(?:.*_)?(?:
        eps|epsilon|temperature|temp|tau|t_max|lr|learning_rate|lambda|lam|gamma|alpha|beta\d?|sigma|
        momentum|decay|weight_decay|warmup|warmup_steps|warmup_epochs|tiny|delta|tol|power|theta|
        scale|scale_factor|factor|ratio|rate|period|max_period|base|margin|std_dev|freq|frequency|
        dim|dims|dim_head|d_model|d_k|d_head|size|width|height|depth|length|len|count|heads|layers|groups|channels|
        features|classes|samples|steps|epochs|iters|iterations|workers|batches|batch|bins|stride|kernel_size|
        head_dim|hidden_size|embed_dim|block_size|patch_size|max_len|max_length|world_size|resolution|
        n|h|w|c|d|k|rank|fps|sr|sample_rate|hop_length|n_fft)s?$
    | (?:num|n|nb|max|len|size)_\w+$""",
    re.VERBOSE | re.IGNORECASE,
)
_COUNT = re.compile(
    r"(?:num|n|nb|len|size)_|.*(?:dim|dims|size|width|height|depth|length|count|heads|layers|groups|channels|classes|"
    r"samples|steps|epochs|iters|batches|batch)$",
    re.IGNORECASE,
)
_EPSILON = re.compile(r"(?:^|[._])(?:eps|epsilon|tiny)$", re.IGNORECASE)
_MASK = re.compile(r"(?:.*_)?masks?$", re.IGNORECASE)
_PADDING_MASK = re.compile(r"attention|attn|pad|(?:input|src|source)_mask", re.IGNORECASE)
_SCHEDULE_FILE = re.compile(r"(?:^|/)schedul(?:ers?|ing)(?:_\w+)?(?:/|\.py$)")
# as outputs of a softmax or a sigmoid are called; they saturate
_PROBABILITY = re.compile(r"(?:.*_)?(?:probs|probabilities|probability)$")
# counts of a class that may never occur, or never be predicted
_CONFUSION = re.compile(r"(?:.*_)?(?:tp|fp|fn|tn|(?:true|false)_?(?:pos|neg|positives?|negatives?))s?$", re.IGNORECASE)
# how many there are to learn from: 0 where all of them are masked
_TOKENS = re.compile(r"(?:.*_)?(?:num|n|total)_(?:\w+_)?tokens$", re.IGNORECASE)
# between -1 and 1
_CORRELATION = re.compile(r"(?:.*_)?(?:corr|correlations?|rho)$", re.IGNORECASE)
# what a model puts out, in a loss
_OUTPUT = re.compile(r"(?:.*_)?(?:y_?pred|y_?hat|preds?|predictions?|logits?)(?:_flat)?$", re.IGNORECASE)
# logarithms of variances and scales, as networks put them out
_LOG_SCALE = re.compile(
    r"(?:.*_)?(?:log_?(?:vars?|variances?|sigmas?|stds?|stdevs?|std_?devs?|scales?|precisions?)|logs)"
    r"(?:_?sq|_?squared|_?2)?(?:_?\d)?(?:_(?!min|max|clip|clamp|lower|upper|bound|init|prior)[a-z0-9]{1,9})?$",
    re.IGNORECASE,
)
_LOGARITHM = re.compile(r"(?:.*_)?log_\w+$|(?:.*_)?logit_scale$")
# limits, and the tables of diffusion models
_LIMIT = re.compile(
    r"(?:^|_)(?:min|max|clip|clipped|clamped|bound|bounded|init|initial|prior|fixed)(?:_|$)|(?:posterior|model)_log_var"
)
# offsets of boxes against anchors: width and height are meant to be exponentiated
_BOX_OFFSET = re.compile(
    r"(?:.*_)?(?:d[wh]|t[wh]|(?:bbox|box|boxes|rpn|anchor|reg|loc|rel)_?(?:deltas?|codes?|offsets?)|deltas)(?:_.*)?$"
)
# what a model is given: no gradient with respect to it is asked for
_DATA = re.compile(
    r"(?:.*_)?(?:labels?|targets?|input_ids|pixel_values|input_values|input_features|past_values|paddings?|ground_truth|gt|y_true)$"
)
_TRUTH = re.compile(r"(?:.*_)?(?:labels?|targets?|ground_truth|gt|y_?true|y_true_\w+|actuals?)$", re.IGNORECASE)
_UNDIFFERENTIATED_CLASS = re.compile(
    r"(?:FeatureExtract(?:or|ion)|Processor|Processing|Tokenizer|Dataset|Scheduler|Optimi[sz]er|Constraint|"
    r"Initiali[sz]er|Pipeline|Metric|NoiseSampler)(?:\w*Mixin)?$"
)
_UNDIFFERENTIATED_FUNCTION = re.compile(
    r"_?(?:predict|generate|evaluate|validate|plot|visuali[sz]e|preprocess|postprocess|compute_metrics?|"
    r"validation_step|test_step|predict_step|clip_grads?|get_grad_norm|estimate)(?:_|$)|\w+_(?:statistics|stats)$"
)
_UNDIFFERENTIATED_FILE = re.compile(
    r"(?:^|/)(?:metrics?|transforms?|datasets?|data|dataloaders?|preprocess\w*|postprocess\w*|schedulers?|evaluat\w+|"
    r"visuali[sz]\w+|plot\w*|optim|optimi[sz]ers?|image_process\w*|feature_extract\w*|"
    r"pipelines?)(?:_\w+)?(?:/|\.py$)"
)
_EVALUATION_FILE = re.compile(r"(?:^|/)(?:metrics?|evaluat\w+|\w*_evaluation)(?:_\w+)?\d?(?:/|\.py$)")
_PIPELINE_FILE = re.compile(r"(?:^|/)pipelines?(?:_\w+)?(?:/|\.py$)")
_EMBEDDING = re.compile(r"(?:^|[._])(?:embeds?|embeddings?|features?)(?:_?\d)?$", re.IGNORECASE)
# as Ho et al. (2020) call them: https://arxiv.org/abs/2006.11239
_NOISE_TABLE = re.compile(
    r"(?:^|_)(?:betas|alphas|alphas?_bars?|(?:alphas?|betas?)_(?:cum)?prods?)(?:_prev|_next|_t)?$"
)
_TEST_FILE = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$|/testing/")
_STEP = re.compile(r"(?:global_?|current_?)?(?:step|iter|iteration|epoch|count|t)s?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trust:
    """What a project says of its own names, beyond our conventions. Patterns are those of a shell: `*_scale`.

    Attributes:
        positive: variables, parameters, attributes and entries of dicts that hold positive numbers.
        safe: functions, by name or dotted path, that guard what they compute: nothing in them is a hazard, and what
            they return is safe for any operation.
    """

    positive: tuple[str, ...] = ()
    safe: tuple[str, ...] = ()


_TRUST: ContextVar[Trust] = ContextVar("trust", default=Trust())  # noqa: B039  (frozen)


@contextmanager
def trusting(trust: Trust) -> Iterator[None]:
    """The conventions of one project, for as long as one of its files is interpreted."""
    token = _TRUST.set(trust)
    try:
        yield
    finally:
        _TRUST.reset(token)


def is_trusted_positive(name: str) -> bool:
    """Does the project say that what has this name is positive?"""
    return _matches(name, _TRUST.get().positive)


def is_safe_function(path: str) -> bool:
    """Does the project say that the function with this name or dotted path guards what it computes?"""
    patterns = _TRUST.get().safe
    return _matches(path, patterns) or _matches(path.rpartition(".")[2], patterns)


@cache
def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def trusted(value: Value) -> Value:
    """The value, of which the project says that it is positive."""
    positive = value.range.meet(POSITIVE)
    return replace(value, range=POSITIVE if positive.is_empty else positive, grounds=Grounds.ASSUMED)


def is_epsilon(name: str) -> bool:
    """Does the name say: a small number that is added so that something is not 0?"""
    return _EPSILON.search(name) is not None


def is_hyper_parameter(name: str) -> bool:
    """Does the name say: a positive setting (eps, temperature, num_heads, hidden_dim, lr)?"""
    return _HYPER.match(name) is not None and not any(other(name) for other in (is_box_offset, is_log_scale, is_total))


def is_total(name: str) -> bool:
    """Does the name say: the number of tokens that a loss is divided by? It may well be 0."""
    return _TOKENS.match(name) is not None


def is_correlation(name: str) -> bool:
    """Does the name say: a correlation, which may be negative?"""
    return _CORRELATION.match(name) is not None


def is_log_scale(name: str) -> bool:
    """Does the name say: the logarithm of a variance or a scale, of a network (logvar, log_std, z_log_var)?"""
    return _LOG_SCALE.match(name) is not None and _LIMIT.search(name.lower()) is None


def is_logarithm(name: str) -> bool:
    """Does the name say: the logarithm of something, kept so that it is positive (log_lengthscale, logit_scale)?"""
    return _LOGARITHM.match(name) is not None


def is_box_offset(name: str) -> bool:
    """Does the name say: how a box differs from its anchor (dw, dh, box_deltas)?"""
    return _BOX_OFFSET.match(name) is not None


def is_model_output(name: str) -> bool:
    """Does the name say: what a model puts out (logits, y_pred)? Of any sign, unless something bounded it."""
    return _OUTPUT.match(name) is not None


def is_truth(name: str) -> bool:
    """Does the name say: what is to be predicted (y_true, targets)? Zeros occur in most data."""
    return _TRUTH.match(name) is not None


def is_mask(name: str) -> bool:
    """Does the name say: this chooses some and leaves others out?"""
    return _MASK.match(name) is not None


def is_padding_mask(name: str) -> bool:
    """Does the name say: this leaves out the padding (attention_mask)? Of every text some tokens are no padding."""
    return _PADDING_MASK.search(name) is not None


def is_schedule(class_name: str, path: str) -> bool:
    """Does the class or the file say: tables of noise levels or rates, made of settings alone?"""
    return class_name.endswith("Scheduler") or _SCHEDULE_FILE.search(path.replace("\\", "/")) is not None


def is_undifferentiated_class(name: str, bases: Sequence[str]) -> bool:
    """Does a class of this name, with these bases, prepare data, schedule noise or measure? Then without gradients."""
    if any(base.endswith("Module") for base in bases):
        return False
    return any(_UNDIFFERENTIATED_CLASS.search(each) for each in (name, *bases))


def is_undifferentiated_function(name: str) -> bool:
    """Does a function of this name predict, measure or show?"""
    return _UNDIFFERENTIATED_FUNCTION.match(name) is not None


def is_evaluation(path: str) -> bool:
    """Does the file hold metrics, computed for a report?"""
    return _EVALUATION_FILE.search(path.replace("\\", "/")) is not None


def is_undifferentiated_file(path: str) -> bool:
    """Does the file hold metrics, transforms of data, noise schedules? (`transformers` is none of them.)"""
    return _UNDIFFERENTIATED_FILE.search(path.replace("\\", "/")) is not None


def is_inference(class_name: str, path: str) -> bool:
    """Does the class or the file say: trained models are only used here? What they put out is not constant."""
    return class_name.endswith("Pipeline") or _PIPELINE_FILE.search(path.replace("\\", "/")) is not None


def is_noise_table(name: str) -> bool:
    """Does the name say: the noise levels of the steps of a diffusion model?"""
    return _NOISE_TABLE.search(name) is not None


def is_table(name: str) -> bool:
    """Does the name say: a layer that looks rows up (u_embeddings)?"""
    return "emb" in name.lower()


def is_embedding(name: str) -> bool:
    """Does the name say: what an encoder puts out for a text, an image or a sound?"""
    return _EMBEDDING.search(name) is not None


def is_test_file(path: str) -> bool:
    """Is it a file of tests? They try zeros and infinities on purpose, and a NaN in one tells of itself."""
    return _TEST_FILE.search(path.replace("\\", "/")) is not None


def named(name: str, term: Term | None) -> Value:
    """A parameter, attribute or dict entry of which only the name is known."""
    if is_trusted_positive(name):
        return trusted(UNKNOWN.with_term(term))
    if is_mask(name):
        return Value(BOOLEAN, Kind.UNKNOWN, Grounds.KNOWN, term, differentiable=False)
    if is_hyper_parameter(name):
        range = SIZE if _COUNT.match(name) else POSITIVE
        return Value(range, Kind.UNKNOWN, Grounds.ASSUMED, term, differentiable=False)
    if _CONFUSION.match(name):
        return Value(NONNEGATIVE, Kind.UNKNOWN, Grounds.KNOWN, term, differentiable=False)
    if _PROBABILITY.match(name):
        return Value(UNIT, Kind.UNKNOWN, Grounds.KNOWN, term)
    if _DATA.match(name):
        return Value(term=term, differentiable=False)
    return UNKNOWN.with_term(term)


def with_default(name: str, default: float | int, term: Term | None) -> Value:
    """A parameter or class attribute with a numeric default: callers keep its sign, we assume."""
    return Value(_like(default, name), Kind.NUMBER, Grounds.ASSUMED, term, differentiable=False)


def _like(default: float | int, name: str) -> Range:
    whole = isinstance(default, int)
    if isinstance(default, bool):
        return BOOLEAN
    if default > 0:
        return SIZE if whole and not _real_valued(name) else POSITIVE
    if default < 0:
        return interval(hi=0.0, open="hi") if not whole else interval(nonzero=True, integer=True)
    return interval(0.0, integer=True) if whole and not _real_valued(name) else NONNEGATIVE


def _real_valued(name: str) -> bool:
    """`temperature=1` is written as an integer and is none."""
    return not _COUNT.match(name)


def annotated(name: str, annotation: str, term: Term | None) -> Value:
    """A parameter without default, of annotated type."""
    value = named(name, term)
    if annotation in ("int", "float"):
        return replace(value, kind=Kind.NUMBER, differentiable=False)
    if annotation in ("Tensor", "FloatTensor", "LongTensor", "BoolTensor"):
        kept = value if value.grounds is Grounds.KNOWN or _DATA.match(name) else UNKNOWN.with_term(term)
        return replace(kept, kind=Kind.TENSOR)
    if annotation == "ndarray":
        return replace(value, kind=Kind.ARRAY, framework="numpy", differentiable=False)
    if annotation == "str":
        return replace(UNKNOWN, kind=Kind.STRING, term=term)
    return value
