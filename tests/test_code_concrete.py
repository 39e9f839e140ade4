"""The concrete interpreter of code does what Python does, runs nothing, and cannot be made to hang."""

from __future__ import annotations

import ast
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from code_fixtures import FIXTURES, Fixture

from derive.code.concrete import Budget, Gradients, NotRunnable, gradients, run
from derive.code.pairs import find_pairs

DISTINCT = [3, 4, 2, 5]


def measured(fixture: Fixture, values: list[int], seed: int = 0) -> Gradients:
    return gradients(
        fixture.tree, fixture.pair, fixture.shapes, fixture.sizes(values), seed=seed, fixed=fixture.fixed, seconds=60
    )


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f.name)
@pytest.mark.parametrize("values", [DISTINCT, [1], [4, 3, 5, 2]], ids=["distinct", "ones", "others"])
def test_right_gradients_agree_with_finite_differences(fixture: Fixture, values: list[int]) -> None:
    found = measured(fixture, values)
    compared = [(each.target, found.check(each)) for each in found.returned if each.value is not None]
    assert compared and all(check.agrees and check.same_shape for _, check in compared), compared
    wanted = {name for name, shape in fixture.shapes.items() if shape.labels is None} - {"target", "X", "T"}
    assert {target for target, _ in compared} >= wanted
    assert not found.overwritten


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f.name)
def test_a_gradient_off_by_a_thousandth_does_not_agree(fixture: Fixture) -> None:
    found = measured(fixture, DISTINCT)
    for each in found.returned:
        if each.value is not None:
            value = np.array(each.value)
            worst = np.unravel_index(np.argmax(np.abs(value)), value.shape)
            value[worst] *= 1.001
            off = type(each)(each.position, each.name, value, each.target)
            assert not found.check(off).agrees, each.name


NUMPY = [each for each in FIXTURES if each.library == "numpy" and each.pair.kind in ("functions", "loss")]


@pytest.mark.parametrize("fixture", NUMPY, ids=lambda f: f.name)
def test_a_run_is_python_s_own_to_the_last_bit(fixture: Fixture) -> None:
    """Python's own `exec` is the oracle here, on files of this repository."""
    if "np.random" in fixture.source:
        pytest.skip("draws other random numbers")
    found = measured(fixture, DISTINCT)
    names: dict[str, Any] = {}
    exec(compile(fixture.source, fixture.name, "exec"), names)
    inputs = {name: value for name, value in found.arguments.items() if name not in ("bn_param", "conv_param")}
    for name in {"bn_param", "conv_param"} & found.arguments.keys():
        inputs[name] = {"eps": found.arguments[name].draw("eps"), **fixture.fixed}
    value = names[fixture.pair.forward](**inputs)
    ours = run(fixture.tree, fixture.pair.forward, inputs, fixture.fixed).value
    assert same(ours, value)
    if fixture.pair.kind == "functions":
        above = found.upstream
        theirs = names[fixture.pair.backward](
            *above, value[-1] if len(value) == len(above) + 1 else value[len(above) :]
        )
        theirs = theirs if isinstance(theirs, tuple) else (theirs,)
        assert same([each.value for each in found.returned], list(theirs))


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, tuple | list):
        return len(ours) == len(theirs) and all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in theirs)
    return type(ours) is type(theirs) and np.array_equal(ours, theirs)


# -- as strict as Python ---------------------------------------------------------------------------------------------

STRICT = [
    "return x[0.5]",
    "return x[x.shape[0] / 2]",
    "return y",
    "z = z + 1\n    return z",
    "return x[7]",
    "return x @ x",
    "return x + x.T",
    "x[0] = np.ones(9)",
    "n = np.arange(3)\n    n += 0.5\n    return n",
    "a, b = x.shape + (1,)",
    "return x.reshape(5, 5)",
    "return np.zeros(3)[np.zeros(2)]",
    "return {'a': 1}['b']",
    "return f(1, 2)",
    "return f()",
    "return (lambda a: a)(b=1)",
    "return x.nothing",
    "return range(x)",
    "if x > 0:\n        return 1",
    "return [1, 2] + 3",
    "return 1 / 0",
    "for i in 3:\n        pass",
    "return x.sum(axis=5)",
    "return np.concatenate([x, x.T])",
    "assert x.shape == (1, 1)",
    "del x\n    return x",
    "return ~x",
    "return -(x > 0)",
    "return None + x",
    "return x[:, :, 0]",
    "x[[0, 9]] += 1",
    "return np.einsum('ij,jk->ik', x, x)",
    "raise ValueError('no')",
    "return int('a')",
    "return range(3)[5]",
    "return 'a' + 1",
    "return {x: 1}",
    "return len(3)",
    "return x(1)",
]


