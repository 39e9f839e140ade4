"""What a caller would choose: modes, settings in dicts, flags. What is not fixed is data, or is assumed and said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from derive.code.arrays import Cell, axis, scalar
from derive.code.faults import Unsupported
from derive.code.values import Choice, Config, Value
from derive.language import size

if TYPE_CHECKING:
    from derive.code.machine import Machine

POSITIVE = re.compile(r"(?i)^(eps(ilon)?|p|keep_prob|momentum|temperature|tau|scale)$")
"""Settings that are positive numbers."""
CHOICES = re.compile(r"(?i)^(mode|phase|reduction|kind|activation|method|training|train|is_training|is_train)$")
"""Settings that are words or flags."""
SIZES = re.compile(r"(?i)(dim|size|features|classes|channels|units|width)$")
"""Parameters of constructors that are sizes, also where they have a default."""
SIZE_LISTS = re.compile(r"(?i)^(hidden_(dims|sizes|units|layers)|layer_(dims|sizes)|(dims|sizes))$")
"""Parameters of constructors that are lists of sizes."""
WHOLE = re.compile(r"(?i)^((conv_|pool_)?strides?|pad|padding|pool_(height|width|size|h|w)|[hw]_?stride|filter_size)$")
"""Settings that are whole numbers above 0."""
DICTS = re.compile(r"(?i)(_params|param|config|cfg|conf|settings|options|hparams)$")
"""Parameters that are dicts of settings."""


def choice_of(machine: Machine, choice: Choice, other: Value) -> bool:
    """Whether a choice is a value: as fixed, else the first value that it is compared with; that is assumed."""
    if not isinstance(other, str | bool | int):
        raise Unsupported(f"{choice.name} compared with what is no word")
    if choice.name not in machine.choices:
        machine.choices[choice.name] = other
        machine.trace.assume(f"{choice.name} is {other!r}")
    return bool(machine.choices[choice.name] == other)


def config_entry(machine: Machine, config: Config, key: Value, default: Value = None) -> Value:
    """A setting that the caller would give: what is fixed, a choice, the default array, or data."""
    config[key] = _setting(machine, str(key), default)
    return config[key]


def _setting(machine: Machine, key: str, default: Value) -> Value:
    if key in machine.fixed:
        return machine.fixed[key]
    if CHOICES.match(key):
        return Choice(key)
    if WHOLE.match(key):
        return whole_number(machine, key)
    if isinstance(default, Cell) and default.array.rank:
        return Cell(machine.trace.input(key, default.array.fresh().axes))
    if key in machine.config_shapes:
        return Cell(machine.trace.input(key, tuple(axis(*each) for each in machine.config_shapes[key])))
    if isinstance(default, str | bool | None.__class__) and default is not None:
        return default
    return positive_or_real(machine, key)


def whole_number(machine: Machine, key: str) -> Value:
    """A whole number above 0 under its name, which is then assumed."""
    machine.trace.assume(f"{key} is a whole number above 0")
    machine.trace.taken.add(key)
    machine.whole[key] = size(key)
    return machine.whole[key]


def positive_or_real(machine: Machine, key: str) -> Value:
    """A number under its name; positive by its name, which is then assumed."""
    positive = bool(POSITIVE.match(key))
    if positive:
        machine.trace.assume(f"{key} > 0")
    return Cell(machine.trace.input(key, (), positive=positive))


def fixed_value(text: str) -> Value:
    """What ``--fix name=value`` says: a number, a truth value, None, or a word."""
    words: dict[str, Value] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return scalar(float(text))
    except ValueError:
        return text.strip("'\"")
