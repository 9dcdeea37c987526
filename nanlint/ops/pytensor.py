"""How PyTensor spells the operations, and Aesara and Theano, whose successor it is. Format: see spellings.py."""

FUNCTIONS = """
[pytensor.tensor aesara.tensor theano.tensor]
exp log sqrt sin cos tan sinh cosh tanh floor ceil erf log1p expm1 log2 log10 sigmoid isnan isinf: (x)
arccos: acos(x)
arcsin: asin(x)
arctan: atan(x)
sqr: square(x)
sgn: sign(x)
abs abs_: abs(x)
neg: (x)
clip: clamp(x, min, max)
maximum minimum add sub mul eq lt le gt ge: (x, y)
neq: ne(x, y)
true_div: div(x, y)
switch: where(condition, x, y)
where: (condition=cond, x=ift, y=iff)
dot: matmul(x, y)
sum prod mean: (x=input, dim=axis, _=dtype, keepdim=keepdims)
max min: (x, dim=axis, keepdim=keepdims)
std var: (x=input, dim=axis, correction=ddof, keepdim=keepdims)
argmax argmin: argmax(x, dim=axis, keepdim=keepdims)
logsumexp: (x, dim=axis, keepdim=keepdims)
cumsum cumprod: (x, dim=axis)
zeros ones: (size=shape, dtype)
zeros_like: zeros(x=model, dtype)
ones_like: ones(x=model, dtype)
arange: (start, end=stop, step, dtype)

[pytensor.tensor.special aesara.tensor.nnet theano.tensor.nnet]
softmax: (x=c, dim=axis)
log_softmax logsoftmax: log_softmax(x=c, dim=axis)

[pytensor.tensor aesara.tensor.nnet theano.tensor.nnet]
softplus: (x)

[aesara.tensor.nnet theano.tensor.nnet]
sigmoid relu: (x)
"""
