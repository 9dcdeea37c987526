"""How JAX spells the operations outside jax.numpy (see numpy.py), and flax's layers. Format: see spellings.py."""

FUNCTIONS = """
[jax.nn]
mish: (x)

[jax.nn flax.linen flax.nnx]
relu relu6 sigmoid softplus tanh selu silu: (x)
gelu: (x, _=approximate)
swish: silu(x)
soft_sign: softsign(x)
log_sigmoid: logsigmoid(x)
hard_sigmoid: hardsigmoid(x)
hard_tanh: hardtanh(x)
leaky_relu: (x, slope=negative_slope)
elu: (x, alpha)
softmax log_softmax: (x, dim=axis)
logsumexp: (x=a, dim=axis, _=b, keepdim=keepdims)
one_hot: (x, _=num_classes)
standardize: batch_norm(x, *_)

[jax.scipy.special]
expit: sigmoid(x)
logit: (x)
entr: (x)
xlogy: (x, y)
gammaln: lgamma(x)
erf erfc: (x)
logsumexp: (x=a, dim=axis, _=b, keepdim=keepdims)

[jax.lax]
exp log log1p expm1 sqrt rsqrt abs neg tanh sign floor ceil acos asin atan: (x)
logistic: sigmoid(x)
add sub mul div: (x, y)
max: maximum(x, y)
min: minimum(x, y)
pow: (x, y)
integer_pow: pow(x, y)
clamp: (min, x, max)
select: where(condition=pred, x=on_true, y=on_false)
stop_gradient: detach(x)
dot: matmul(x=lhs, y=rhs, *_)

[jax.random]
uniform: (_=key, size=shape, dtype, low=minval, high=maxval)
normal: randn(_=key, size=shape, dtype)
randint: (_=key, size=shape, low=minval, high=maxval, dtype)
bernoulli: (_=key, _=p, _=shape)
"""

MODULES = """
[flax.linen flax.nnx]
Conv ConvTranspose: affine()
Embed: matmul()
BatchNorm LayerNorm GroupNorm: batch_norm()
Dropout: (p=rate)

[flax.linen]
Dense DenseGeneral: affine()

[flax.nnx]
Linear LinearGeneral: affine()
"""
