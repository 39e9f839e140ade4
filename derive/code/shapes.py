r"""The shapes of parameters, from wherever an author wrote them.

In order of trust: the caller's ``--shapes``; a line ``shapes: x (N, D), y int (N,)`` in a docstring or comment;
docstring entries such as ``- x: data of shape (N, D)``; annotations such as ``Float[Array, "N D"]``; comments
``# x: N D``; unpackings ``N, D = x.shape``. An axis is a name, a number, or a product of such (``4*H``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from derive.code.arrays import Kind
from derive.code.pairs import Function

Factors = tuple[str, ...]
"""An axis as a product of names and numbers."""

_CLAUSE = re.compile(r"\bshapes?:(?P<list>.*)")
_ENTRY = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*(?P<kind>\bint\b|\bbool\b|\bpos\b)?\s*\((?P<axes>[^()]*)\)")
_ITEM = re.compile(
    r"^\s*(?:[-*•]\s+|:param\s+)?(?P<names>[`'\"]?[A-Za-z_]\w*[`'\"]?(?:\s*,\s*[A-Za-z_]\w*)*)"
    r"\s*(?:\([^)]*\)\s*)?(?::|\s[-–—]\s|\s)(?P<rest>.*)$"
)
_LISTED = re.compile(r"\b(?P<name>[A-Za-z_]\w*)\s*[:=]?\s*\((?P<axes>[^()]*)\)")
_SIGN = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*>\s*0\b")
_TUPLE = re.compile(r"[(\[](?P<axes>[^()\[\]]*)[)\]]")
_CROSS = re.compile(r"\b(?P<axes>[A-Za-z_]\w*(?:\s*[x×]\s*[A-Za-z_]\w*)+)\b")
_SIZE = re.compile(r"^(?P<times>\d+)?\s*\*?\s*(?P<name>[A-Za-z_]\w*)?$")
_FLAT = re.compile(r"\b(?P<name>[A-Za-z]\w*)\s*=\s*(?P<first>\w+)_1\s*\*\s*(?:\.\.\.|…)")
_LABELS = re.compile(r"(?i)\blabels?\b|<=?\s*\w+\[|\bintegers?\b|\bindex\b|\bindices\b")
_INTEGERS = re.compile(r"(?i)\bintegers?\b|\bindices\b")
_WORDS = frozenset(
    [
        "shape",
        "shapes",
        "of",
        "the",
        "with",
        "a",
        "and",
        "or",
        "optional",
        "np",
        "returns",
        "inputs",
        "input",
        "output",
        "outputs",
        "note",
        "where",
        "args",
        "parameters",
    ]
)
_NO_DATA = re.compile(r"^(cache\w*|out\w*|loss|grads?|d[a-z]\w*|A|Tuple)$")
_WHOLE = re.compile(r"(?i)\binteger\b|\bnumber of\b|\bint\b")
ANY_SHAPE: tuple[Factors, ...] = (("N",), ("D",))
"""What "of any shape" is read as."""


@dataclass(frozen=True)
class Declared:
    """A parameter's axes and kind."""

    axes: tuple[Factors, ...]
    kind: Kind = "real"
    positive: bool = False


@dataclass
class Shapes:
    """The shapes of names.

    Attributes:
        declared: by name.
        aliases: sizes that are products of others (``D = d_1 * ... * d_k``).
        assumptions: how something vague was read.
        numbers: parameters that are whole numbers, such as a number of groups.
        free: sizes of other functions, which may turn out to be sizes of this one under another name.
        explicit: whether a clause lists the arrays, so that what it leaves out are numbers.
    """

    declared: dict[str, Declared] = field(default_factory=dict)
    aliases: dict[str, Factors] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)
    free: set[str] = field(default_factory=set)
    explicit: bool = False

    def add(self, name: str, declared: Declared) -> None:
        self.declared.setdefault(name, declared)

    @property
    def size_names(self) -> list[str]:
        """The names of sizes in the order in which they were declared."""
        names = (f for d in self.declared.values() for one in d.axes for f in one if not f.isdigit())
        return list(dict.fromkeys(names))


class ShapeError(ValueError):
    """A ``--shapes`` that cannot be read."""


def clause(text: str) -> dict[str, Declared]:
    """``x (N, D), y int (N,)`` as shapes.

    Raises:
        ShapeError: something in it is no shape.
    """
    found = {}
    for entry in _ENTRY.finditer(text):
        axes = _axes(entry["axes"])
        if axes is None:
            raise ShapeError(f"{entry[0]!r} is no shape; write it as x (N, D)")
        kind: Kind = {"int": "index", "bool": "bool"}.get(entry["kind"] or "", "real")  # type: ignore[assignment]
        found[entry["name"]] = Declared(axes, kind, entry["kind"] == "pos")
    return found


