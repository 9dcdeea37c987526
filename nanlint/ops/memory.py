"""What torch's functions do to memory: which leave it as it was found, which fill it, which change what it holds."""

from __future__ import annotations

# `torch.Tensor(2, 3)`: given sizes, they allocate and write nothing; given data, they copy it
CONSTRUCTORS = frozenset(
    f"torch.{device}{kind}Tensor" for device in ("", "cuda.") for kind in ("", "Float", "Double", "Half", "BFloat16")
)
# what allocates and is no operation that makes numbers
ALLOCATORS = CONSTRUCTORS | {"torch.empty_strided", "torch.empty_permuted"}
# tensors from nothing: of a tensor that they are given only shape and kind are asked for
FROM_NOTHING = frozenset({"zeros", "ones", "full", "empty", "rand", "randn", "randint"})
# no number in these is NaN, whatever bits they hold
WHOLE_DTYPES = frozenset(
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 short int long float8_e4m3fn float8_e5m2".split()
)
# a parameter, buffer or container is the memory it is given
WRAPPERS = frozenset(
    [f"torch.nn.{name}" for name in ("Parameter", "Buffer", "ParameterList", "ParameterDict", "parameter.Parameter")]
    + [f"torch.nn.parameter.{name}" for name in ("Buffer",)]
    + ["torch.autograd.Variable", "torch.jit.Attribute"]
)
BUFFERS = frozenset({"torch.nn.Buffer", "torch.nn.parameter.Buffer"})
# what tells of a tensor, and not of its numbers
LOOKS = frozenset(
    "shape dtype device ndim layout is_cuda requires_grad grad grad_fn names itemsize nbytes is_leaf is_sparse "
    "is_meta is_quantized is_complex is_floating_point dim ndimension size stride numel nelement element_size "
    "get_device is_contiguous type_as __len__ register_hook".split()
)
# other names for a tensor's memory
VIEWS = frozenset({"data", "T", "mT", "H", "mH", "real", "imag"})
# methods in place that reckon with what is there; of all others we suppose that they write
CHANGING = frozenset(
    "add_ sub_ mul_ div_ addmm_ addmv_ addbmm_ baddbmm_ addcmul_ addcdiv_ addr_ lerp_ pow_ sqrt_ rsqrt_ exp_ log_ "
    "abs_ neg_ clamp_ clamp_min_ clamp_max_ clip_ scatter_add_ index_add_ scatter_reduce_ relu_ sigmoid_ tanh_ "
    "floor_ ceil_ round_ square_ reciprocal_ tril_ triu_".split()
)
# methods in place that write nothing
STILL = frozenset("requires_grad_ detach_ squeeze_ unsqueeze_ t_ transpose_ share_memory_ swapaxes_".split())
_READING = ("torch.nn.functional.", "torch.linalg.", "torch.fft.", "torch.special.", "torch.nn.utils.rnn.")


def only_reads(path: str) -> bool:
    """Is this a function of torch that writes nothing it is given (apart from `out=`)?"""
    if path.endswith("_") or not path.startswith("torch."):
        return False
    return path.startswith(_READING) or path.count(".") == 1
