"""Python's own: builtins, the math module, operators. Format: see spellings.py."""

FUNCTIONS = """
[builtins]
abs: (x)
round: (x=number)
max: maximum(x, y, z, w)
min: minimum(x, y, z, w)
sum: (x)
len: (x)
pow: (x=base, y=exp)
float: detach(x)
int: copy(x; dtype=integer)
bool: copy(x; dtype=boolean)
any all: (x)

[math]
exp exp2 expm1 log2 log10 log1p sin cos tan acos asin atan sinh cosh tanh asinh acosh atanh sqrt floor ceil: (x)
trunc erf erfc lgamma: (x)
log: (x)
fabs: abs(x)
pow atan2 fmod hypot: (x, y)
isnan isinf isfinite: (x)
prod: (x)
fsum: sum(x)

[random]
random: rand()
uniform: (low=a, high=b)
gauss normalvariate: randn()
"""

OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
    "&": "bitwise",
    "|": "bitwise",
    "^": "bitwise",
    "==": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
}
