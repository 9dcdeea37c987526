"""What we take for granted about names, in one place.

Three quarters of all divisions on ordinary code are by a size or a hyper-parameter; demanding a proof that they are
positive would bury every true finding. These conventions only ever *silence*: a value that rests on one has the
grounds ASSUMED and is reported by default at no evidence level. The exception is a mask, which is known to be able
to select nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from nanlint.values.interval import BOOLEAN, NONNEGATIVE, POSITIVE, SIZE, UNIT, Range, interval
from nanlint.values.value import UNKNOWN, Grounds, Kind, Term, Value

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
_MASK = re.compile(r"(?:.*_)?masks?$", re.IGNORECASE)
# as outputs of a softmax or a sigmoid are called; they saturate
_PROBABILITY = re.compile(r"(?:.*_)?(?:probs|probabilities|probability)$")
# what a model is given: no gradient with respect to it is asked for
_DATA = re.compile(
    r"(?:.*_)?(?:labels?|targets?|input_ids|pixel_values|input_values|input_features|past_values|ground_truth|gt|y_true)$"
)
_UNDIFFERENTIATED_CLASS = re.compile(
    r"(?:FeatureExtract(?:or|ion)|Processor|Processing|Tokenizer|Dataset|Scheduler|Pipeline|Metric)(?:\w*Mixin)?$"
)
_UNDIFFERENTIATED_FUNCTION = re.compile(
    r"_?(?:predict|generate|evaluate|validate|plot|visuali[sz]e|preprocess|postprocess|compute_metrics?|"
    r"validation_step|test_step|predict_step|clip_grads?|get_grad_norm)(?:_|$)"
)
_UNDIFFERENTIATED_FILE = re.compile(
    r"(?:^|/)(?:metrics?|transforms?|datasets?|data|dataloaders?|preprocess\w*|postprocess\w*|schedulers?|evaluat\w+|"
    r"visuali[sz]\w+|plot\w*|image_process\w*|feature_extract\w*)(?:_\w+)?(?:/|\.py$)"
)
_STEP = re.compile(r"(?:global_?|current_?)?(?:step|iter|iteration|epoch|count|t)s?$", re.IGNORECASE)


def is_hyper_parameter(name: str) -> bool:
    """Does the name say: a positive setting (eps, temperature, num_heads, hidden_dim, lr)?"""
    return _HYPER.match(name) is not None


def is_undifferentiated_class(name: str, bases: Sequence[str]) -> bool:
    """Does a class of this name, with these bases, prepare data, schedule noise or measure? Then without gradients."""
    if any(base.endswith("Module") for base in bases):
        return False
    return any(_UNDIFFERENTIATED_CLASS.search(each) for each in (name, *bases))


def is_undifferentiated_function(name: str) -> bool:
    """Does a function of this name predict, measure or show?"""
    return _UNDIFFERENTIATED_FUNCTION.match(name) is not None


def is_undifferentiated_file(path: str) -> bool:
    """Does the file hold metrics, transforms of data, noise schedules? (`transformers` is none of them.)"""
    return _UNDIFFERENTIATED_FILE.search(path.replace("\\", "/")) is not None


def named(name: str, term: Term | None) -> Value:
    """A parameter, attribute or dict entry of which only the name is known."""
    if _MASK.match(name):
        return Value(BOOLEAN, Kind.UNKNOWN, Grounds.KNOWN, term, differentiable=False)
    if is_hyper_parameter(name):
        range = SIZE if _COUNT.match(name) else POSITIVE
        return Value(range, Kind.UNKNOWN, Grounds.ASSUMED, term, differentiable=False)
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
        kept = value if value.grounds is Grounds.KNOWN else UNKNOWN.with_term(term)
        return replace(kept, kind=Kind.TENSOR)
    if annotation == "ndarray":
        return replace(value, kind=Kind.ARRAY, framework="numpy", differentiable=False)
    if annotation == "str":
        return replace(UNKNOWN, kind=Kind.STRING, term=term)
    return value
