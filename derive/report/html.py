"""The report as a web page: one file that needs nothing else, no script in it, mathematics as MathML.

The page forbids itself to load or run anything (its content security policy), whatever stands in a document. The same
markup, without the page around it, shows results in notebooks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from derive.checking import ORDER, Checked, Goal, Statement
from derive.document import DocumentError
from derive.latex import syntax as S
from derive.latex.syntax import Node
from derive.latex.writer import latex
from derive.mathml import element, math, mathml, relation
from derive.mistakes.table import BY_CODE
from derive.plain import plain
from derive.report import html_code
from derive.report.markup import lines as _lines
from derive.report.markup import text as _text
from derive.report.wording import claims, is_code, is_name, meaning, names_things, place, remarks, sentence, worded
from derive.source import Source, Span, innermost
from derive.terms import Term
from derive.typeset import key_node

SIGNS = {
    "proved": "✓",
    "refuted": "✗",
    "tested": "≈",
    "undecided": "?",
    "unsupported": "!",
    "assumed": "≔",
    "note": "·",
}
PROMISES = {
    "proved": "holds for every size and all data, under the assumptions that are listed",
    "refuted": "does not hold: there are sizes and data at which the two sides differ for certain",
    "tested": "agrees at all points that were tried; this is no proof",
    "undecided": "it was not found out whether it holds",
    "unsupported": "it was not understood",
    "assumed": "a definition, or a fact that the document gives",
    "note": "nothing is claimed",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_NEAR = 400  # characters of a line before and behind a statement
_BREAK_AT = 56  # signs: longer equations are set in pieces, between which a line may break


def render(documents: Sequence[Checked], unreadable: Iterable[DocumentError], version: str) -> str:
    """All documents as one page."""
    names = ", ".join([c.document.path for c in documents]) or "nothing"
    parts = [_contents(documents), _filter([s for checked in documents for s in checked.statements])]
    parts += [_unreadable(error) for error in unreadable]
    parts += [_document(checked, f"d{k}-") for k, checked in enumerate(documents, 1)]
    first = next((f"d{k}-{_first(c)}" for k, c in enumerate(documents, 1) if _first(c)), "")
    skip = f'<a class="skip" href="#{first}">Skip to the first statement that is refuted</a>' if first else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(names)}: derive</title>\n<style>\n{_style()}</style>\n</head>\n"
        f'<body class="derive">\n{skip}\n<main class="page">\n{"".join(parts)}{_foot(documents, version)}</main>\n'
        "</body>\n</html>\n"
    )


def fragment(checked: Checked) -> str:
    """One document as a piece of a page, with its own style: for notebooks."""
    style = f"<style>{_compact_style()}</style>"
    return f'<div class="derive embedded">{style}<div class="page">{_document(checked, "", 3)}</div></div>'


def proof(status: str, reason: str, counterexample: Any) -> str:
    """What is established about one equality, as a piece of a page."""
    badge = f'<span class="badge"><span class="sign" aria-hidden="true">{SIGNS[status]}</span>{status}</span>'
    said = reason or ("equal for every size and all data" if status == "proved" else "")
    parts = [f'<p class="remark">{_text(said)}</p>'] if said else []
    if counterexample is not None:
        parts.append(_counterexample(counterexample))
    body = f'<div class="{status}">{badge}{"".join(parts)}</div>'
    return f'<div class="derive embedded"><style>{_compact_style()}</style><div class="page">{body}</div></div>'


def _compact_style() -> str:
    """The style on one line without its comments, as every result in a notebook carries it."""
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", _style(), flags=re.DOTALL)).strip()


def _style() -> str:
    return files("derive.report").joinpath("style.css").read_text(encoding="utf-8")


def _first(checked: Checked) -> str:
    return next((f"s{s.number}" for s in checked.statements if s.status == "refuted"), "")


# -- around the statements -------------------------------------------------------------------------------------------


def _contents(documents: Sequence[Checked]) -> str:
    """Where to find which document, if there are several."""
    if len(documents) < 2:
        return ""
    items = (
        f'<li class="{c.verdict}"><a href="#d{k}">{_text(c.document.path)}</a> '
        f'<span class="status">{SIGNS[c.verdict]} {c.verdict}</span></li>\n'
        for k, c in enumerate(documents, 1)
    )
    return f'<nav class="contents" aria-label="Documents"><ul>\n{"".join(items)}</ul></nav>\n'


def _filter(statements: Sequence[Statement]) -> str:
    """A switch for each verdict that occurs."""
    counts = Counter(s.status for s in statements)
    chips = (
        f'<label class="chip {status}"><input type="checkbox" id="show-{status}" checked>'
        f'<span aria-hidden="true">{SIGNS[status]}</span><span class="label">{status}</span> <b>{counts[status]}</b>'
        "</label>\n"
        for status in ORDER
        if counts[status]
    )
    return f'<fieldset class="filter"><legend>Show</legend>\n{"".join(chips)}</fieldset>\n' if counts else ""


def _document(checked: Checked, prefix: str, level: int = 1) -> str:
    """A document: its head, what it rests on, its statements, and what it was after."""
    statements = "".join(_statement(s, prefix, level + 1) for s in checked.statements)
    parts = [_head(checked, level), _assumptions(checked), _repairs(checked), _meanings(checked)]
    parts.append(f'<div class="statements">\n{statements}</div>\n' if statements else "")
    parts.append(_goals(checked.goals, level + 1))
    identity = f' id="{prefix.removesuffix("-")}"' if prefix else ""
    return f'<section class="document"{identity}>\n{"".join(parts)}</section>\n'


def _head(checked: Checked, level: int) -> str:
    counts = Counter(s.status for s in checked.statements)
    shares = (f'<span class="{s}" style="flex-grow:{counts[s]}"></span>' for s in ORDER if counts[s])
    return (
        f'<header class="head"><h{level}>{_text(checked.document.path)}</h{level}>\n'
        f'<p class="said {checked.verdict}">{_said(checked)}</p>\n'
        f'<div class="bar" aria-hidden="true">{"".join(shares)}</div></header>\n'
    )


def _said(checked: Checked) -> str:
    """How the claims came out, the worst first."""
    counts = Counter(s.status for s in claims(checked))
    if not counts:
        return "Nothing is claimed."
    (first, n), *rest = sorted(counts.items(), key=lambda item: ORDER.index(item[0]))
    of = f"{n} of {sum(counts.values())} claims" if rest else "the only claim" if n == 1 else f"all {n} claims"
    return f"<b>{of[0].upper()}{of[1:]} {first}</b>{''.join(f', {n} {status}' for status, n in rest)}."


def _assumptions(checked: Checked) -> str:
    if not checked.assumptions:
        return ""
    items = "".join(f"<li>{_prose(a.text)}{_line(a.line)}</li>\n" for a in checked.assumptions)
    of_code = any(map(is_code, checked.statements))
    options = (
        "give <code>--shapes</code> or <code>--fix</code>"
        if of_code
        else f"write <code>{_text(checked.document.comment.format('given: …'))}</code>"
    )
    how = f"to state otherwise, {options}"
    summary = f"<summary><b>Assumed in reading it</b> ({len(checked.assumptions)}); {how}</summary>"
    return f'<details class="given" open>{summary}\n<ul>\n{items}</ul></details>\n'


def _meanings(checked: Checked) -> str:
    """What each name was taken for, where it was asked for."""
    if not checked.meanings:
        return ""
    items = "".join(f"<li>{_name(m.name)}: {_text(meaning(m))}</li>\n" for m in checked.meanings)
    summary = f"<summary><b>What each name was taken for</b> ({len(checked.meanings)})</summary>"
    return f'<details class="given" open>{summary}\n<ul>\n{items}</ul></details>\n'


def _line(line: int | None) -> str:
    return f' <span class="where">line {line}</span>' if line is not None else ""


def _prose(text: str) -> str:
    """Words, of which those that are LaTeX names are set as mathematics."""
    return " ".join((_name(word) if is_name(word) else _text(word)) + end for word, end in worded(text))


def _name(word: str) -> str:
    return math(_name_node(word))


def _name_node(word: str) -> Node:
    """A name, or ``∂of/∂by``, as syntax."""
    of, slash, by = word.removeprefix("∂").partition("/∂")
    if not slash or not word.startswith("∂"):
        return key_node(word)
    above, below = (S.Product((S.Symbol("\\partial"), key_node(name)), ("",)) for name in (of, by))
    return S.Fraction(above, below)


def _repairs(checked: Checked) -> str:
    if not checked.repairs:
        return ""
    rows = "".join(
        f"<tr><td>{f'cell {r.cell}, ' if r.cell is not None else ''}line {r.line}, column {r.column}</td>"
        f"<td><code>{_text(r.was)}</code></td><td><code>{_text(r.now)}</code></td></tr>\n"
        for r in checked.repairs
    )
    count = len(checked.repairs)
    summary = (
        f"<summary><b>Repaired</b> in {count} {'place' if count == 1 else 'places'} that had lost characters</summary>"
    )
    head = '<tr><th scope="col">where</th><th scope="col">was</th><th scope="col">read as</th></tr>'
    return f'<details class="given">{summary}<div class="repairs"><table>{head}\n{rows}</table></div></details>\n'


def _goals(goals: Sequence[Goal], level: int) -> str:
    """What the document was after."""
    if not goals:
        return ""
    parts = (
        f'<div class="formula">{_equation(g.left, g.right)}</div>\n'
        f'<p class="status {g.status}">{SIGNS[g.status]} {g.status}</p>\n'
        for g in goals
    )
    return f'<section class="derived"><h{level}>Derived</h{level}>\n{"".join(parts)}</section>\n'


def _unreadable(error: DocumentError) -> str:
    said = f'<p class="error">{_text(sentence(error))}</p>'
    return f'<section class="document"><h1>{_text(error.path)}</h1>\n{said}</section>\n'


def _foot(documents: Sequence[Checked], version: str) -> str:
    """What the verdicts that occur promise, and who gave them."""
    found = {s.status for checked in documents for s in checked.statements}
    rows = "".join(f'<dt class="{s}">{SIGNS[s]} {s}</dt><dd>{PROMISES[s]}</dd>\n' for s in ORDER if s in found)
    listed = f"<h2>What the verdicts mean</h2>\n<dl>\n{rows}</dl>\n" if rows else ""
    return f'<footer class="foot">{listed}<p>Checked by derive {_text(version)}.</p></footer>\n'


# -- statements ------------------------------------------------------------------------------------------------------


def _statement(statement: Statement, prefix: str, level: int) -> str:
    status = statement.status
    identity = f' id="{prefix}s{_text(statement.number)}"' if prefix else ""
    sign = f'<span class="sign" aria-hidden="true">{SIGNS[status]}</span>'
    side = (
        f'<div class="side"><h{level} class="badge">{sign}{status}</h{level}>'
        f'<p class="place">{place(statement)}</p></div>'
    )
    vague = "" if statement.mistakes else " vague"
    vague += " inherited" if statement.blame == "inherited" else ""
    parts = "".join(html_code.parts(statement) if is_code(statement) else filter(None, _parts(statement)))
    return f'<article class="statement {status}{vague}"{identity}>{side}\n<div class="body">{parts}</div></article>\n'


def _parts(statement: Statement) -> Iterator[str]:
    """What is said about a statement, from the formula to the source."""
    marks = _marks(statement)
    if not isinstance(statement.left, S.Empty) or not isinstance(statement.right, S.Empty):
        yield f'<div class="formula">{_equation(statement.left, statement.right, marks)}</div>\n'
    yield _remarks(statement)
    yield _mistakes(statement)
    if statement.correct is not None:
        label = '<span class="label">what would be right</span>'
        shown = f'<div class="formula">{_equation(S.Empty(), statement.correct)}</div>'
        yield f'<div class="right">{label}{shown}</div>\n'
    if statement.counterexample is not None:
        yield _counterexample(statement.counterexample)
    yield _terms(statement.terms)
    if statement.status in ("refuted", "unsupported"):
        yield _source(statement.source, statement.span, marks)


def _marks(statement: Statement) -> tuple[Span, ...]:
    """The faulty parts: the innermost ones of the named mistakes, or else what to look at."""
    if statement.mistakes:
        return innermost(m.span for m in statement.mistakes)
    return (statement.fault,) if statement.status in ("refuted", "unsupported") else ()


def _remarks(statement: Statement) -> str:
    said = [words.rstrip(".") for words in (*remarks(statement), statement.hint) if words]
    text = " ".join(f"{_capitalised(words)}." for words in said)
    html = _prose(text) if names_things(statement) else _text(text)
    return f'<p class="remark">{html}</p>\n' if text else ""


def _capitalised(words: str) -> str:
    """A sentence; a name that it begins with keeps its letters."""
    return words if is_name(words.split(" ")[0]) else words[0].upper() + words[1:]


def _mistakes(statement: Statement) -> str:
    items = (f"<li><code>{_text(m.code)}</code>{_text(m.message)}{_origin(m.code)}</li>\n" for m in statement.mistakes)
    return f'<ul class="mistakes">\n{"".join(items)}</ul>\n' if statement.mistakes else ""


def _origin(code: str) -> str:
    """What a mistake usually comes from."""
    kind = BY_CODE.get(code)
    return f'<p class="origin">{_text(kind.origin)}</p>' if kind is not None else ""


def _equation(left: Node, right: Node, marks: Sequence[Span] = ()) -> str:
    """``left = right`` as MathML; a long one in pieces, at its equals sign and between its terms."""
    sides = [side for side in (left, right) if not isinstance(side, S.Empty)]
    whole = " = ".join(latex(side) for side in sides)
    if isinstance(left, S.Empty):
        pieces = list(_terms_of(right, marks))
    elif isinstance(right, S.Empty):
        pieces = [mathml(left, marks)]
    else:
        first, *rest = _terms_of(right, marks)
        pieces = [mathml(left, marks), f"<mrow>{relation('=')}{first}</mrow>", *rest]
    if sum(len(plain(side)) for side in sides) <= _BREAK_AT or len(pieces) == 1:
        return element(f"<mrow>{''.join(pieces)}</mrow>", whole, display=True)
    return "".join(element(piece, whole if not k else "", display=True) for k, piece in enumerate(pieces))


def _terms_of(node: Node, marks: Sequence[Span]) -> Iterator[str]:
    """The terms of a sum with their signs, each as MathML; another node as it is."""
    if not isinstance(node, S.Sum) or len(node.terms) == 1:
        yield mathml(node, marks)
        return
    for k, (sign, term) in enumerate(zip(node.signs, node.terms, strict=True)):
        alone = S.Sum((term,), (sign,), S.span_of(term))
        text = mathml(alone, marks)
        yield text if not k or sign != "+" else f'<mrow><mo form="infix">+</mo>{text}</mrow>'


def _counterexample(example: Any) -> str:
    scalars: Mapping[str, Any] = {**example.sizes, **example.indices, **example.values}
    found = ", ".join(f"{_name(name)} = {_data(value)}" for name, value in scalars.items())
    sides = f"the left side is <b>{_data(example.left)}</b> and the right side <b>{_data(example.right)}</b>"
    return f'<p class="example">For <span class="at">{found}</span> {sides}.</p>\n'


def _data(value: Any) -> str:
    """Data as text: ``[1, -2, 3]``."""
    if isinstance(value, list):
        return f"[{', '.join(map(_data, value))}]"
    if isinstance(value, dict):
        return ", ".join(f"[{_text(indices)}]: {_data(entry)}" for indices, entry in value.items())
    return _text(str(value)).replace("-", "−")


def _terms(terms: Sequence[Term]) -> str:
    """The derived terms beside the author's."""
    if not terms:
        return ""
    names = ("path", "derived", "written", "verdict", "largest difference")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = "".join(f"<tr>{_term(term)}</tr>\n" for term in terms)
    return f'<div class="terms"><table><tr>{head}</tr>\n{rows}</table></div>\n'


