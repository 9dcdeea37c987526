"""The expressions random programs are made of, as templates; to generate another construct, add a line.

A placeholder stands for an operand, the same one wherever it occurs in one template:
x y z tensor expressions; u v names of tensors; m n masks; f g numbers; k h Python conditions; s names of numbers;
c a constant; e a small positive constant; p an exponent; d a dimension; i a list; t what is changed.
"""

CONSTANTS = ("1.0", "0.0", "-1.0", "0.5", "2.0", "-3.0", "10.0", "0", "1", "2", "-1", "1e-6", "100.0")
SMALL = ("1e-6", "1e-8", "1e-12", "1e-3", "0.1", "1.0")
EXPONENTS = ("2", "3", "0.5", "1", "0", "-1", "-2", "1.5", "4", "2.0")

TENSORS = (
    # operators
    "{x} + {c}", "{x} - {c}", "{x} * {c}", "{c} - {x}", "{x} / {c}", "{c} / {x}", "-{x}", "abs({x})", "{x} ** {p}",
    "{x} + {y}", "{x} - {y}", "{x} * {y}", "{x} / {y}", "{x} % {c}", "{x} // {c}", "{x} * {f}", "{f} - {x}",
    "{x} / {f}", "{u} - {u}", "{u} * {u}", "{u} / {u}", "{c} ** {x}",
    # functions, methods
    "{x}.exp()", "torch.exp(-{x})", "torch.log({x})", "{x}.log()", "torch.sqrt({x})", "{x}.sqrt()", "{x}.abs()",
    "torch.log1p({x})", "torch.expm1({x})", "torch.rsqrt({x})", "torch.reciprocal({x})", "{x}.square()",
    "{x}.pow({p})", "torch.pow({x}, {p})", "torch.log2({x})", "{x}.sign()", "{x}.floor()", "torch.ceil({x})",
    "{x}.round()", "{x}.trunc()", "{x}.sin()", "torch.cos({x})", "torch.tan({x})", "torch.acos({x})",
    "torch.asin({x})", "torch.atan({x})", "torch.atan2({x}, {y})", "torch.sinh({x})", "torch.cosh({x})",
    "torch.asinh({x})", "torch.acosh({x})", "torch.atanh({x})", "{x}.erf()", "torch.erfc({x})", "torch.lgamma({x})",
    "torch.logit({x})", "torch.logit({x}, {e})", "torch.xlogy({x}, {y})", "torch.hypot({x}, {y})",
    "torch.logaddexp({x}, {y})", "torch.fmod({x}, {c})", "torch.remainder({x}, {y})", "{x}.lerp({y}, 0.5)",
    "torch.nan_to_num({x})", "torch.nan_to_num({x}, {c})", "torch.div({x}, {y})", "torch.sub({x}, {y})",
    # activations
    "torch.sigmoid({x})", "{x}.sigmoid()", "torch.tanh({x})", "torch.relu({x})", "F.softplus({x})",
    "F.softmax({x}, dim=-1)", "{x}.softmax(dim={d})", "F.log_softmax({x}, dim=-1)", "F.leaky_relu({x})",
    "F.leaky_relu({x}, {c})", "F.elu({x})", "F.gelu({x})", "F.silu({x})", "F.mish({x})", "F.relu6({x})",
    "F.hardtanh({x})", "F.hardsigmoid({x})", "F.logsigmoid({x})", "F.softsign({x})", "F.selu({x})",
    "F.normalize({x}, dim=-1)", "nn.Sigmoid()({x})", "nn.Softmax(dim=-1)({x})", "nn.ReLU()({x})",
    "nn.Sequential(nn.Tanh(), nn.ReLU())({x})",
    # choices
    "torch.where({m}, {u}, {v})", "torch.where({m}, {u}, {c})", "{u}.masked_fill({m}, {c})",
    "torch.where({m}, {x}, {y})", "torch.where({m}, {x}, {c})", "{x}.masked_fill({m}, {c})", "{x}.clamp(min={c})",
    "{x}.clamp(max={c})", "torch.clamp({x}, min={e})", "{x}.clamp({e}, 1.0)", "torch.clamp({x}, -1.0, 1.0)",
    "torch.maximum({x}, {y})", "torch.minimum({x}, {y})", "torch.max({x}, {y})", "{x}.clamp_min({e})",
    "torch.where({u} > {c}, {u}, {y})", "torch.where({u} == 0, {c}, {u})", "torch.where({u} > 0, 1 / {u}, {c})",
    "torch.where({u} > 0, {u}.log(), {c})", "torch.where({u} < {v}, {v} - {u}, {c})",
    "{u}.masked_fill({u} <= 0, {e})", "torch.where({u} > 0, {x} / {u}.sum(), {c})", "{u} * ({u} > 0)",
    "{x} if {k} else {y}", "({x} if {k} else {y}) + {c}", "{u} / {u}.max() if {u}.max() > 0 else {u}",
    # reductions
    "{x}.sum()", "{x}.sum(dim={d}, keepdim=True)", "{x}.mean()", "{x}.mean({d}, keepdim=True)", "{x}.max()",
    "torch.min({x})", "{x}.amax({d}, keepdim=True)", "{x}.amin(-1)", "{x}.std()", "{x}.var(unbiased=False)",
    "{x}.std(dim=-1, keepdim=True)", "{x}.prod()", "{x}.norm()", "{x}.norm(p=1)", "torch.linalg.norm({x})",
    "{x}.norm(dim=-1, keepdim=True)", "torch.logsumexp({x}, dim=-1)", "{x}.median()", "{x}.quantile(0.5)",
    "{x}.cumsum(-1)", "torch.cumprod({x}, dim=-1)", "{x}.max(dim=-1).values", "{x}.max(-1)[0]",
    "torch.max({x}, dim=-1, keepdim=True)[0]", "{x}.argmax(-1)", "torch.count_nonzero({x})", "{m}.sum()",
    # what is written by hand
    "torch.exp({u} - {u}.max())", "{u} - {u}.mean()", "{u} / {u}.sum()", "{u} / {u}.sum(-1, keepdim=True)",
    "{u} / ({u}.norm() + {e})", "({u} - {u}.min()) / ({u}.max() - {u}.min() + {e})", "1 - {u} ** 2",
    "({u} ** 2).sum() - {u}.sum() ** 2", "({u} ** 2).mean() - {u}.mean() ** 2", "{u}.softmax(-1).sum(-1)",
    "{u}.max() - {u}", "{u}.max() - {u}.min()", "({u} * {u}).sum().sqrt()", "{u}.exp() / {u}.exp().sum()",
    "({u} - {u}.max()).exp().sum()", "torch.exp({u} - torch.logsumexp({u}, -1, keepdim=True)).sum(-1)",
    "1 - F.normalize({u}, dim=-1) ** 2", "F.cosine_similarity({u}, {v}, dim=-1)",
    # views, conversions, selections
    "{x}.view(-1)", "{x}.detach()", "{x}.clone()", "{x}.reshape(-1)", "{x}.unsqueeze(0)", "{x}.T", "{x}.double()",
    "{x}.float()", "{m}.float()", "{x}.half()", "{x}.data", "{u}[0]", "{u}[..., -1]", "{u}[{m}]", "{u}[{u} > 0]",
    "{u}[1:]", "{u}.masked_select({m})", "torch.cat([{x}, {y}])", "torch.stack([{x}, {x}])", "{x}.flip(0)",
    "torch.triu({x})", "{x}.to(torch.float64)", "{x}.bool().float()",
    # new tensors
    "torch.zeros_like({x})", "torch.ones(3)", "torch.full((3,), {c})", "torch.tensor({c})", "torch.tensor([{c}, {f}])",
    "torch.arange(3.0)", "torch.linspace(0.0, 1.0, 3)", "torch.rand(3)", "torch.full_like({x}, {c})", "torch.eye(3)",
    "torch.ones_like({x}) * {c}",
)  # fmt: skip

