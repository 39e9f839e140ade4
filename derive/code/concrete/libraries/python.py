"""Python's own functions, the methods of its containers, and the module math."""

from __future__ import annotations

import ast
import copy
import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from derive.code.concrete.budget import NotRunnable
from derive.code.concrete.calls import call_value
from derive.code.concrete.items import set_attribute, setting
from derive.code.concrete.iteration import iterate
from derive.code.concrete.libraries.whitelist import Call, checked, words
from derive.code.concrete.machine import Machine, attempt, is_array, is_number
from derive.code.concrete.operators import binary, compare, key_of, name_of, plain, truth
from derive.code.concrete.values import (
    Bound,
    Builtin,
    Class,
    Config,
    Function,
    Instance,
    JaxArray,
    Marker,
    Tensor,
    Text,
    Value,
    Wrapped,
)

# -- numbers -----------------------------------------------------------------------------------------------------------


def to_int(machine: Machine, value: Value = 0) -> Value:
    if not isinstance(value, str) and not is_number(value):
        raise NotRunnable(None, f"TypeError: int of {name_of(value)}", "error")
    found = attempt(int, value)
    machine.budget.bits(found.bit_length())
    machine.decide(found if abs(found) < 2**62 else 0)
    return found


def to_float(machine: Machine, value: Value = 0.0) -> Value:
    if not isinstance(value, str) and not is_number(value):
        raise NotRunnable(None, f"TypeError: float of {name_of(value)}", "error")
    return attempt(float, value)


def rounded(machine: Machine, value: Value, digits: Value = None) -> Value:
    if not is_number(value) or (digits is not None and abs(int(digits)) > 30):
        raise NotRunnable(None, "round")
    found = attempt(round, value, digits)
    machine.decide(found if not isinstance(found, int) or abs(found) < 2**62 else 0)
    return found


def absolute(machine: Machine, value: Value) -> Value:
    if not is_number(value):
        raise NotRunnable(None, f"TypeError: abs of {name_of(value)}", "error")
    machine.decide(np.sign(value) if is_array(value) or abs(value) < 2**62 else 0)
    return attempt(abs, value)


def power(machine: Machine, base: Value, exponent: Value) -> Value:
    return binary(machine, ast.Pow, base, exponent)


def divmod_(machine: Machine, a: Value, b: Value) -> Value:
    return binary(machine, ast.FloorDiv, a, b), binary(machine, ast.Mod, a, b)


def total(machine: Machine, values: Value, start: Value = 0) -> Value:
    found = start
    for each in iterate(machine, values):
        found = binary(machine, ast.Add, found, each)
    return found


def extreme(kind: type[Any]) -> Call:
    """``max`` and ``min`` of several arguments or of what one holds."""

    def call(machine: Machine, *arguments: Value, **named: Value) -> Value:
        if named.keys() - {"default"}:
            raise NotRunnable(None, "max and min are supported without a key")
        values = list(iterate(machine, arguments[0])) if len(arguments) == 1 else list(arguments)
        if not values:
            if "default" in named:
                return named["default"]
            raise NotRunnable(None, "ValueError: max() of nothing", "error")
        best = values[0]
        for each in values[1:]:
            if truth(machine, compare(machine, kind, each, best)):
                best = each
        return best

    return call


# -- containers --------------------------------------------------------------------------------------------------------


def length(machine: Machine, value: Value) -> Value:
    if isinstance(value, np.ndarray | np.generic | list | tuple | str | dict | set | range):
        return attempt(len, value)
    raise NotRunnable(None, f"TypeError: {name_of(value)} has no len()", "error")


def to_range(machine: Machine, *arguments: Value) -> Value:
    if any(isinstance(a, np.ndarray) and a.ndim for a in arguments):
        raise NotRunnable(None, "TypeError: range of an array", "error")
    return attempt(range, *(attempt(operator.index, a) for a in arguments))


def to_list(machine: Machine, value: Value = ()) -> Value:
    return list(iterate(machine, value))


def to_tuple(machine: Machine, value: Value = ()) -> Value:
    return tuple(iterate(machine, value))


def to_set(machine: Machine, value: Value = ()) -> Value:
    return {key_of(each) for each in iterate(machine, value)}


def to_dict(machine: Machine, value: Value = (), **entries: Value) -> Value:
    if isinstance(value, dict):
        machine.budget.hold(len(value))
        return {**value, **entries}
    pairs = (tuple(iterate(machine, each)) for each in iterate(machine, value))
    return {**{key_of(pair[0]): pair[1] for pair in pairs if len(pair) == 2}, **entries}


def zipped(machine: Machine, *values: Value, strict: bool = False) -> Value:
    return iter(list(attempt(zip, *(list(iterate(machine, v)) for v in values), strict=bool(strict))))


