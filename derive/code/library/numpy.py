"""NumPy's functions and methods; jax.numpy, the array API and CuPy have the same."""

from __future__ import annotations

from derive.code.library import arrangement, elementwise, making, reductions
from derive.code.library.rows import Row, rows

MEANS = {**elementwise.MEANS, **reductions.MEANS, **arrangement.MEANS, **making.MEANS}

FUNCTIONS = rows(
    MEANS,
    """
exp a
log a
sqrt a
square a
reciprocal a
abs a
absolute=abs a
fabs=abs a
sign a
negative a
positive a
sin a
cos a
tan a
tanh a
sinh a
cosh a
log1p a
expm1 a
log2 a
exp2 a
add a b
subtract a b
multiply a b
divide a b
true_divide=divide a b
power a b
pow=power a b
float_power=power a b
maximum a b
minimum a b
fmax=maximum a b
fmin=minimum a b
heaviside a b
greater a b
greater_equal a b
less a b
less_equal a b
equal a b
not_equal a b
logical_not a
logical_and a b
logical_or a b
where condition a b
clip a min max
sum a axis dtype out keepdims
mean a axis dtype out keepdims
average a axis
var a axis dtype out ddof keepdims
std a axis dtype out ddof keepdims
max a axis out keepdims
amax=max a axis out keepdims
prod a axis dtype out keepdims
product=prod a axis dtype out keepdims
trace a
linalg.norm=norm a ord axis keepdims
reshape a shape order
ravel a order
transpose a axes
permute_dims=transpose a axes
matrix_transpose=t a
swapaxes=torch_transpose a first second
moveaxis a first second
expand_dims a axis
squeeze a axis
broadcast_to a shape
tile a reps
pad a widths mode constant_values
repeat a repeats axis
matmul a b
dot a b
inner=dot a b
vdot=dot a b
outer a b
einsum spec *operands
tensordot a b axes
stack arrays axis
concatenate arrays axis
concat=concatenate arrays axis
hstack arrays
vstack arrays
column_stack=hstack arrays
split a parts axis
hsplit a parts
array_split=split a parts axis
add.at=add_at a indices b
diag a
size=count a
ndim a
shape a
array a dtype
asarray=shared a dtype
asanyarray=shared a dtype
ascontiguousarray=shared a dtype
copy=same a
float32=as_float a
float64=as_float a
float16=as_float a
float_=as_float a
int32=int a
int64=int a
zeros shape dtype
ones shape dtype
empty=zeros shape dtype
zeros_like a dtype
ones_like a dtype
empty_like=zeros_like a dtype
full shape value dtype
full_like a value dtype
eye n m
identity=eye n
arange start stop step dtype
errstate=ignored *all
seterr=none *all
random.seed=none *all
random.rand=random *shape
random.randn=random *shape
random.random=random shape
random.random_sample=random shape
random.uniform=random low high shape
random.normal=random low high shape
random.standard_normal=random shape
random.binomial=random low high shape
""",
)
"""By the name behind ``numpy.``."""

METHODS = rows(
    MEANS,
    """
sum a axis dtype out keepdims
mean a axis dtype out keepdims
var a axis dtype out ddof keepdims
std a axis dtype out ddof keepdims
max a axis out keepdims
prod a axis
trace a
dot a b
reshape a *shape
ravel a
flatten a
transpose a *axes
swapaxes=torch_transpose a first second
squeeze a axis
copy=same a
astype=same a dtype
clip a min max
item a
repeat a repeats axis
__len__=len a
""",
)
"""By the name of the method; the array itself is ``a``."""


def method(name: str) -> Row | None:
    return METHODS.get(name)