def shapes_for(functions: Iterable[Function], texts: Iterable[str], given: str, source: str) -> Shapes:
    """All that is known about the shapes of the parameters of some functions.

    Args:
        functions: the forward pass first.
        texts: docstrings that speak of them, such as that of their class.
        given: what the caller says, signs such as ``x > 0`` included.
        source: the file's text, for comments.
    """
    functions = list(functions)
    found = Shapes()
    for name, declared in clause(given).items():
        found.add(name, declared)
    docs = [*(ast.get_docstring(f) or "" for f in functions), *texts]
    comments = [_comments(source, f) for f in functions]
    for text in (*docs, *comments):
        for line in _CLAUSE.finditer(text):
            listed = clause(line["list"]) if _ENTRY.search(line["list"]) else {}
            found.explicit |= bool(listed)
            for name, declared in listed.items():
                found.add(name, declared)
    for function, text in zip([*functions, *functions[:1] * len(docs)], docs, strict=False):
        _from_docstring(text, _parameters(function), found)
    for function, text in zip(functions, comments, strict=True):
        _from_annotations(function, found)
        _from_comments(text, _parameters(function), found)
        _from_unpackings(function, found)
    for name in _SIGN.findall(given):
        found.declared[name] = replace(found.declared.get(name, Declared(())), positive=True)
    return found


def borrow(shapes: Shapes, function: Function, others: Mapping[str, Function]) -> None:
    """Shapes for parameters that their own function does not describe: from a function that its docstring names, from
    one that it hands them on to, or from any other of the file that has a parameter of the name. It is said."""
    missing = [name for name in _ordered(function) if name not in shapes.declared]
    named = [o for n, o in others.items() if n in (ast.get_docstring(function) or "") and o is not function]
    handed = list(_handed_on(function, others))
    first = handed[0][0] if handed else None
    for name in missing:
        sources = [(o, name) for o in named] + [(o, theirs) for o, own, theirs in handed if own == name]
        sources += [(o, name) for o in others.values() if o is not function]
        for other, theirs in sources:
            known = Shapes()
            _from_docstring(ast.get_docstring(other) or "", _parameters(other), known)
            for match in _CLAUSE.finditer(ast.get_docstring(other) or ""):
                known.declared |= clause(match["list"])
            if theirs in known.declared and theirs in _parameters(other):
                declared = known.declared[theirs]
                if other is not first and (other, name, theirs) in handed:
                    declared = _apart(declared, other.name, shapes)
                    known.aliases.clear()
                shapes.add(name, declared)
                shapes.aliases = {**known.aliases, **shapes.aliases}
                shapes.assumptions += [f"{name} has the shape that {other.name} says", *known.assumptions]
                break


def _apart(declared: Declared, function: str, shapes: Shapes) -> Declared:
    """A shape in sizes of another function's own: its D need not be the D of the function that it is called after."""
    renamed = {f: f if f.isdigit() else f"{f}_{function}" for one in declared.axes for f in one}
    shapes.free |= {new for old, new in renamed.items() if new != old}
    return replace(declared, axes=tuple(tuple(renamed[f] for f in one) for one in declared.axes))


def _ordered(function: Function) -> list[str]:
    return [p.arg for p in (*function.args.posonlyargs, *function.args.args) if p.arg not in ("self", "ctx")]