def enumerated(machine: Machine, values: Value, start: Value = 0) -> Value:
    return iter(list(enumerate(list(iterate(machine, values)), attempt(operator.index, start))))


def backwards(machine: Machine, values: Value) -> Value:
    return iter(list(iterate(machine, values))[::-1])


def sorted_(machine: Machine, values: Value, reverse: bool = False) -> Value:
    items = list(iterate(machine, values))
    if not (all(isinstance(v, str) for v in items) or all(isinstance(v, int | float | np.generic) for v in items)):
        raise NotRunnable(None, "sorted is supported for numbers and for strings")
    found = sorted(items, reverse=bool(reverse))
    machine.decide(np.asarray([items.index(v) for v in found[:1000]]))
    return found


def mapped(machine: Machine, function: Value, *values: Value) -> Value:
    rounds = zip(*(list(iterate(machine, v)) for v in values), strict=False)
    return iter([call_value(machine, function, list(each), {}) for each in rounds])


def filtered(machine: Machine, function: Value, values: Value) -> Value:
    items = list(iterate(machine, values))
    if function is None:
        return iter([v for v in items if truth(machine, v)])
    return iter([v for v in items if truth(machine, call_value(machine, function, [v], {}))])


def any_(machine: Machine, values: Value) -> Value:
    return any(truth(machine, each) for each in iterate(machine, values))


def all_(machine: Machine, values: Value) -> Value:
    return all(truth(machine, each) for each in iterate(machine, values))


def next_(machine: Machine, values: Value, *default: Value) -> Value:
    try:
        return next(values, *default) if hasattr(values, "__next__") else _no_iterator(values)
    except StopIteration:
        raise NotRunnable(None, "StopIteration", "error") from None


def _no_iterator(value: Value) -> Value:
    raise NotRunnable(None, f"TypeError: {name_of(value)} is no iterator", "error")


# -- types -------------------------------------------------------------------------------------------------------------

TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "set": set,
    "range": range,
    "ndarray": np.ndarray,
    "Tensor": Tensor,
    "Array": JaxArray,
    "float64": np.float64,
    "int64": np.int64,
    "integer": np.integer,
    "floating": np.floating,
    "number": (int, float, np.number),
    "Number": (int, float, np.number),
}


def is_instance(machine: Machine, value: Value, kinds: Value) -> Value:
    return any(_is_a(value, kind) for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))


def _is_a(value: Value, kind: Value) -> bool:
    if isinstance(kind, Class):
        return isinstance(value, Instance) and _derives(value.kind, kind)
    name = getattr(kind, "name", "").rpartition(".")[2] if isinstance(kind, Builtin | Marker) else None
    if name not in TYPES:
        raise NotRunnable(None, f"isinstance with {name_of(kind)}")
    if isinstance(value, Tensor | JaxArray) and name == "ndarray":
        return False
    return isinstance(value, TYPES[name])


def _derives(kind: Class, base: Class) -> bool:
    return kind is base or any(_derives(each, base) for each in kind.bases if isinstance(each, Class))


def type_of(machine: Machine, value: Value) -> Value:
    return value.kind if isinstance(value, Instance) else Marker(type(value).__name__)


def to_str(machine: Machine, value: Value = "") -> Value:
    return str(value) if isinstance(value, str | int | bool | np.integer) else Text()


def has_attribute(machine: Machine, value: Value, name: Value) -> Value:
    if isinstance(value, Instance):
        return name in value.attributes or value.kind.find(name) is not None
    raise NotRunnable(None, f"hasattr of {name_of(value)}")


def store_attribute(machine: Machine, value: Value, name: Value, stored: Value) -> None:
    set_attribute(machine, value, str(name), machine.assigned(0, str(name), stored))


def marked(marker: str) -> Call:
    return lambda machine, function: Wrapped(marker, function)


def partial(machine: Machine, function: Value, *arguments: Value, **named: Value) -> Value:
    return Bound(function, arguments, named)


def identity(machine: Machine, value: Value = None, *_: Value, **__: Value) -> Value:
    return value


def decorator(machine: Machine, *function: Value, **_: Value) -> Value:
    """A decorator that leaves its function as it is, with arguments or without."""
    is_bare = len(function) == 1 and isinstance(function[0], Function | Wrapped | Bound | Class)
    return function[0] if is_bare else Builtin("decorator", identity)


def is_callable(machine: Machine, value: Value) -> Value:
    return isinstance(value, Function | Bound | Builtin | Class)


def copied(machine: Machine, value: Value, depth: int = 0) -> Value:
    """``copy.deepcopy`` of arrays and containers."""
    machine.budget.step()
    if depth > 32:
        raise NotRunnable(None, "a copy of something nested too deeply", "limit")
    if is_number(value) or value is None or isinstance(value, str):
        machine.budget.hold(np.size(value))
        return copy.copy(value)
    if type(value) in (list, tuple):
        return type(value)(copied(machine, each, depth + 1) for each in value)
    if type(value) is dict:
        return {key: copied(machine, each, depth + 1) for key, each in value.items()}
    raise NotRunnable(None, f"a copy of {name_of(value)}")