def _term(term: Term) -> str:
    path = "not derived" if term.path is None else f"through {_name(term.path)}" if term.path else "directly"
    cells = [path, *(math(node, display=True) if node is not None else "–" for node in (term.derived, term.author))]
    cells.append(f'<span class="status {term.status}">{SIGNS[term.status]} {term.status}</span>')
    cells.append(f"{term.difference:.2g}" if term.difference is not None else "–")
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _source(source: Source, span: Span, marks: Sequence[Span]) -> str:
    """The lines of the document in which a statement stands, with the faulty parts marked; long lines are cut."""
    start, end = _excerpt(source.text, span)
    text, at = "", start
    for mark in marks:
        if at <= mark.start < mark.end <= end:
            text += f"{_lines(source.text[at : mark.start])}<mark>{_lines(source.text[mark.start : mark.end])}</mark>"
            at = mark.end
    text += _lines(source.text[at:end])
    return f'<details class="source"><summary>As written</summary><pre><code>{text}</code></pre></details>\n'


def _excerpt(text: str, span: Span) -> Span:
    """The whole lines of a span, or as much of them as is near it."""
    start = text.rfind("\n", max(span.start - _NEAR, 0), span.start) + 1 or max(span.start - _NEAR, 0)
    end = text.find("\n", max(span.end - 1, start), span.end + _NEAR)
    return Span(start, end if end >= 0 else min(span.end + _NEAR, len(text)))