def _handed_on(function: Function, others: Mapping[str, Function]) -> Iterator[tuple[Function, str, str]]:
    """The functions that a function calls with its own parameters: the function, the parameter, its name there."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in others:
            other = others[node.func.id]
            for argument, theirs in zip(node.args, _ordered(other), strict=False):
                if isinstance(argument, ast.Name):
                    yield other, argument.id, theirs


def _parameters(function: Function) -> set[str]:
    return {p.arg for p in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}


def _comments(source: str, function: Function) -> str:
    """The comments inside a function, and in the line before it."""
    lines = source.splitlines()[max(function.lineno - 2, 0) : function.end_lineno]
    return "\n".join(line[line.index("#") + 1 :] for line in lines if "#" in line)


def _axes(text: str) -> tuple[Factors, ...] | None:
    """The axes in the brackets of a shape, or None where they are none."""
    parts = [part.strip() for part in text.split(",")]
    if parts and not parts[-1]:
        parts.pop()
    found = []
    for part in parts:
        factors = _factors(part)
        if factors is None:
            return None
        found.append(factors)
    return tuple(found)


def _factors(part: str) -> Factors | None:
    found: list[str] = []
    for piece in part.replace("'", "_").split("*"):
        match = _SIZE.match(piece.strip())
        if match is None or not piece.strip() or (match["name"] or "").lower() in _WORDS:
            return None
        found.extend(each for each in (match["times"], match["name"]) if each is not None and each != "1")
    return tuple(found)


# -- docstrings ------------------------------------------------------------------------------------------------------


def _from_docstring(text: str, parameters: set[str], found: Shapes) -> None:
    """Entries such as ``- x: Data of shape (N, D)``, each with the lines that continue it."""
    flat = _FLAT.search(text)
    if flat is not None:
        found.aliases[flat["name"]] = (f"{flat['first']}_1", f"{flat['first']}_2")
    entry: tuple[list[str], str] | None = None
    for line in [*text.splitlines(), ""]:
        _from_list(line, parameters, found)
        item = _ITEM.match(line)
        names = [n.strip("`'\" ") for n in item["names"].split(",")] if item is not None else []
        if item is not None and (set(names) <= parameters or line.lstrip().startswith(("-", "*", ":param"))):
            _conclude(entry, parameters, found)
            entry = (names, item["rest"])
        elif entry is not None and line.strip():
            entry = (entry[0], f"{entry[1]} {line.strip()}")
        else:
            _conclude(entry, parameters, found)
            entry = None


def _from_list(line: str, parameters: set[str], found: Shapes) -> None:
    """``x: (N, D), gamma: (D,)``: several parameters in one line."""
    listed = [(m["name"], _axes(m["axes"])) for m in _LISTED.finditer(line) if m["name"] in parameters]
    if len(listed) < 2 or not all(axes for _, axes in listed):
        return
    for name, axes in listed:
        found.add(name, Declared(axes or ()))


def _conclude(entry: tuple[list[str], str] | None, parameters: set[str], found: Shapes) -> None:
    if entry is None:
        return
    names, text = entry
    if not set(names) <= parameters and ("shape" not in text.lower() or any(map(_NO_DATA.match, names))):
        return
    axes = _axes_in(text, found)
    if axes is None and re.search(r"(?i)\b(vector|array|list)\b", text) and _LABELS.search(text):
        first = next((d.axes[0] for d in found.declared.values() if d.axes), None)
        axes = (first,) if first is not None else None
    if axes is None:
        if _WHOLE.search(text) and len(names) == 1:
            found.numbers.add(names[0])
        return
    says_labels = _LABELS if len(axes) == 1 else _INTEGERS
    kind: Kind = "index" if says_labels.search(text) and len(axes) <= 2 and "float" not in text else "real"
    for name in names:
        found.add(name, Declared(axes, kind if len(names) == 1 else "real"))


def _axes_in(text: str, found: Shapes) -> tuple[Factors, ...] | None:
    """The first shape in a description."""
    if re.search(r"(?i)\bof any shape\b", text):
        found.assumptions.append('"of any shape" is read as (N, D)')
        return ANY_SHAPE
    for match in _TUPLE.finditer(text):
        many = re.sub(
            r"(?P<name>\w+)_1\s*,\s*(\.\.\.|…)\s*,?\s*(?P=name)_\w+", r"\g<name>_1, \g<name>_2", match["axes"]
        )
        if many != match["axes"]:
            found.assumptions.append(f"({match['axes']}) is read as ({many})")
        axes = _axes(many)
        if axes and ("," in many or re.search(r"(?i)(shape|size|dimensions?)\W*$", text[: match.start()])):
            return axes
    cross = _CROSS.search(text)
    if cross is not None:
        return _axes(",".join(re.split(r"\s*[x×]\s*", cross["axes"])))
    return None


# -- annotations, comments, unpackings -------------------------------------------------------------------------------


def _from_annotations(function: Function, found: Shapes) -> None:
    """``x: Float[Array, "N D"]``."""
    for parameter in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        note = parameter.annotation
        if isinstance(note, ast.Subscript) and isinstance(note.slice, ast.Tuple) and note.slice.elts:
            last = note.slice.elts[-1]
            if isinstance(last, ast.Constant) and isinstance(last.value, str):
                axes = _axes(",".join(last.value.split()))
                label = note.value.id if isinstance(note.value, ast.Name) else ""
                if axes is not None:
                    found.add(parameter.arg, Declared(axes, "index" if label.startswith("Int") else "real"))


def _from_comments(text: str, parameters: set[str], found: Shapes) -> None:
    """``# x: N D`` and ``# x: (N, D)``."""
    for line in text.splitlines():
        match = re.match(r"^\s*(?P<name>\w+)\s*:\s*(?P<axes>\(?[\w\s,*]+\)?)\s*$", line)
        if match is not None and match["name"] in parameters:
            inner = match["axes"].strip("() ")
            axes = _axes(inner if "," in inner else ",".join(inner.split()))
            if axes:
                found.add(match["name"], Declared(axes))


def _from_unpackings(function: Function, found: Shapes) -> None:
    """``N, D = x.shape``."""
    parameters = _parameters(function)
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Tuple):
            continue
        value, names = node.value, node.targets[0].elts
        owner = value.value if isinstance(value, ast.Attribute) and value.attr == "shape" else None
        if isinstance(owner, ast.Name) and owner.id in parameters and all(isinstance(n, ast.Name) for n in names):
            axes = tuple(
                (n.id if n.id != "_" else f"{owner.id}_{k}",) for k, n in enumerate(names) if isinstance(n, ast.Name)
            )
            found.add(owner.id, Declared(axes))


def size_table(shapes: Shapes, refined: Mapping[str, Factors]) -> Mapping[str, Factors]:
    """For each name of a size the factors that it stands for."""
    table = {**{name: (name,) for name in shapes.size_names}, **shapes.aliases}
    for name, factors in refined.items():
        table[name] = factors
    return table
