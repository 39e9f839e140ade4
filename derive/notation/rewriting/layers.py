"""Layers beside a layer: what ``z^l_j = \\sum_k w^l_{jk} a^{l-1}_k`` says of ``z^{l+1}_j``.

A definition for a layer l that has names of layers only holds for each layer. Where a document uses names of the layer
behind or before it, and says of them nothing else, its definitions are copied for that layer.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace

from derive.latex import syntax as S
from derive.latex.syntax import Node, rebuilt
from derive.notation.functions import call_of, pairs
from derive.notation.survey import is_quotient

_LAYER = re.compile(r"(?P<base>.*\^\{[(\[]?)(?P<letter>[a-z]|\\ell)(?P<offset>[+-]\d)?(?P<end>[)\]]?\})", re.DOTALL)
Members = tuple[Node, ...]


@dataclass(frozen=True)
class _Name:
    """A name of a layer: ``z^{l+1}`` is base ``z^{}`` at offset 1 from l."""

    base: tuple[str, str]
    letter: str
    offset: int

    @property
    def text(self) -> str:
        offset = f"{self.offset:+d}" if self.offset else ""
        return f"{self.base[0]}{self.letter}{offset}{self.base[1]}"


def _name(node: Node) -> _Name | None:
    while isinstance(node, S.Script):
        node = node.base
    found = _LAYER.fullmatch(node.name) if isinstance(node, S.Symbol) else None
    if found is None:
        return None
    return _Name((found["base"], found["end"]), found["letter"], int(found["offset"] or 0))


def base_of(key: str) -> tuple[str, str] | None:
    """What the names of all layers have in common: that of ``w^{l}`` and ``w^{l+1}``; None for other names."""
    name = _name(S.Symbol(key))
    return name.base if name is not None else None


def other_layers(chains: list[Members], definitions: Container[int]) -> list[tuple[int, Members]]:
    """Copies of definitions for other layers, each with the position of the chain that it is a copy of.

    Args:
        chains: the equations of the document.
        definitions: the positions of those that may be copied.
    """
    origins: dict[_Name, int] = {}
    for k, members in enumerate(chains):
        name = _name(members[0]) if k in definitions and not _shares(members[1]) else None
        if name is not None and not any(other.base == name.base for other in _names(members[1])):
            origins.setdefault(name, k)
    gradients = {name.base for name, k in origins.items() if is_quotient(chains[k][1])}  # of every layer, once one is
    heads = (_name(members[0]) for members in chains if len(members) > 1)
    said = {name for name in heads if name is not None and (name.base not in gradients or name in origins)}
    written = sorted({n for members in chains for m in members for n in _names(m)}, key=lambda n: n.text)
    found: list[tuple[int, Members]] = []
    waiting = list(written)
    while waiting:
        wanted = waiting.pop(0)
        steps = (1, -1) if wanted in written else (1,)
        shift = next((n for n in steps if replace(wanted, offset=wanted.offset - n) in origins), 0)
        if wanted in said or not shift:
            continue
        said.add(wanted)
        origin = origins[replace(wanted, offset=wanted.offset - shift)]
        copy = tuple(_at_other_layer(m, wanted.letter, shift) for m in chains[origin])
        waiting += [name for m in copy for name in _names(m)]
        found.append((origin, copy))
    return found


def _shares(node: Node) -> bool:
    """Whether a definition uses a name that other layers may have too: the W of ``h^{(t)} = f(W h^{(t-1)})``."""
    if is_quotient(node):
        return False
    if isinstance(node, S.Script):
        return _name(node) is None and _shares(node.base)
    if isinstance(node, S.Symbol):
        return _name(node) is None
    if isinstance(node, S.Product):
        calls = {
            k for k, (head, group, sign) in enumerate(pairs(node)) if not sign and call_of(head, group) is not None
        }
        return any(_shares(factor) for k, factor in enumerate(node.factors) if k not in calls)
    if isinstance(node, S.Apply):
        return _shares(node.argument)
    return _shares(node.body) if isinstance(node, S.BigOperator) else any(map(_shares, node.children()))


def _names(node: Node) -> Iterator[_Name]:
    yield from (name for n in node.walk() if isinstance(n, S.Symbol) and (name := _name(n)) is not None)


def _at_other_layer(node: Node, letter: str, shift: int) -> Node:
    """A tree with every name of a layer at another one."""

    def move(inner: Node) -> Node:
        name = _name(inner) if isinstance(inner, S.Symbol) else None
        if name is None or name.letter != letter:
            return replace(inner)  # a node of its own: readings belong to nodes
        return replace(inner, name=replace(name, offset=name.offset + shift).text)  # type: ignore[call-arg]

    return rebuilt(node, move)
