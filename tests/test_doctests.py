"""The examples in the docstrings of the package are run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import derive

MODULES = [module.name for module in pkgutil.walk_packages(derive.__path__, "derive.") if "__main__" not in module.name]


@pytest.mark.parametrize("name", ["derive", *MODULES])
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
