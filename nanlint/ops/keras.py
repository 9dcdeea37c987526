"""How Keras spells the operations: backend functions, keras.ops, layers. Format: see spellings.py."""

FUNCTIONS = """
[keras.backend tensorflow.keras.backend tensorflow.python.keras.backend keras.ops]
exp log sqrt abs square sigmoid tanh softsign sign round sin cos relu softplus: (x)
elu: (x, alpha)
softmax: (x, dim=axis)
hard_sigmoid: hardsigmoid(x)
sum mean prod max min: (x, dim=axis, keepdim=keepdims)
std var: (x, dim=axis, keepdim=keepdims; correction=0)
any all: (x, dim=axis, keepdim=keepdims)
argmax argmin: argmax(x, dim=axis)
cumsum cumprod: (x, dim=axis)
cast: copy(x, dtype)
reshape expand_dims squeeze repeat tile transpose: view(x, *_)
stack: (x, dim=axis)
zeros ones: (size=shape, dtype)
zeros_like: zeros(x, dtype)
ones_like: ones(x, dtype)
binary_crossentropy categorical_crossentropy: cross_entropy(y=target, x=output, *_)

[keras.backend tensorflow.keras.backend tensorflow.python.keras.backend]
pow: (x, y=a)
maximum minimum: (x, y)
clip: clamp(x, min=min_value, max=max_value)
switch: where(condition, x=then_expression, y=else_expression)
l2_normalize: normalize(x, dim=axis)
equal: eq(x, y)
not_equal: ne(x, y)
less: lt(x, y)
less_equal: le(x, y)
greater: gt(x, y)
greater_equal: ge(x, y)
dot: matmul(x, y)
batch_dot: matmul(x, y, _=axes)
flatten: view(x)
permute_dimensions: view(x, _=pattern)
gather: part(x=reference, _=indices)
stop_gradient: detach(x=variables)
concatenate: stack(x=tensors, dim=axis)
constant: tensor(x=value, dtype)
one_hot: (x=indices, _=num_classes)

[keras.backend tensorflow.python.keras.backend keras.ops]
logsumexp: (x, dim=axis, keepdim=keepdims)

[keras.ops]
log2 log10 log1p expm1 rsqrt reciprocal isnan isinf isfinite erf floor ceil logical_not: (x)
silu selu relu6: (x)
gelu: (x, _=approximate)
arccos: acos(x)
arccosh: acosh(x)
arcsin: asin(x)
arctanh: atanh(x)
absolute: abs(x)
negative: neg(x)
add maximum minimum divide_no_nan: (x=x1, y=x2)
subtract: sub(x=x1, y=x2)
multiply: mul(x=x1, y=x2)
divide true_divide: div(x=x1, y=x2)
power: pow(x=x1, y=x2)
equal: eq(x=x1, y=x2)
not_equal: ne(x=x1, y=x2)
less: lt(x=x1, y=x2)
less_equal: le(x=x1, y=x2)
greater: gt(x=x1, y=x2)
greater_equal: ge(x=x1, y=x2)
clip: clamp(x, min=x_min, max=x_max)
where: (condition, x=x1, y=x2)
log_softmax: (x, dim=axis)
log_sigmoid: logsigmoid(x)
leaky_relu: (x, slope=negative_slope; slope=0.2)
norm: (x, ord, dim=axis, keepdim=keepdims)
normalize: (x, dim=axis, ord=order, eps=epsilon)
count_nonzero: (x, dim=axis)
matmul dot: matmul(x=x1, y=x2)
einsum: matmul(_=subscripts, x, y, z, *_)
stop_gradient: detach(x=variable)
concatenate: stack(x=xs, dim=axis)
one_hot: (x, _=num_classes)

[keras.activations tensorflow.keras.activations]
softmax: (x, dim=axis)
sigmoid tanh relu selu softplus softsign silu: (x)
gelu: (x, _=approximate)
elu: (x, alpha)
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
Flatten Reshape Permute: view()
MaxPooling1D MaxPooling2D MaxPool2D GlobalMaxPooling1D GlobalMaxPooling2D: part()
Conv1D Conv2D Conv3D Conv2DTranspose Conv3DTranspose Dense: affine()
Embedding: matmul()
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
    "linear": "copy",
}
