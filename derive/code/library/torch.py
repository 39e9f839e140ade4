"""torch's functions and methods with torch's own defaults: ``var`` divides by N - 1, ``max`` of an axis is a pair."""

from __future__ import annotations

from derive.code.library.numpy import MEANS
from derive.code.library.rows import Row, rows

_BOTH = rows(
    MEANS,
    """
exp a
log a
sqrt a
rsqrt a
square a
reciprocal a
abs a
absolute=abs a
sign a
sgn=sign a
neg=negative a
negative a
sin a
cos a
tan a
tanh a
sinh a
cosh a
sigmoid a
relu a
erf a
log1p a
expm1 a
log2 a
exp2 a
add a b alpha
sub=subtract a b alpha
subtract a b alpha
mul=multiply a b
multiply a b
div=divide a b
divide a b
true_divide=divide a b
pow=power a b
maximum a b
minimum a b
gt=greater a b
greater a b
ge=greater_equal a b
lt=less a b
less a b
le=less_equal a b
eq=equal a b
ne=not_equal a b
logical_not a
logical_and a b
logical_or a b
clip a min max
clamp=clip a min max
sum a axis keepdims dtype
mean a axis keepdims dtype
var=torch_var a axis unbiased keepdims ddof
std=torch_std a axis unbiased keepdims ddof
max=torch_max a axis keepdims b
amax=max a axis keepdims
norm a ord axis keepdims
softmax a axis dtype
log_softmax a axis dtype
logsumexp a axis keepdims
prod a axis
trace a
reshape a *shape
ravel a
flatten a start_dim
transpose=torch_transpose a first second
swapaxes=torch_transpose a first second
permute=transpose a *axes
t a
movedim=moveaxis a first second
unsqueeze=expand_dims a axis
squeeze a axis
broadcast_to a *shape
tile a *reps
matmul a b
mm=matmul a b
bmm=matmul a b
mv=matmul a b
dot a b
outer a b
ger=outer a b
chunk=split a parts axis
diag a
numel=count a
clone=same a
detach=shared a
zeros_like a dtype
ones_like a dtype
empty_like=zeros_like a dtype
full_like a value dtype
rand_like=random_like a
randn_like=random_like a
""",
)
"""What is a function and a method."""

FUNCTIONS = {
    **_BOTH,
    **rows(
        MEANS,
        """
where condition a b
einsum spec *operands
tensordot a b axes
stack arrays axis
cat=concatenate arrays axis
concat=concatenate arrays axis
hstack arrays
vstack arrays
reshape a shape
permute=transpose a axes
broadcast_to a shape
zeros *shape
ones *shape
empty=zeros *shape
full shape value
eye n m
arange start stop step
tensor=array a dtype
as_tensor=shared a dtype
from_numpy=shared a
rand=random *shape
randn=random *shape
no_grad=ignored *all
enable_grad=ignored *all
manual_seed=none *all
numel=count a
linalg.norm=norm a ord axis keepdims
special.erf=erf a
special.expit=sigmoid a
nn.functional.relu=relu a
nn.functional.sigmoid=sigmoid a
nn.functional.silu=silu a
nn.functional.gelu=gelu a approximate
nn.functional.softplus=softplus a
nn.functional.logsigmoid=log_sigmoid a
nn.functional.leaky_relu=leaky_relu a negative_slope
nn.functional.softmax=softmax a axis
nn.functional.log_softmax=log_softmax a axis
nn.functional.tanh=tanh a
nn.functional.one_hot=one_hot a n
nn.functional.mse_loss=mse_loss a target reduction
""",
    ),
}
"""By the name behind ``torch.``."""

METHODS = {
    **_BOTH,
    **rows(
        MEANS,
        """
view=reshape a *shape
size a axis
dim=ndim a
expand=broadcast_to a *shape
expand_as a b
contiguous=shared a
to=same a dtype
type=same a dtype
type_as=same a b
float=as_float a
double=as_float a
half=as_float a
long=as_integer a
int=as_integer a
cpu=shared a
cuda=shared a
numpy=shared a
item a
requires_grad_=shared a
index_add_=index_add a axis indices b
""",
    ),
}
"""By the name of the method; the tensor itself is ``a``."""


def method(name: str) -> Row | None:
    return METHODS.get(name)
