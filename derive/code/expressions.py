"""What each kind of expression means: the table `EXPRESSIONS` is at the end."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Expr, Integer, Symbol

from derive.code import library
from derive.code.arrays import Array, Cell, elementwise, scalar
from derive.code.configs import choice_of, config_entry
from derive.code.faults import Fault, Refine, Unsupported
from derive.code.indexing import Item, is_mask_index, masked, read
from derive.code.layout import matmul
from derive.code.lengths import opened, whole_part
from derive.code.masks import LOGIC, OPERATORS, SIGNS, Comparison, either
from derive.code.values import (
    At,
    Choice,
    Config,
    Function,
    Ignored,
    Masked,
    Method,
    Numbers,
    Pair,
    Path,
    Poison,
    Record,
    Value,
    as_array,
    described,
    is_array,
    is_number,
    plain_number,
)
from derive.language import delta, name_of, size

if TYPE_CHECKING:
    from derive.code.machine import Machine, Scope

MAX_ITEMS = 10_000
MAX_POWER = 64
ATTRIBUTES_OF_MODULES = {"newaxis": None, "pi": scalar(sympy.pi), "e": scalar(sympy.E)}


# -- names and literals ----------------------------------------------------------------------------------------------


def _constant(machine: Machine, node: ast.Constant, scope: Scope) -> Value:
    if isinstance(node.value, float):
        return scalar(node.value)
    if node.value is None or isinstance(node.value, bool | int | str) or node.value is Ellipsis:
        return node.value
    raise Unsupported(f"the constant {node.value!r:.20}")


def _name(machine: Machine, node: ast.Name, scope: Scope) -> Value:
    name = node.id
    if name in scope:
        value = scope[name]
        if isinstance(value, Poison):
            raise Unsupported(value.why)
        return value
    module = machine.module
    if name in module.functions:
        return Function(module.functions[name], name)
    if name in module.classes:
        return Path(f".{name}")
    if name in module.constants:
        return machine.stored(machine.evaluate(module.constants[name], {}))
    if name in module.paths:
        return Path(module.paths[name])
    if library.is_builtin(name):
        return Path(f"builtins.{name}")
    if module.imports_all:
        raise Unsupported(f"{name}, which an import * may bind")
    raise Fault(f"the name {name} is not bound")


def _elements(machine: Machine, nodes: list[ast.expr], scope: Scope) -> list[Value]:
    found: list[Value] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            found.extend(sequence(machine.evaluate(node.value, scope)))
        else:
            found.append(machine.stored(machine.evaluate(node, scope)))
    return found


def sequence(value: Value) -> list[Value]:
    """The elements of a tuple or a list. Raises `Unsupported` for what has none that are known."""
    if isinstance(value, tuple | list):
        return list(value)
    raise Unsupported(f"the elements of {described(value)}")


def _tuple(machine: Machine, node: ast.Tuple, scope: Scope) -> Value:
    return tuple(_elements(machine, node.elts, scope))


def _list(machine: Machine, node: ast.List, scope: Scope) -> Value:
    return _elements(machine, node.elts, scope)


def _dict(machine: Machine, node: ast.Dict, scope: Scope) -> Value:
    found: dict[Value, Value] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            other = machine.evaluate(value, scope)
            if not isinstance(other, dict):
                raise Unsupported("** of what is no dict")
            found |= other
        else:
            found[_key(machine.evaluate(key, scope))] = machine.stored(machine.evaluate(value, scope))
    return found


def _key(value: Value) -> Value:
    if isinstance(value, str | int | bool):
        return value
    raise Unsupported(f"{described(value)} as a key")


def _joined_string(machine: Machine, node: ast.JoinedStr, scope: Scope) -> Value:
    parts = []
    for part in node.values:
        value = machine.evaluate(part.value if isinstance(part, ast.FormattedValue) else part, scope)
        if not isinstance(value, str | int) or (isinstance(part, ast.FormattedValue) and part.format_spec is not None):
            return Ignored("a text")
        parts.append(str(value))
    return "".join(parts)


def _comprehension(machine: Machine, node: ast.ListComp | ast.GeneratorExp, scope: Scope) -> Value:
    (generator,) = node.generators if len(node.generators) == 1 else (None,)
    if generator is None or generator.ifs:
        raise Unsupported("a comprehension with conditions or several loops")
    found = []
    for value in sequence(machine.evaluate(generator.iter, scope)):
        inner = dict(scope)
        machine_assign(machine, generator.target, value, inner)
        found.append(machine.stored(machine.evaluate(node.elt, inner)))
    return found


def machine_assign(machine: Machine, target: ast.expr, value: Value, scope: Scope) -> None:
    """Bind the names of a comprehension or a loop."""
    if isinstance(target, ast.Name):
        scope[target.id] = machine.stored(value)
    elif isinstance(target, ast.Tuple | ast.List):
        values = sequence(value)
        if len(values) != len(target.elts):
            raise Fault(f"{len(values)} values for {len(target.elts)} names")
        for each, one in zip(target.elts, values, strict=True):
            machine_assign(machine, each, one, scope)
    else:
        raise Unsupported("this target of a loop", target)


# -- arithmetic ------------------------------------------------------------------------------------------------------


def _unary(machine: Machine, node: ast.UnaryOp, scope: Scope) -> Value:
    value = machine.evaluate(node.operand, scope)
    if isinstance(node.op, ast.Not):
        if is_array(value):
            array = as_array(value)
            if array.kind == "bool" and not array.rank:
                return Array((), 1 - array.expr, "bool")
            raise Unsupported("the truth of an array")
        return not truth(machine, value)
    if is_number(value):
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(value, Masked) and isinstance(node.op, ast.USub):
        return value.like(elementwise(lambda u: -u, [value.array]))
    array = as_array(value)
    if isinstance(node.op, ast.Invert):
        if array.kind != "bool":
            raise Unsupported("~ of what is no truth value")
        return Array(array.axes, 1 - array.expr, "bool")
    if array.kind == "bool":
        raise Unsupported("the negative of a truth value")
    return elementwise(lambda u: -u, [array], array.kind) if isinstance(node.op, ast.USub) else array


def _binary(machine: Machine, node: ast.BinOp, scope: Scope) -> Value:
    left, right = machine.evaluate(node.left, scope), machine.evaluate(node.right, scope)
    return operate(machine, type(node.op), left, right, node.lineno)


def operate(machine: Machine, operator: type[ast.operator], left: Value, right: Value, line: int) -> Value:
    """``left operator right``, in some line."""
    left, right = _counting(machine, left), _counting(machine, right)
    if operator is ast.MatMult:
        result = matmul(as_array(left), as_array(right))
        return machine.hoisted(result, line) if not result.expr.is_number else result
    if isinstance(left, Masked) or isinstance(right, Masked):
        return _operate_under_mask(operator, left, right)
    if not is_array(left) and not is_array(right):
        return _operate_plainly(operator, left, right)
    a, b = as_array(left), as_array(right)
    if ("bool" in (a.kind, b.kind) and operator in LOGIC) or a.kind == b.kind == "bool":
        return _operate_on_truths(operator, a, b)
    if operator not in OPERATORS:
        raise Unsupported(f"the operator {SIGNS[operator]} on arrays")
    _check_power(operator, b.expr)
    function = OPERATORS[operator]
    whole = {a.kind, b.kind} <= {"whole", "bool"} and operator in (ast.Add, ast.Sub, ast.Mult)
    result = elementwise(function, [a, b], "whole" if whole else "real")
    if operator is ast.Pow and {a.kind, b.kind} <= {"whole", "bool"}:
        raise Unsupported("powers of integers", hint="Write the numbers as floats.")
    if not result.expr.is_number and operator is ast.Div and b.expr == 0:
        raise Unsupported("a division by zero")
    return plain_number(result)


def _counting(machine: Machine, value: Value) -> Value:
    """The number of a round as a number, from 0, with which indices are computed."""
    if is_array(value) and as_array(value).kind == "index" and as_array(value).expr in dict(machine.loops):
        return as_array(value).expr - 1
    return value


def _operate_under_mask(operator: type[ast.operator], left: Value, right: Value) -> Masked:
    """Arithmetic of entries under one mask."""
    sides = [each if isinstance(each, Masked) else as_array(each) for each in (left, right)]
    first, *others = (each for each in sides if isinstance(each, Masked))
    if operator not in OPERATORS or any(not first.has_mask_of(each) for each in others):
        raise Unsupported("arithmetic of entries under different masks")
    if any(isinstance(each, Array) and each.rank for each in sides):
        raise Unsupported("arithmetic of entries under a mask with a whole array")
    arrays = [each.array if isinstance(each, Masked) else each for each in sides]
    return first.like(elementwise(OPERATORS[operator], arrays))


def _operate_on_truths(operator: type[ast.operator], a: Array, b: Array) -> Value:
    if operator is ast.Mult:
        operator = ast.BitAnd
    if operator not in LOGIC or a.kind != "bool" or b.kind != "bool":
        raise Unsupported("this arithmetic of truth values", hint="Make numbers of them with astype(float).")
    return elementwise(LOGIC[operator], [a, b], "bool")


def _check_length(items: int) -> None:
    """Refuse lists and texts that would grow without end."""
    if items > MAX_ITEMS:
        raise Unsupported(f"a list or text of more than {MAX_ITEMS} items")


def _operate_plainly(operator: type[ast.operator], left: Value, right: Value) -> Value:
    if isinstance(left, tuple | list | str) and not isinstance(left, Numbers):
        together: Value = left
        if operator is ast.Add and type(left) is type(right):
            _check_length(len(left) + len(right))
            return together + right
        if operator is ast.Mult and isinstance(right, int):
            _check_length(len(left) * right)
            return together * right
    if isinstance(left, str) and operator is ast.Mod:
        return library.formatted(left, "%[ds]", right if isinstance(right, tuple) else (right,))
    numbers = [int(v) if isinstance(v, bool) else v for v in (left, right)]
    if not all(map(is_number, numbers)):
        raise Unsupported(f"{described(left)} {SIGNS[operator]} {described(right)}")
    a, b = map(sympy.sympify, numbers)
    if operator is ast.FloorDiv:
        return _number(_quotient(a, b))
    if operator is ast.Mod:
        if a.is_Integer and b.is_Integer:
            return int(a % b)
        raise Unsupported("% of sizes")
    if operator not in OPERATORS:
        raise Unsupported(f"the operator {SIGNS[operator]} on sizes")
    if operator is ast.Div and b == 0:
        raise Fault("a division by zero")
    _check_power(operator, b)
    result = OPERATORS[operator](a, b)
    is_whole = operator is not ast.Div and not (operator is ast.Pow and not (b.is_Integer and b >= 0))
    return _number(result) if is_whole else Array((), result, "real")


def _check_power(operator: type[ast.operator], power: Expr) -> None:
    if operator is ast.Pow and power.is_number and abs(power) > MAX_POWER:
        raise Unsupported(f"a power above {MAX_POWER}")


def _number(value: Expr) -> Value:
    return int(value) if value.is_Integer else value


def _quotient(a: Expr, b: Expr) -> Expr:
    """``a // b`` for sizes. Raises `Refine` where a has to be a multiple of b."""
    if a.is_Integer and b.is_Integer:
        if b == 0:
            raise Fault("a division by zero")
        return Integer(int(a) // int(b))
    quotient = sympy.cancel(a / b)
    if all(f.is_Integer or isinstance(f, Symbol) for f in sympy.Mul.make_args(quotient)):
        return quotient
    if isinstance(a, Symbol) and (b.is_Integer or isinstance(b, Symbol)):
        part = size(f"{a.name}_{b}")
        raise Refine(a, (b, part), f"{a.name} is a multiple of {b}")
    return whole_part(a / b)


# -- comparisons and truth -------------------------------------------------------------------------------------------


def _compare(machine: Machine, node: ast.Compare, scope: Scope) -> Value:
    left = machine.evaluate(node.left, scope)
    found: Value = None
    for operator, other in zip(node.ops, node.comparators, strict=True):
        right = machine.evaluate(other, scope)
        one = compare(machine, type(operator), left, right)
        found = one if found is None else _both(machine, found, one)
        left = right
    return found


def _both(machine: Machine, a: Value, b: Value) -> Value:
    if is_array(a) or is_array(b):
        return elementwise(lambda p, q: p * q, [as_array(a), as_array(b)], "bool")
    return a and b


def compare(machine: Machine, operator: type[ast.cmpop], left: Value, right: Value) -> Value:
    """``left operator right``, a truth value or an array of them."""
    if operator in (ast.Is, ast.IsNot):
        same = _is_same(left, right)
        return same if operator is ast.Is else not same
    if operator in (ast.In, ast.NotIn):
        return _contains(left, right) == (operator is ast.In)
    if isinstance(left, Choice) or isinstance(right, Choice):
        choice, other = (left, right) if isinstance(left, Choice) else (right, left)
        return choice_of(machine, choice, other) == (operator is ast.Eq)
    if is_array(left) or is_array(right):
        return _compare_arrays(machine, operator, as_array(left), as_array(right))
    if operator in (ast.Eq, ast.NotEq):
        return _plainly_equal(machine, left, right) == (operator is ast.Eq)
    if is_number(left) and is_number(right):
        return _compare_sizes(operator, sympy.sympify(left), sympy.sympify(right))
    raise Unsupported(f"comparing {described(left)} with {described(right)}")


def _is_same(left: Value, right: Value) -> bool:
    if left is None or right is None:
        other = right if left is None else left
        if isinstance(other, Choice):
            return False
        return other is None
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    raise Unsupported("`is` between values")


def _contains(left: Value, right: Value) -> bool:
    if isinstance(right, Config):
        return True
    if isinstance(right, dict | tuple | list) and (isinstance(left, str | int) or left is None):
        return left in right
    raise Unsupported(f"`in` {described(right)}")


def _plainly_equal(machine: Machine, left: Value, right: Value) -> bool:
    """Whether sizes, words or lists of these are equal; sizes that only may be are taken to differ, which is said."""
    if is_number(left) and is_number(right):
        gap = opened(sympy.sympify(left) - sympy.sympify(right))
        if gap != 0 and not gap.is_number:
            machine.trace.assume(f"{left} is not {right}")
        return bool(gap == 0)
    if isinstance(left, tuple | list) and isinstance(right, tuple | list) and len(left) == len(right):
        return all(_plainly_equal(machine, a, b) for a, b in zip(left, right, strict=True))
    simple = (str, bool, int, type(None), tuple, list)
    if isinstance(left, simple) and isinstance(right, simple):
        return bool(left == right)
    raise Unsupported(f"comparing {described(left)} with {described(right)}")


def _compare_sizes(operator: type[ast.cmpop], a: Expr, b: Expr) -> bool:
    relations: dict[type[ast.cmpop], Callable[[Expr, Expr], Any]] = {
        ast.Lt: sympy.Lt, ast.LtE: sympy.Le, ast.Gt: sympy.Gt, ast.GtE: sympy.Ge,
    }  # fmt: skip
    found = relations[operator](a, b)
    if found in (sympy.true, sympy.false):
        return bool(found)
    raise Unsupported(f"a condition on sizes: {found}")


def _compare_arrays(machine: Machine, operator: type[ast.cmpop], a: Array, b: Array) -> Value:
    if "index" in (a.kind, b.kind):
        return _compare_labels(machine, operator, a, b)
    if a.kind == "bool" and b.kind == "bool" and operator in (ast.Eq, ast.NotEq):
        same = elementwise(LOGIC[ast.BitXor], [a, b], "bool")
        return same if operator is ast.NotEq else elementwise(lambda u: 1 - u, [same], "bool")
    comparison = Comparison(machine.trace.definitions)
    return elementwise(lambda p, q: comparison.holds(operator, p, q), [a, b], "bool")


def _compare_labels(machine: Machine, operator: type[ast.cmpop], a: Array, b: Array) -> Value:
    """Equality of labels and positions; of two of them one says on which axis they lie."""
    if operator not in (ast.Eq, ast.NotEq):
        raise Unsupported("labels or indices compared by order")
    a, b = (_as_label(each) for each in (a, b))
    limit = a.limit if a.limit is not None else b.limit
    if limit is None:
        limit = next(
            (machine.trace.selectors[n] for n in map(_label_name, (a, b)) if n in machine.trace.selectors), None
        )
    if limit is None:
        raise Unsupported("comparing labels of which nothing says what they choose from")
    for each in (a, b):
        if each.expr.is_Integer:
            continue
        machine.trace.select(each, limit)
    real_a, real_b = (Array(each.axes, each.expr) for each in (a, b))
    same = elementwise(_equal, [real_a, real_b], "bool")
    return same if operator is ast.Eq else elementwise(lambda u: 1 - u, [same], "bool")


def _as_label(array: Array) -> Array:
    if array.kind == "whole" and array.expr.is_Integer and array.expr >= 0:
        return Array(array.axes, array.expr + 1, "index")
    if array.kind == "index":
        return array
    raise Unsupported("labels compared with other numbers")


def _label_name(array: Array) -> str:
    return name_of(array.expr) if isinstance(array.expr, sympy.Indexed | Symbol) else ""


def _equal(p: Expr, q: Expr) -> Expr:
    plain = isinstance(p, Symbol) and isinstance(q, Symbol)
    return delta(p, q) if plain else sympy.KroneckerDelta(p, q)


def _boolean(machine: Machine, node: ast.BoolOp, scope: Scope) -> Value:
    is_and = isinstance(node.op, ast.And)
    found: Value = None
    for k, each in enumerate(node.values):
        value = machine.evaluate(each, scope)
        if is_array(value) or is_array(found):
            operator = ast.BitAnd if is_and else ast.BitOr
            found = value if not k else _operate_on_truths(operator, as_array(found), as_array(value))
            continue
        found = value
        if truth(machine, value) != is_and:
            return value
    return found


def truth(machine: Machine, value: Value) -> bool:
    """Whether a value counts as true."""
    if isinstance(value, Choice):
        return bool(choice_of(machine, value, True))
    if isinstance(value, bool | int | str | tuple | list | dict) or value is None:
        return bool(value)
    if isinstance(value, Record | Function | Path):
        return True
    if isinstance(value, Expr) and value.is_positive:
        return True
    raise Unsupported(f"the truth of {described(value)}")


def _if_expression(machine: Machine, node: ast.IfExp, scope: Scope) -> Value:
    condition = machine.evaluate(node.test, scope)
    if not is_array(condition):
        return machine.evaluate(node.body if truth(machine, condition) else node.orelse, scope)
    test = as_array(condition)
    if test.rank or test.kind != "bool":
        raise Unsupported("the truth of an array")
    sides = [as_array(machine.evaluate(each, scope)) for each in (node.body, node.orelse)]
    return elementwise(either, [test, *sides])


# -- attributes and indices ------------------------------------------------------------------------------------------


def _attribute(machine: Machine, node: ast.Attribute, scope: Scope) -> Value:
    owner = machine.evaluate(node.value, scope)
    if isinstance(owner, Path):
        last = owner.name.split(".")[-1]
        if node.attr in ATTRIBUTES_OF_MODULES and last in ("numpy", "torch", "jax", "math"):
            return ATTRIBUTES_OF_MODULES[node.attr]
        return Path(f"{owner.name}.{node.attr}")
    if isinstance(owner, Record):
        return _of_record(machine, owner, node.attr)
    if isinstance(owner, Pair) and node.attr in Pair.NAMES:
        return owner[Pair.NAMES.index(node.attr)]
    if is_array(owner):
        return _of_array(machine, owner, node.attr)
    return Method(owner, node.attr)


def _of_record(machine: Machine, owner: Record, name: str) -> Value:
    if name in owner.attributes:
        value = owner.attributes[name]
        if isinstance(value, Poison):
            raise Unsupported(value.why)
        return value
    if (method := machine.method(owner, name)) is not None:
        return method
    if owner.kind in ("ctx", "super"):
        return Method(owner, name)
    raise Unsupported(f"the attribute {name}, of which nothing says what it is")


def _of_array(machine: Machine, owner: Value, name: str) -> Value:
    array = as_array(owner)
    if name == "shape":
        return tuple(map(_number, array.shape))
    if name == "ndim":
        return array.rank
    if name == "T":
        if machine.library == "torch" and array.rank > 2:
            raise Unsupported("T of an array of more than two axes")
        return Cell(array.with_axes(reversed(array.axes)), _base(owner))
    if name == "mT":
        return Cell(array.with_axes((*array.axes[:-2], array.axes[-1], array.axes[-2])), _base(owner))
    if name == "size" and machine.library != "torch":
        return _number(sympy.Mul(*array.shape))
    if name in ("dtype", "device"):
        return Ignored(f"a {name}")
    if name in ("data", "real"):
        return owner
    if name == "at" and machine.library == "jax":
        return At(array)
    return Method(owner, name)


def _base(owner: Value) -> Cell | None:
    return owner if isinstance(owner, Cell) else None


def _subscript(machine: Machine, node: ast.Subscript, scope: Scope) -> Value:
    owner = machine.evaluate(node.value, scope)
    if isinstance(owner, dict):
        key = _key(machine.evaluate(node.slice, scope))
        if key in owner:
            return owner[key]
        if isinstance(owner, Config):
            return config_entry(machine, owner, key)
        raise Fault(f"there is no entry {key!r}")
    if isinstance(owner, tuple | list):
        return _element(owner, index_items(machine, node.slice, scope)[0])
    if isinstance(owner, At) and owner.items is None:
        return At(owner.array, tuple(index_items(machine, node.slice, scope)))
    if not is_array(owner):
        raise Unsupported(f"an index into {described(owner)}")
    items = index_items(machine, node.slice, scope)
    if is_mask_index(items):
        return Masked(*masked(as_array(owner), items[0]))
    picked, is_view = read(as_array(owner), items, machine.trace)
    if picked.kind == "index":
        return picked
    return Cell(picked, _base(owner)) if is_view and isinstance(owner, Cell) else picked


def _element(owner: tuple[Value, ...] | list[Value], item: Item) -> Value:
    if isinstance(item, slice):
        ends = (item.start, item.stop, item.step)
        if all(end is None or isinstance(end, int) for end in ends):
            return owner[item]
    if isinstance(item, bool) or not isinstance(item, int):
        raise Unsupported("an index into a list that is no fixed number")
    if not -len(owner) <= item < len(owner):
        raise Fault(f"index {item} in a list of {len(owner)}")
    return owner[item]


def index_items(machine: Machine, node: ast.expr, scope: Scope) -> list[Item]:
    """The parts of an index."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return [item for part in parts for item in _items(machine, part, scope)]


def _items(machine: Machine, part: ast.expr, scope: Scope) -> list[Item]:
    if isinstance(part, ast.Slice):
        ends = (machine.evaluate(e, scope) if e is not None else None for e in (part.lower, part.upper, part.step))
        return [slice(*(_end(end) for end in ends))]
    if isinstance(part, ast.Starred):
        return [_item(machine, value) for value in sequence(machine.evaluate(part.value, scope))]
    value = machine.evaluate(part, scope)
    if isinstance(value, tuple):
        return [_item(machine, each) for each in value]
    return [_item(machine, value)]


def _end(value: Value) -> Value:
    if value is None or is_number(value):
        return value
    raise Fault("a slice between numbers that are no integers")


def _item(machine: Machine, value: Value) -> Item:
    if value is None or value is Ellipsis or isinstance(value, slice) or is_number(value):
        return value
    if isinstance(value, library.Span):
        return library.positions(value, machine.order)
    if isinstance(value, list):
        raise Unsupported("an index that is a list")
    array = as_array(value)
    number = plain_number(array)
    return number if is_number(number) else array


# -- calls -----------------------------------------------------------------------------------------------------------


def _call(machine: Machine, node: ast.Call, scope: Scope) -> Value:
    function = machine.evaluate(node.func, scope)
    arguments = _elements(machine, node.args, scope)
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = machine.stored(machine.evaluate(keyword.value, scope))
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        elif isinstance(value, dict) and not isinstance(value, Config):
            keywords |= value
        else:
            raise Unsupported("** of what is no dict")
    return call_value(machine, function, arguments, keywords, node)


def call_value(
    machine: Machine, function: Value, arguments: list[Value], keywords: dict[str, Value], node: ast.expr
) -> Value:
    """Call what an expression stands for."""
    if isinstance(function, Function):
        return machine.call(function, arguments, keywords)
    if isinstance(function, Path) and function.name.startswith(".") and function.name[1:] in machine.module.classes:
        return _made(machine, function.name[1:], arguments, keywords)
    if isinstance(function, Path):
        return library.call_path(machine, function.name, arguments, keywords, node)
    if isinstance(function, Method):
        return library.call_method(machine, function, arguments, keywords, node)
    if isinstance(function, Record):
        method = machine.method(function, "__call__") or machine.method(function, "forward")
        if method is not None:
            return machine.call(method, arguments, keywords)
    if isinstance(function, Ignored):
        return function
    raise Unsupported(f"a call of {described(function)}")


def _made(machine: Machine, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Record:
    """An object of a class of the file."""
    made = Record("object", {}, name)
    method = machine.method(made, "__init__")
    if method is not None:
        machine.call(method, arguments, keywords)
    elif arguments or keywords:
        raise Fault(f"{name} takes no arguments")
    return made


def _lambda(machine: Machine, node: ast.Lambda, scope: Scope) -> Value:
    return Function(node, "lambda", scope)


EXPRESSIONS: dict[type[ast.expr], Callable[[Any, Any, Any], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Dict: _dict,
    ast.JoinedStr: _joined_string,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.IfExp: _if_expression,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.Lambda: _lambda,
}
"""For each kind of expression what it means."""