IN_PLACE = (
    "{t}.add_({c})", "{t}.sub_({y})", "{t}.mul_({c})", "{t}.mul_({y})", "{t}.div_({y})", "{t}.exp_()", "{t}.log_()",
    "{t}.abs_()", "{t}.sqrt_()", "{t}.clamp_(min={c})", "{t}.clamp_(0.0, 1.0)", "{t}.zero_()", "{t}.fill_({c})",
    "{t}.masked_fill_({m}, {c})", "{t}.neg_()", "{t}.relu_()", "{t}.sigmoid_()", "{t}.pow_({p})", "{t}.copy_({y})",
    "{t}.reciprocal_()", "{t}.clamp_min_({e})", "{t}.square_()", "F.relu({t}, inplace=True)",
    "{t}[{t} == 0] = {c}", "{t}[{t} < 0] = {c}", "{t}[{t} <= 0] = {e}", "{t}[{m}] = {c}", "{t}[0] = {c}",
    "{t}[:] = {y}", "{t}[..., -1] = {c}", "{t}[{t} != {t}] = {c}", "{t}[torch.isinf({t})] = {c}",
    "{t} += {c}", "{t} -= {y}", "{t} *= {y}", "{t} /= {y}", "{t} **= 2", "{t} += {f}", "{t} -= {t}.max()",
    "{t} /= {t}.sum()", "{t}[0] += {c}", "{t}[{m}] *= {c}", "torch.exp({y}, out={t})", "{t}.add_({y}).clamp_(min=0)",
)  # fmt: skip

