"""How Keras spells the operations: backend functions, keras.ops, layers. Format: see spellings.py."""

FUNCTIONS = """
[keras.backend tensorflow.keras.backend tensorflow.python.keras.backend keras.ops]
exp log sqrt abs square sigmoid tanh softsign sign round sin cos relu: (x)
softplus elu: (x)
softmax: (x, dim=axis)
hard_sigmoid: hardsigmoid(x)
pow: (x, y=a|x2)
maximum minimum: (x, y)
clip: clamp(x, min=min_value|x_min, max=max_value|x_max)
switch: where(condition, x=then_expression, y=else_expression)
sum mean prod max min: (x, dim=axis, keepdim=keepdims)
std var: (x, dim=axis, keepdim=keepdims; correction=0)
any all: (x, dim=axis, keepdim=keepdims)
logsumexp: (x, dim=axis, keepdim=keepdims)
argmax argmin: argmax(x, dim=axis)
cumsum cumprod: (x, dim=axis)
l2_normalize: normalize(x, dim=axis)
equal: eq(x, y)
not_equal: ne(x, y)
less: lt(x, y)
less_equal: le(x, y)
greater: gt(x, y)
greater_equal: ge(x, y)
dot batch_dot: matmul(x, y)
cast: view(x, dtype)
reshape flatten permute_dimensions expand_dims squeeze repeat tile gather transpose: view(x)
stop_gradient: detach(x=variables|variable)
concatenate stack: stack(x=tensors|xs, dim=axis)
zeros ones: (size=shape, dtype)
zeros_like: zeros(x)
ones_like: ones(x)
constant: tensor(x=value, dtype)
one_hot: (x=indices)
binary_crossentropy categorical_crossentropy: cross_entropy(y=target, x=output)

[keras.ops]
log2 log10 log1p expm1 rsqrt reciprocal isnan isinf isfinite erf silu gelu selu relu6 floor ceil logical_not: (x)
arccos: acos(x)
arcsin: asin(x)
arctanh: atanh(x)
absolute: abs(x)
negative: neg(x)
add: (x, y)
subtract: sub(x, y)
multiply: mul(x, y)
divide true_divide: div(x, y)
divide_no_nan: (x, y)
power: pow(x, y)
where: (condition, x, y)
log_softmax: (x, dim=axis)
log_sigmoid: logsigmoid(x)
leaky_relu: (x, slope=negative_slope; slope=0.2)
norm: (x, ord, dim=axis, keepdim=keepdims)
normalize: (x, dim=axis, ord=order, eps=epsilon)
count_nonzero: (x, dim=axis)
matmul einsum: matmul(x, y)

[keras.activations tensorflow.keras.activations]
softmax: (x, dim=axis)
sigmoid tanh relu elu selu gelu softplus softsign silu: (x)
swish: silu(x)
hard_sigmoid: hardsigmoid(x)
"""

MODULES = """
[keras.layers tensorflow.keras.layers]
Softmax: (dim=axis)
ReLU: ()
LeakyReLU: leaky_relu(slope=negative_slope|alpha; slope=0.3)
ELU: (alpha)
Dropout SpatialDropout1D SpatialDropout2D: dropout(p=rate)
Flatten Reshape Permute MaxPooling1D MaxPooling2D MaxPool2D GlobalMaxPooling1D GlobalMaxPooling2D: view()
Conv1D Conv2D Conv3D Embedding Dense: matmul()
BatchNormalization LayerNormalization: batch_norm()
"""

# what `Activation("…")` and `Dense(…, activation="…")` compute, by the string
ACTIVATIONS = {
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "sigmoid": "sigmoid",
    "hard_sigmoid": "hardsigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "relu6": "relu6",
    "elu": "elu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "swish": "silu",
    "softplus": "softplus",
    "softsign": "softsign",
    "exponential": "exp",
    "linear": "view",
}