@pytest.mark.parametrize("body", STRICT)
def test_what_python_refuses_is_refused(body: str) -> None:
    source = f"import numpy as np\ndef f(x):\n    {body}\n"
    x = np.arange(6.0).reshape(2, 3)
    names: dict[str, Any] = {}
    exec(compile(source, "strict", "exec"), names)
    with pytest.raises(
        (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError, ValueError)
    ):
        names["f"](x.copy())
    with pytest.raises(NotRunnable) as error:
        run(ast.parse(source), "f", {"x": x})
    assert error.value.line is not None and error.value.line >= 3


# fmt: off
AS_PYTHON = [
    "y = x\n    y += 1\n    return x",
    "y = x[:, 0]\n    y *= 2\n    return x",
    "y = x[[0]]\n    y *= 2\n    return x",
    "y = x.T\n    y[0] = 5\n    return x",
    "y = x.reshape(-1)\n    y[2:] -= x[0, 0]\n    return x",
    "x = x + 1\n    x[x > 2] = 0\n    return x",
    "def g(a, b=2, *c, d=3, **e):\n        return a + b + len(c) + d + sum(e.values())\n"
    "    return g(1), g(1, 5, 6, d=1, z=4)",
    "a = [i * j for i in range(3) for j in range(i) if j != 1]\n    return a",
    "c = 0\n    def g():\n        nonlocal c\n        c += 1\n        return c\n    g()\n    return g() + c",
    "k = [lambda: i for i in range(3)]\n    return [f() for f in k]",
    "a, *b, (c, d) = 1, 2, 3, (4, 5)\n    return a, b, c, d",
    "t = 0\n    while True:\n        t += 1\n        if t > 5:\n            break\n    return t",
    "for i in range(3):\n        if i == 1:\n            continue\n    else:\n        i = 7\n    return i",
    "d = {'a': 1, **{'b': 2}}\n    d['c'] = d.get('z', 4)\n    return sorted(d), d['c'], 'a' in d, len(d)",
    "return x.sum(0), x.mean(axis=1, keepdims=True), x.max(), x.std(axis=(0, 1)), x.argmax(1)",
    "return 1 < x.shape[0] <= 2 < 3, not x.any(), x.size // 4, x.size % 4, -7 // 2, 2**-1",
    "return f'W{x.shape[0]}' + 'b%d' % 3 + 'c{}'.format(2)",
    "np.add.at(x, ([0, 0], [1, 1]), 2.0)\n    return x",
    "return np.pad(x, ((1, 0), (0, 2))), np.where(x > 1, x, 0), np.clip(x, 1, 3), x[::-1, 1:]",
    "return (y := x.shape[0]) + y, (1 if x.size else 2), x[..., None].shape, x[-1, -2]",
    "return np.arange(3) / 2, np.arange(3, dtype=float), np.eye(2, 3), x.astype(int), np.zeros((2, 1)).tolist()",
    "import math\n    return math.sqrt(x[0, 1]), math.exp(1), float(x[1, 1]), int(x[1, 2]), abs(-3)",
    "return list(zip(range(2), 'ab')), list(enumerate([5, 6], 1)), list(map(len, ['a', 'b']))",
    "return max(3, 4), min([2, 1]), sum([1, 2], 3), any([0, 1]), all([]), divmod(7, 3)",
    "class A:\n        k = 2\n        def __init__(self, v):\n            self.v = v\n        def __call__(self, w):\n"
    "            return self.k * self.v + w\n    class B(A):\n        def __init__(self):\n"
    "            super().__init__(5)\n"
    "    a = B()\n    a.v += 1\n    return a(1), A(2)(3)",
    "x[0], x[1] = x[1], x[0]\n    return x",
    "x[0], x[1] = x[1].copy(), x[0].copy()\n    return x",
    "def g(a=[]):\n        a.append(1)\n        return len(a)\n    g()\n    return g()",
    "return x[:, [0, 2]], x[np.array([True, False])], x[np.arange(2), [1, 0]], x.flat[0] if False else 0",
    "return np.float64(3), x.dot(x.T), np.outer([1, 2], [3, 4]), np.tensordot(x, x, 2), np.linalg.norm(x)",
    "return np.split(x, 3, axis=1)[1], np.hstack((x, x)), np.stack([x, x], 1), np.repeat(x, 2, 0), np.tile(x, (1, 2))",
]
# fmt: on