def shallow(machine: Machine, value: Value) -> Value:
    if is_number(value) or type(value) in (list, dict):
        machine.budget.hold(np.size(value) if is_number(value) else len(value))
        return copy.copy(value)
    raise NotRunnable(None, f"a copy of {name_of(value)}")


def reduced(machine: Machine, function: Value, values: Value, *start: Value) -> Value:
    items = [*start, *iterate(machine, values)]
    if not items:
        raise NotRunnable(None, "TypeError: reduce() of nothing", "error")
    return functools.reduce(lambda a, b: call_value(machine, function, [a, b], {}), items)


def product_of(machine: Machine, *values: Value, repeat: Value = 1) -> Value:
    """``itertools.product``."""
    lists = [list(iterate(machine, v)) for v in values] * int(min(repeat, 10))
    machine.budget.step(math.prod(map(len, lists)))
    found: list[tuple[Value, ...]] = [()]
    for each in lists:
        found = [(*head, item) for head in found for item in each]
    return iter(found)


BUILTINS: dict[str, Call] = {
    "abs": absolute,
    "all": all_,
    "any": any_,
    "bool": lambda machine, value=False: truth(machine, value),
    "callable": is_callable,
    "classmethod": marked("classmethod"),
    "dict": to_dict,
    "divmod": divmod_,
    "enumerate": enumerated,
    "filter": filtered,
    "float": to_float,
    "hasattr": has_attribute,
    "int": to_int,
    "isinstance": is_instance,
    "iter": lambda machine, value: iter(list(iterate(machine, value))),
    "len": length,
    "max": extreme(ast.Gt),
    "min": extreme(ast.Lt),
    "list": to_list,
    "map": mapped,
    "next": next_,
    "pow": power,
    "print": lambda machine, *_, **__: None,
    "property": marked("property"),
    "range": to_range,
    "repr": lambda machine, value: Text(),
    "reversed": backwards,
    "round": rounded,
    "set": to_set,
    "setattr": store_attribute,
    "slice": lambda machine, *ends: attempt(slice, *ends),
    "sorted": sorted_,
    "staticmethod": marked("staticmethod"),
    "str": to_str,
    "sum": total,
    "tuple": to_tuple,
    "type": type_of,
    "zip": zipped,
}

MATH_NAMES = words(
    """
    sqrt exp log log2 log10 log1p expm1 sin cos tan sinh cosh tanh asin acos atan atan2 asinh acosh
    atanh erf erfc pow hypot isnan isinf isfinite copysign degrees radians floor ceil trunc fabs
    """
)


def of_math(name: str) -> Call:
    """A function of math on numbers: arrays of one entry are numbers, as in Python."""
    decided = name in ("floor", "ceil", "trunc", "fabs", "copysign")

    def call(machine: Machine, *arguments: Value) -> Value:
        if not all(is_number(a) for a in arguments):
            raise NotRunnable(None, f"TypeError: math.{name} of {', '.join(map(name_of, arguments))}", "error")
        found = attempt(getattr(math, name), *(attempt(float, a) for a in arguments))
        if decided:
            machine.decide(np.sign(arguments[0]) if name in ("fabs", "copysign") else float(found))
        return found

    return call


def of_prod(machine: Machine, values: Value) -> Value:
    found: Value = 1
    for each in iterate(machine, values):
        found = binary(machine, ast.Mult, found, each)
    return found


NAMES: dict[str, Value] = {
    **{f"math.{name}": Builtin(f"math.{name}", of_math(name)) for name in MATH_NAMES},
    "math.pi": math.pi,
    "math.e": math.e,
    "math.inf": math.inf,
    "math.nan": math.nan,
    "math.tau": math.tau,
    "math.prod": Builtin("math.prod", of_prod),
    "functools.partial": Builtin("functools.partial", partial),
    "functools.reduce": Builtin("functools.reduce", reduced),
    "functools.lru_cache": Builtin("functools.lru_cache", decorator),
    "functools.wraps": Builtin("functools.wraps", decorator),
    "itertools.product": Builtin("itertools.product", product_of),
    "copy.deepcopy": Builtin("copy.deepcopy", lambda machine, value: copied(machine, value)),
    "copy.copy": Builtin("copy.copy", shallow),
    "collections.OrderedDict": Builtin("collections.OrderedDict", to_dict),
    "numbers.Number": Marker("Number"),
    "warnings.warn": Builtin("warnings.warn", lambda machine, *_, **__: None),
    "numba.njit": Builtin("numba.njit", decorator),
    "numba.jit": Builtin("numba.jit", decorator),
}


