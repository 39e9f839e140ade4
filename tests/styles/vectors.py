"""Expressions to LaTeX without indices: vectors and matrices in bold, products of entries as products of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from styles.derivation import Definition
from styles.expressions import (
    Adjoint,
    Entry,
    Expression,
    Index,
    Local,
    Number,
    Plus,
    Power,
    Sum,
    Times,
    every,
    free,
    times,
)
from styles.writing import Writer, is_negative


class NoVectorForm(Exception):
    """Where an expression has no form without indices that people would write."""


@dataclass
class VectorWriter(Writer):
    """Writes arrays whole; what has an index left is a vector over it."""

    def name(self, name: str, at: tuple[Index, ...] = (), stem: str = "") -> str:
        spelling = self.names[name]
        stem = stem or spelling.stem
        axes = self.forward.axes_of(name)
        stem = stem.upper() if len(axes) > 1 and len(stem) == 1 else stem
        if axes:
            stem = f"\\boldsymbol{{{stem}}}" if stem.startswith("\\") else f"\\mathbf{{{stem}}}"
        label = f"_{spelling.label}" if spelling.label else ""
        return stem + label + ("^2" if spelling.square else "")

    def _with_label(self, name: str, at: tuple[Index, ...], stem: str) -> str:
        if stem.startswith(("\\bar{", "\\overline{")):
            return f"\\bar{{{self.name(name)}}}" if stem.startswith("\\bar") else f"\\overline{{{self.name(name)}}}"
        is_plain = stem.isalpha() and self.forward.axes_of(name)
        return f"\\mathbf{{{stem}}}" if is_plain else stem

    def right(self, left: Expression, right: Expression) -> str:
        """The right side of an equation; a number beside a vector is a multiple of the vector of ones."""
        text = self(right, 2 if free(left) and not free(right) else 0)
        if free(left) == free(right):
            return text
        if len(free(left)) > 1:
            raise NoVectorForm
        return "\\mathbf{1}" if text == "1" else f"{text} \\mathbf{{1}}"

    def definition(self, definition: Definition) -> tuple[str, str]:
        return self.name(definition.name, definition.at), self.right(definition.entry, definition.value)

    def __call__(self, node: Expression, level: int = 0) -> str:
        if len({i.axis for i in every(node)}) != len(every(node)) and len(free(node)) > 1:
            raise NoVectorForm
        return super().__call__(node, level)

    def _written(self, node: Expression) -> tuple[str, int]:
        match node:
            case Local(top, _) if top.at:
                raise NoVectorForm
            case Plus(terms):
                if len(free(node)) > 1:
                    raise NoVectorForm
                return self._sum_of(terms, free(node)), 1
            case Times(factors) if free(node):
                return self._product_of(factors)
            case Power(base, exponent) if free(base):
                if exponent != 2 or len(free(base)) > 1:
                    raise NoVectorForm
                text = self(base, 2)
                return f"{text} \\odot {text}", 2
            case Sum(index, body):
                return self._contracted(index, body), 2
            case _:
                return super()._written(node)

    def _sum_of(self, terms: tuple[Expression, ...], whole: frozenset[Index]) -> str:
        """A sum of vectors; numbers beside them are multiples of the vector of ones."""
        text = ""
        for term in sorted(terms, key=is_negative):
            sign = "-" if is_negative(term) else "+"
            value = times(Number(Fraction(-1)), term) if sign == "-" else term
            one = self(value, 2)
            if free(term) != whole:
                one = "\\mathbf{1}" if one == "1" else f"{one} \\mathbf{{1}}"
            text += (f" {sign} " if text else "-" if sign == "-" else "") + one
        return text

    def _product_of(self, factors: tuple[Expression, ...]) -> tuple[str, int]:
        """Numbers in front, vectors entry by entry; two vectors over different axes make a matrix."""
        numbers = times(*(f for f in factors if not free(f)))
        arrays = [f for f in factors if free(f)]
        axes = sorted({i for f in arrays for i in free(f)}, key=lambda i: i.axis)
        if len(axes) > 2:
            raise NoVectorForm
        groups = [self._entrywise([f for f in arrays if free(f) == {axis}]) for axis in axes]
        rest = [f for f in arrays if len(free(f)) > 1]
        if len(axes) == 2:
            if rest or not all(groups):
                raise NoVectorForm
            one, other = groups if self._rows_first(axes) else groups[::-1]
            text = f"{one} {other}^\\top" if " " not in other else f"{one} \\left( {other} \\right)^\\top"
        else:
            text = groups[0]
        sign = "-" if is_negative(numbers) else ""
        numbers = times(Number(Fraction(-1)), numbers) if sign else numbers
        if numbers != Number(Fraction(1)):
            front = self(numbers, 2)
            text = f"{front} {text}" if "^\\top" not in front else f"\\left( {front} \\right) {text}"
        return sign + text, 1 if sign else 2

    def _rows_first(self, axes: list[Index]) -> bool:
        """Whether the axes stand in the order in which a matrix of the page has them."""
        names = {**self.forward.data, **{d.name: tuple(i.axis for i in d.at) for d in self.forward.definitions}}
        return any(found == tuple(i.axis for i in axes) for found in names.values())

    def _entrywise(self, factors: list[Expression]) -> str:
        if any(isinstance(f, Power) and f.exponent < 0 for f in factors):
            raise NoVectorForm
        return " \\odot ".join(self(f, 2) for f in factors)

    def _contracted(self, index: Index, body: Expression) -> str:
        """A sum of products as a product of arrays."""
        factors = list(body.factors) if isinstance(body, Times) else [body]
        factors = [g for f in factors for g in ([f.base, f.base] if isinstance(f, Power) and f.exponent == 2 else [f])]
        if any(isinstance(f, Number) or not free(f) for f in factors) or any(map(_is_below, factors)):
            raise NoVectorForm
        if any(isinstance(part, Sum) for f in factors for part in (f,)):
            raise NoVectorForm
        matrices = [f for f in factors if len(free(f)) > 1]
        vectors = [f for f in factors if free(f) == {index}]
        if len(matrices) == 1 and len(matrices) + len(vectors) == len(factors) and vectors:
            (matrix,) = matrices
            if not isinstance(matrix, Entry | Adjoint) or len(matrix.at) != 2:
                raise NoVectorForm
            turned = "^\\top" if matrix.at[0] == index else ""
            text = self(matrix, 3)
            text = f"({text})" if turned and "{\\partial" in text else text
            return f"{text}{turned} {self._bracketed(vectors)}"
        if matrices or len(vectors) != len(factors):
            raise NoVectorForm
        if len(vectors) == 1:
            return f"\\mathbf{{1}}^\\top {self._bracketed(vectors)}"
        first, rest = vectors[0], vectors[1:]
        head = self(first, 3)
        head = f"\\left( {head} \\right)" if "frac" in head and "left" not in head else head
        return f"{head}^\\top {self._bracketed(rest)}"

    def _bracketed(self, factors: list[Expression]) -> str:
        text = self._entrywise(factors)
        return f"\\left( {text} \\right)" if len(factors) > 1 else text

    def _power(self, base: Expression, exponent: Fraction) -> tuple[str, int]:
        if free(base):
            raise NoVectorForm
        return super()._power(base, exponent)

    def _call(self, function: str, argument: Expression) -> tuple[str, int]:
        if len(free(argument)) > 1:
            raise NoVectorForm
        if free(argument) and function in ("exp", "log"):
            return f"\\{function}({self(argument)})", 3
        return super()._call(function, argument)


def _is_below(node: Expression) -> bool:
    return isinstance(node, Power) and node.exponent < 0