@pytest.mark.parametrize("body", AS_PYTHON)
def test_what_python_does_is_done(body: str) -> None:
    source = f"import numpy as np\ndef f(x):\n    {body}\n"
    x = np.arange(6.0).reshape(2, 3)
    names: dict[str, Any] = {}
    exec(compile(source, "as_python", "exec"), names)
    theirs, ours = x.copy(), x.copy()
    expected = names["f"](theirs)
    found = run(ast.parse(source), "f", [ours]).value
    assert same(found, expected) or repr(found) == repr(expected)
    assert np.array_equal(theirs, ours)


# -- nothing runs ----------------------------------------------------------------------------------------------------

SIDE_EFFECTS = """
import os
import numpy as np
open({path!r}, "w").write("at import")
LEFT = open({path!r}, "w")

def mark(f=open({path!r}, "w")):
    return f

@mark
def helper(x):
    return x

def f_forward(x: open({path!r}, "w"), k=os.system("touch " + {path!r})):
    __import__("os").system("touch " + {path!r})
    return x
"""


def test_nothing_of_the_source_is_executed(tmp_path: Any) -> None:
    path = tmp_path / "trace"
    tree = ast.parse(SIDE_EFFECTS.format(path=str(path)))
    with pytest.raises(NotRunnable):
        run(tree, "f_forward", {"x": np.ones(2)})
    with pytest.raises(NotRunnable):
        run(tree, "helper", {"x": np.ones(2)})
    assert not path.exists()


REACHING_OUT = [
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__",
    "f.__globals__",
    "f.__code__",
    "np.load('/etc/passwd')",
    "np.__loader__",
    "x.tofile('/tmp/x')",
    "np.ctypeslib",
    "x.ctypes",
    "x.base",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "__import__('os')",
    "__builtins__",
    "globals()",
    "getattr(x, '__class__')",
    "'{0.__class__}'.format(x) + 1",
    "np.zeros(2, dtype='O')",
    "np.array([f])",
    "np.vectorize(f)",
    "np.zeros.__self__",
    "type(x)(3)",
    "(lambda: 0).__closure__",
]


@pytest.mark.parametrize("expression", REACHING_OUT)
def test_nothing_outside_the_whitelist_is_reached(expression: str) -> None:
    source = f"import numpy as np\ndef f(x):\n    return {expression}\n"
    with pytest.raises(NotRunnable):
        run(ast.parse(source), "f", {"x": np.ones((2, 2))})