# -- methods -----------------------------------------------------------------------------------------------------------


def get_entry(machine: Machine, mapping: Value, key: Value, default: Value = None) -> Value:
    if isinstance(mapping, Config):
        return setting(machine, mapping, key_of(key), default)
    return mapping.get(key_of(key), default)


def set_default(machine: Machine, mapping: Value, key: Value, default: Value = None) -> Value:
    if isinstance(mapping, Config):
        mapping[key_of(key)] = get_entry(machine, mapping, key, default)
    return mapping.setdefault(key_of(key), default)


def update(machine: Machine, mapping: Value, other: Value = (), **entries: Value) -> None:
    mapping.update(to_dict(machine, other, **entries))
    machine.budget.hold(len(mapping))


def pop_entry(machine: Machine, mapping: Value, key: Value, *default: Value) -> Value:
    if isinstance(mapping, Config):
        found = get_entry(machine, mapping, key, *default)
        mapping.pop(key, None)
        return found
    return attempt(mapping.pop, key_of(key), *default)


def view(name: str) -> Call:
    """``keys``, ``values`` or ``items``, as a list: Python refuses most changes on the way."""

    def call(machine: Machine, mapping: Value) -> Value:
        if isinstance(mapping, Config):
            raise NotRunnable(None, "going through an argument of settings")
        machine.budget.hold(len(mapping))
        return list(getattr(mapping, name)())

    return call


DICT_METHODS: dict[str, Call] = {
    "get": get_entry,
    "setdefault": set_default,
    "update": update,
    "pop": pop_entry,
    "keys": view("keys"),
    "values": view("values"),
    "items": view("items"),
    "copy": lambda machine, mapping: copy.copy(mapping),
}


def append(machine: Machine, items: Value, item: Value) -> None:
    machine.budget.hold(1)
    items.append(item)


def extend(machine: Machine, items: Value, more: Value) -> None:
    added = list(iterate(machine, more))
    machine.budget.hold(len(items) + len(added))
    items.extend(added)


def insert(machine: Machine, items: Value, at: Value, item: Value) -> None:
    machine.budget.hold(1)
    attempt(items.insert, at, item)


def index_of(machine: Machine, items: Value, item: Value) -> Value:
    for i, each in enumerate(items):
        if truth(machine, compare(machine, ast.Eq, each, item)):
            return i
    raise NotRunnable(None, "ValueError: not in the list", "error")


LIST_METHODS: dict[str, Call] = {
    "append": append,
    "extend": extend,
    "insert": insert,
    "index": index_of,
    "pop": lambda machine, items, at=-1: attempt(items.pop, at),
    "reverse": lambda machine, items: items.reverse(),
    "clear": lambda machine, items: items.clear(),
    "copy": lambda machine, items: (machine.budget.hold(len(items)), items.copy())[1],
}

TUPLE_METHODS: dict[str, Call] = {"index": index_of}


def on_text(name: str) -> Call:
    """A method of a string that makes nothing longer than its argument."""

    def call(machine: Machine, text: Value, *arguments: Value) -> Value:
        if not all(isinstance(a, str | int | tuple) or a is None for a in arguments):
            raise NotRunnable(None, f"TypeError: str.{name}", "error")
        return checked(machine, attempt(getattr(text, name), *plain(machine, arguments)))

    return call


def joined(machine: Machine, text: Value, parts: Value) -> Value:
    items = list(iterate(machine, parts))
    if not all(isinstance(each, str) for each in items):
        raise NotRunnable(None, "TypeError: join of what is no string", "error")
    machine.budget.hold(sum(map(len, items)) + len(text) * len(items))
    return text.join(items)


def template(machine: Machine, text: Value, *values: Value, **named: Value) -> Value:
    """``'W{}'.format(i)``: only whole numbers and strings, without formats."""
    if named or not all(isinstance(v, int | str) for v in values) or text.count("{") != text.count("{}"):
        return Text()
    machine.budget.hold(len(text) + sum(len(str(v)) for v in values))
    return attempt(text.format, *values)


STRING_METHODS: dict[str, Call] = {
    **{
        name: on_text(name)
        for name in words("lower upper strip lstrip rstrip split startswith endswith isdigit find count")
    },
    "join": joined,
    "format": template,
}

SET_METHODS: dict[str, Call] = {
    "add": lambda machine, items, item: items.add(key_of(item)),
    "discard": lambda machine, items, item: items.discard(key_of(item)),
}


def methods_of(value: Value) -> dict[str, Callable[..., Value]]:
    """The whitelisted methods of a value of Python's own."""
    tables = {dict: DICT_METHODS, list: LIST_METHODS, tuple: TUPLE_METHODS, str: STRING_METHODS, set: SET_METHODS}
    return next((table for kind, table in tables.items() if isinstance(value, kind)), {})