# views share their numbers with what they are taken from
SHARED = ("{u}", "{u}.view(-1)", "{u}.detach()", "{u}[0]", "{u}.data", "{u}.T", "{u}.unsqueeze(0)", "{u}[1:]")

MASKS = (
    "{x} > {c}", "{x} == 0", "{x} != {c}", "{x} >= {c}", "{x} < {c}", "{x} <= {y}", "{x} > {y}", "{x}.abs() > {e}",
    "({x} > {c}) & ({y} < {c})", "({x} > {c}) | ({y} == 0)", "~({x} > {c})", "torch.isnan({x})",
    "torch.isfinite({x})", "torch.logical_and({x} > 0, {y} > 0)", "{x} - {y} > 0", "-{x} < {c}", "{x} == {x}.max()",
    "{u} - {c} >= 0", "{x}.gt({c})", "torch.logical_not({x} == 0)", "{x} != {x}", "{x} ** 2 > {c}", "{x} > {x}.mean()",
    "{x}.bool()",
)  # fmt: skip

NUMBERS = (
    "{c}", "{f} + {g}", "{f} - {c}", "{f} * {g}", "{f} / {g}", "-{f}", "abs({f})", "{f} ** 2", "max({f}, {c})",
    "min({f}, {g})", "float({x}.sum())", "{x}.max().item()", "math.exp({f})", "math.sqrt(abs({f}))", "math.log({f})",
    "{x}.shape[0]", "len({u})", "{x}.numel()", "{f} if {k} else {g}", "float({k})", "{f} % {c}", "int({c})",
    "{f} // {c}", "{f} or {c}", "{s} and {c} / {s}", "sum([{f}, {g}])", "round({f})", "math.floor({f})",
    "1 / {s} if {s} else {c}", "1 / {s} if {s} > 0 else 0.0", "math.tanh({f})", "{x}.mean().item()", "{x}.dim()",
)  # fmt: skip

CONDITIONS = (
    "{u}.max() > {c}", "{f} > {c}", "{s} <= {c}", "{s} < {f}", "{u}.sum() == 0", "({x} > {c}).all()", "({u} > 0).any()",
    "{u}.min() >= {c}", "not {k}", "{k} and {h}", "{k} or {h}", "{m}.any()", "{m}.sum() > 0", "{s}", "{s} == {c}",
    "0 < {s} < 1", "torch.all({u} != 0)", "{u}.sum()", "{u}.numel() > 1", "{u}.shape[0] > 1", "len({u}) == 3",
    "{s} != 0", "{u}.norm() > 0", "not {s}", "{u}.min() > 0 and {v}.max() < 1", "{u}.sum() > {f}", "{u}.std() > {e}",
    "torch.isnan({u}).any()", "{u}.abs().max() < {c}", "not torch.isfinite({u}).all()", "{u}.mean() != 0",
    "{u} is not None", "isinstance({u}, float)", "{s} in (0, 1)", "{u}.max() > {v}.max()", "{u} > {c}",
    "torch.is_tensor({u})", "bool(({u} >= 0).all())", "{u}.max() - {u}.min() > 0", "not ({u} > 0).all()",
)  # fmt: skip

BOUNDS = ("2", "3", "1", "1, 4", "0", "3, 0, -1")

# of a list of two tensors
CHANGES = (
    "pass",
    "{i}[0] = {x}",
    "{i}[-1] = {x}",
    "{i}.append({x})",
    "{i}[0].zero_()",
    "{i}.reverse()",
    "{i}.insert(0, {x})",
    "{i}.pop()",
)

PAIRS = ("{x}, {y}", "({x}, {y})", "{x}.max(dim=-1)", "torch.min({x}, 0)")