HOSTILE = [
    "return 10**10**10",
    "return 'a' * 10**9",
    "return [0] * 10**9",
    "return np.zeros(10**12)",
    "return np.zeros((10**5, 10**5))",
    "while True:\n        pass",
    "a = 'a'\n    while True:\n        a = a + a",
    "a = [1]\n    while True:\n        a += a",
    "a = [1]\n    while True:\n        a.extend(a)",
    "a = 3\n    while True:\n        a = a * a",
    "return 1 << 10**9",
    "return f(x)",
    "return list(range(10**12))",
    "return sum(range(10**12))",
    "return [0 for i in range(10**9)]",
    "return np.arange(1e12)",
    "return np.ones((400, 1)) * np.ones(10**5)",
    "return np.outer(np.ones(10**5), np.ones(10**5))",
    "return np.einsum('i,j,k->ijk', *[np.ones(10**4)] * 3)",
    "return np.einsum('i,j,k->', *[np.ones(10**4)] * 3)",
    "return np.repeat(x, 10**10)",
    "return np.tile(x, (10**5, 10**5))",
    "return np.pad(x, 10**6)",
    "return np.broadcast_to(1.0, (10**6, 10**6)).copy()",
    "return np.eye(10**6)",
    "return np.kron(np.ones(10**4), np.ones(10**4))",
    "return np.ones((400, 400)) @ np.ones((400, 400)) @ np.ones((400, 10**6))",
    "a = [0]\n    for i in range(60):\n        a = [a, a]\n    return a == a",
    "a = [0]\n    for i in range(60):\n        a = [a, a]\n    return np.array(a)",
    "a = (0,)\n    for i in range(10**5):\n        a = (a,)\n    return {a: 1}",
    "a = [0]\n    a.append(a)\n    return a == [0, a]",
    "a = [0]\n    a.append(a)\n    return np.sum(a)",
    "b = []\n    while True:\n        b.append(np.zeros(10**5))",
    "return round(5, -10**9)",
    "return '%1000000000d' % 3 + 'a'",
    "return np.random.rand(10**6, 10**6)",
    "return np.linspace(0, 1, 10**10)",
    "return ['a' * 10**5] * 10**5 + x",
    "return np.array(['a' * 10**5] * 10**4)",
    "return np.zeros(2, dtype='U1000000000')",
    "return x[np.zeros((400, 400), int)][:, :, np.zeros((400, 400), int)]",
    "return '-'.join(['a' * 10**4] * 10**4)",
    "return 'a'.replace('a', 'a' * 10**5).replace('a', 'a' * 10**5)",
    "return np.bincount(np.array([10**9]))",
    "return (lambda g: g(g))(lambda g: g(g))",
    "return [[[0 for i in range(10**4)] for j in range(10**4)] for k in range(10**4)]",
    "for i in range(10**9):\n        x = x + 1",
    "return " + "(" * 90 + "x" + ")" * 90,
    "return " + "-" * 2000 + "x",
    "return " + "[" * 60 + "x" + "]" * 60 + " == 3",
    "return " + "x+" * 500 + "x",
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_source_is_answered_in_time_and_memory(body: str) -> None:
    source = f"import numpy as np\ndef f(x):\n    {body}\n"
    tree = ast.parse(source)
    start = time.process_time()
    tracemalloc.start()
    try:
        run(tree, "f", {"x": np.ones((2, 3))}, budget=Budget(seconds=0.5))
    except NotRunnable as error:
        assert error.why
    finally:
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert time.process_time() - start < 5
    assert used < 700e6


def test_a_line_is_named_and_what_to_do_is_said() -> None:
    source = "import numpy as np\ndef f(x):\n    y = x\n    return np.fft.fft(y)\n"
    with pytest.raises(NotRunnable) as error:
        run(ast.parse(source), "f", {"x": np.ones(2)})
    assert (error.value.line, error.value.reason) == (4, "unsupported")
    assert "numpy.fft" in error.value.why


def test_an_argument_that_is_overwritten_is_reported() -> None:
    source = (
        "import numpy as np\ndef f_forward(x):\n    return 2 * x, x\n"
        "def f_backward(dout, x):\n    dout *= 2\n    x[0] = 0\n    return dout\n"
    )
    tree = ast.parse(source)
    found = gradients(tree, find_pairs(tree)[0], {"x": ("N",)}, {"N": 3})
    assert found.overwritten == ["x", "dout"]


def test_a_column_returned_for_a_vector_is_of_another_shape() -> None:
    source = (
        "import numpy as np\ndef f_forward(x, b):\n    return x + b, None\n"
        "def f_backward(dout, cache):\n    db = dout.sum(axis=0, keepdims=True)\n    return dout, db\n"
    )
    tree = ast.parse(source)
    found = gradients(tree, find_pairs(tree)[0], {"x": ("N", "D"), "b": ("D",)}, {"N": 3, "D": 2})
    check = found.check(found.returned[1])
    assert check.agrees and not check.same_shape


LOOP, HOARD, RECURSION = "while True: pass", "while True: x = (x, np.zeros(10**5))", "x = f_forward(x)[0]"


@pytest.mark.parametrize(
    ("forward", "backward"), [(LOOP, "pass"), (HOARD, "pass"), (RECURSION, "pass"), ("pass", LOOP), ("pass", HOARD)]
)
def test_hostile_passes_are_answered_in_time_and_memory(forward: str, backward: str) -> None:
    source = (
        f"import numpy as np\ndef f_forward(x):\n    {forward}\n    return x, x\n"
        f"def f_backward(dout, x):\n    {backward}\n    return dout\n"
    )
    tree = ast.parse(source)
    start = time.process_time()
    tracemalloc.start()
    with pytest.raises(NotRunnable):
        gradients(tree, find_pairs(tree)[0], {"x": ("N",)}, {"N": 3}, seconds=0.5)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - start < 5
    assert used < 700e6
