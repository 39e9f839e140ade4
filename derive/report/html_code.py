"""A statement about code in the web page: names and lines as they are written, the line at fault marked, what it should
be, and the lines to run that show it."""

from __future__ import annotations

from collections.abc import Iterator

from derive.checking import Statement
from derive.plain import plain
from derive.report.markup import lines, text
from derive.report.wording import data, equation, fixed_line
from derive.source import Source, Span


def parts(statement: Statement) -> Iterator[str]:
    """What is said about a statement, from the name to the lines to run."""
    yield f'<div class="formula"><code>{text(equation(statement) or plain(statement.left))}</code></div>\n'
    said = [words for words in (statement.reason, statement.hint) if words]
    if said:
        yield f'<p class="remark">{text(". ".join(words.rstrip(".") for words in said))}.</p>\n'
    if statement.blame == "inherited":
        return
    if statement.status in ("refuted", "unsupported"):
        yield f'<pre class="code"><code>{_marked(statement.source, statement.fault)}</code></pre>\n'
    if statement.fix is not None:
        label = '<span class="label">should be</span>'
        yield f'<div class="right">{label}<pre class="code"><code>{text(fixed_line(statement))}</code></pre></div>\n'
    if statement.script:
        shown = f'<pre class="code"><code>{lines(statement.script)}</code></pre>'
        yield f'<details class="source"><summary>To see it, run</summary>{shown}</details>\n'
    elif statement.counterexample is not None:
        example = statement.counterexample
        values = {**example.sizes, **example.values}
        listed = "; ".join(f"{name} = {data(value)}" for name, value in values.items())
        yield f'<p class="example">At <code>{text(listed)}</code></p>\n'


def _marked(source: Source, span: Span) -> str:
    """A line of code with a part marked."""
    number = source.place(span.start).line
    line, start = source.line(number), source.offset(number)
    first, last = span.start - start, min(span.end - start, len(line))
    before, after = line[:first].lstrip(), line[last:]
    return f"{text(before)}<mark>{text(line[first:last])}</mark>{text(after)}"
