"""Syntax trees in one line of text, and random ones: what the tests of the parser and of the writer share."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.source import Text


def formula(latex: str) -> Text:
    """LaTeX as the parser takes it, at offset 0."""
    return Text(latex, range(len(latex) + 1))


def tree(node: Node) -> str:
    """A tree in short: ``mul(a, b)`` is a product by juxtaposition, ``mul(a \\cdot b)`` one with a sign."""
    match node:
        case S.Number():
            return node.text
        case S.Symbol():
            return f"{node.name}:{node.font}" if node.font else node.name
        case S.Words():
            return f'"{node.text}"'
        case S.Ellipsis():
            return "..."
        case S.Empty():
            return "nothing"
        case S.Accent():
            return f"{node.accent}({tree(node.body)})"
        case S.Script():
            marks = (("_", node.sub), ("^", node.sup))
            return f"{tree(node.base)}{chr(39) * node.primes}" + "".join(f"{m}[{tree(n)}]" for m, n in marks if n)
        case S.Group():
            return f"{node.opening or 'open'}<{tree(node.body)}>"
        case S.Sequence():
            return f"list({_joined(node.items, node.separators)})"
        case S.Fraction():
            return f"frac({tree(node.numerator)}, {tree(node.denominator)})"
        case S.Root():
            return f"root({tree(node.radicand)}{f', {tree(node.degree)}' if node.degree else ''})"
        case S.Product():
            return f"mul({_joined(node.factors, node.operators)})"
        case S.Sum():
            return f"add({' '.join(f'{s}{tree(t)}' for s, t in zip(node.signs, node.terms, strict=True))})"
        case S.BigOperator():
            limits = ", ".join(tree(n) if n else "" for n in (node.lower, node.upper))
            return f"{node.operator}[{limits}]({tree(node.body)})"
        case S.Apply():
            marks = (("_", node.sub), ("^", node.sup))
            name = tree(node.function) + "".join(f"{m}[{tree(n)}]" for m, n in marks if n)
            return f"call({name}, {tree(node.argument)})"
        case S.Chain():
            return f"chain({_joined(node.members, node.relations)})"
        case S.Cases():
            return f"cases({'; '.join(f'{tree(v)} if {tree(c)}' if c else tree(v) for v, c in node.rows)})"
        case S.Matrix():
            return f"matrix{node.opening}({'; '.join(' & '.join(map(tree, row)) for row in node.rows)})"
        case S.Decoration():
            return f"{node.kind}({tree(node.body)}{f', {tree(node.note)}' if node.note else ''})"
        case S.HeldFixed():
            return f"at({tree(node.body)}, {tree(node.fixed)})"
        case S.Statement():
            parts = [node.lead and f'"{node.lead}"', tree(node.node), *(f"[{tree(a)}]" for a in node.asides)]
            return " ".join(part for part in parts if part)
        case S.Unread():
            return f"unread({node.text}: {node.message})"
        case S.Unreadable():
            return f"error: {node.message}"
    raise AssertionError(type(node))


def _joined(parts: tuple[Node, ...], signs: tuple[str, ...]) -> str:
    text = tree(parts[0])
    for sign, part in zip(signs, parts[1:], strict=True):
        text += f"{'' if sign in ',;:' else ' '}{sign or ','} {tree(part)}"
    return text


# -- random trees ----------------------------------------------------------------------------------------------------

LETTERS = ("x", "y", "N", "\\mu", "\\sigma", "\\epsilon", "L", "i", "k")
ACCENTS = ("hat", "bar", "tilde", "dot", "vec")
BRACKETS = ("(", "[", "\\{", "|", "‖", "\\langle", "")
RELATIONS = ("=", "<", "\\neq", "\\leq", "\\in", "\\approx")


@dataclass(frozen=True)
class RandomTrees:
    """Trees as the parser makes them: what binds more loosely stands in brackets."""

    random: Random

    def chain(self, depth: int = 2) -> Node:
        return S.Chain((self.sum(depth), self.sum(depth)), (self.random.choice(RELATIONS),))

    def sum(self, depth: int = 2) -> Node:
        signs = tuple(self.random.choices("+-", k=self.random.choice((1, 1, 2, 3))))
        terms = tuple(self.product(depth) for _ in signs)
        return terms[0] if signs == ("+",) else S.Sum(terms, signs)

    def product(self, depth: int) -> Node:
        factors = tuple(self.factor(depth) for _ in range(self.random.choice((1, 1, 2, 3))))
        signs = tuple(self.random.choice(("", "", "\\cdot", "*", "\\odot", "/")) for _ in factors[1:])
        body = S.Product(factors, signs) if signs else factors[0]
        if self.random.random() < 0.8:
            return body
        lower = self.random.choice((None, self.name(), S.Chain((self.name(), self.name()), ("=",))))
        return S.BigOperator(self.random.choice(("sum", "prod")), lower, self.random.choice((None, self.name())), body)

    def factor(self, depth: int) -> Node:
        atom = self.atom(depth)
        if self.random.random() < 0.5 or isinstance(atom, S.Apply | S.Fraction):
            return atom
        sub = self.random.choice((None, self.name(), S.Sequence((self.name(), self.name()), (",",))))
        sup = self.random.choice((None, self.name()))
        primes = self.random.choice((0, 0, 1, 2))
        return S.Script(atom, sub, sup, primes) if sub or sup or primes else atom

    def atom(self, depth: int) -> Node:
        kinds = (self.name, self.accent)
        inner = (self.group, self.fraction, self.root, self.function, self.matrix, self.cases)
        if not depth or self.random.random() < 0.5:
            return self.random.choice(kinds)()
        return self.random.choice(inner)(depth - 1)

    def name(self) -> Node:
        letter = S.Symbol(self.random.choice(LETTERS))
        styled = S.Symbol(self.random.choice("xLW1"), self.random.choice(("bold", "cal", "bb")))
        word = S.Symbol(self.random.choice(("softmax", "relu", "pool")), "text")
        number = S.Number(self.random.choice(("0", "1", "10", "0.5")))
        return self.random.choice((letter, letter, letter, number, number, styled, word))

    def accent(self) -> Node:
        return S.Accent(self.random.choice(ACCENTS), self.name())

    def group(self, depth: int) -> Node:
        body = self.random.choice((self.sum(depth), S.Sequence((self.sum(depth), self.sum(depth)), (",",))))
        return S.Group(self.random.choice(BRACKETS), body)

    def fraction(self, depth: int) -> Node:
        return S.Fraction(self.sum(depth), self.sum(depth))

    def root(self, depth: int) -> Node:
        return S.Root(self.sum(depth), self.random.choice((None, S.Number("3"))))

    def function(self, depth: int) -> Node:
        name = S.Symbol(self.random.choice(("\\log", "\\exp", "\\tanh")))
        return S.Apply(name, S.Group(self.random.choice("(["), self.sum(depth)))

    def matrix(self, depth: int) -> Node:
        return S.Matrix(tuple((self.sum(depth), self.sum(depth)) for _ in range(self.random.randint(1, 2))))

    def cases(self, depth: int) -> Node:
        return S.Cases(tuple((self.sum(depth), self.chain(depth)) for _ in range(self.random.randint(1, 2))))
