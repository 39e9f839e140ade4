"""Tokens: kinds, spans, words, macros and their limits."""

from __future__ import annotations

import pytest
from trees import formula

from derive.latex.tokens import MAX_TOKENS, Macro, Token, is_word, split, tokenize
from derive.source import SourceError, Span

# fmt: off
KINDS = [
    (r"\mu x_i", [("command", r"\mu"), ("letter", "x"), ("mark", "_"), ("letter", "i")]),
    ("softmax 12.5 .5", [("word", "softmax"), ("number", "12.5"), ("number", ".5")]),
    ("12.", [("number", "12"), ("mark", ".")]),
    (r"a \\ b \\[2pt] c \newline d", [("letter", "a"), ("mark", r"\\"), ("letter", "b"), ("mark", r"\\"),
                                      ("letter", "c"), ("mark", r"\\"), ("letter", "d")]),
    ("x''", [("letter", "x"), ("prime", "''")]),
    (r"\{\,\}", [("command", r"\{"), ("command", r"\,"), ("command", r"\}")]),
    ("a % b\nc", [("letter", "a"), ("letter", "c")]),
    (r"50\% a", [("number", "50"), ("command", r"\%"), ("letter", "a")]),
    ("μ²", [("command", r"\mu"), ("mark", "^"), ("number", "2")]),
    ("x ≤ ½", [("letter", "x"), ("command", r"\leq"), ("command", r"\frac"), ("mark", "{"), ("number", "1"),
               ("mark", "}"), ("mark", "{"), ("number", "2"), ("mark", "}")]),
    ("ж", [("letter", "ж")]),
    ("", []),
]
# fmt: on


@pytest.mark.parametrize(("latex", "expected"), KINDS)
def test_characters_become_tokens(latex: str, expected: list[tuple[str, str]]) -> None:
    *tokens, end = tokenize(formula(latex), {})
    assert [(token.kind, token.text) for token in tokens] == expected
    assert (end.kind, end.span) == ("end", Span(len(latex), len(latex)))


@pytest.mark.parametrize("latex", [r"\mu + x_{ij} = 12.5 softmax''", r"\frac{a}{b} \\ c"])
def test_each_token_knows_its_characters(latex: str) -> None:
    for token in tokenize(formula(latex), {})[:-1]:
        assert latex[slice(*token.span)] == token.text


def test_a_token_remembers_space_before_it() -> None:
    assert [token.spaced for token in tokenize(formula("a b  c+d"), {})[:-1]] == [False, True, True, False, False]


@pytest.mark.parametrize("letters", ["softmax", "relu", "gradInput", "mean", "var"])
def test_words_are_told_from_products(letters: str) -> None:
    assert is_word(letters)


@pytest.mark.parametrize("letters", ["xy", "dL", "WX", "ab", "dY", "xW"])
def test_products_of_letters_are_no_words(letters: str) -> None:
    assert not is_word(letters)


def test_a_split_word_keeps_the_place_of_each_letter() -> None:
    assert split(Token("word", "abc", Span(5, 8), True)) == [
        Token("letter", "a", Span(5, 6), True),
        Token("letter", "b", Span(6, 7)),
        Token("letter", "c", Span(7, 8)),
    ]


# -- macros ----------------------------------------------------------------------------------------------------------

MACROS = {"R": Macro(0, r"\mathbb{R}"), "pd": Macro(2, r"\frac{\partial #1}{\partial #2}"), "two": Macro(0, r"\R\R")}


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\R x", r"{ \mathbb { R } } x"),
        (r"\pd{L}{x_i}", r"{ \frac { \partial L } { \partial x _ i } }"),
        (r"\pd L x", r"{ \frac { \partial L } { \partial x } }"),
        (r"\two", r"{ { \mathbb { R } } { \mathbb { R } } }"),
    ],
)
def test_macros_are_replaced_by_their_bodies(latex: str, expected: str) -> None:
    assert " ".join(token.text for token in tokenize(formula(latex), MACROS)[:-1]) == expected


def test_a_body_points_at_the_call_and_arguments_at_themselves() -> None:
    latex = r"a \pd{L}{x}"
    places = {token.text: latex[slice(*token.span)] for token in tokenize(formula(latex), MACROS)}
    assert places[r"\frac"] == r"\pd"
    assert places["L"] == "L"


@pytest.mark.parametrize(
    ("latex", "macros", "message"),
    [
        (r"\pd{L}", MACROS, r"\pd lacks an argument"),
        (r"\pd{L}{x", MACROS, r"the argument of \pd has no closing brace"),
        (r"\a", {"a": Macro(0, r"\a")}, r"the macro \a does not end"),
        (r"\a", {"a": Macro(0, r"\b\b"), "b": Macro(0, r"\a\a")}, "does not end"),
        ("x" * 2 + "+x" * MAX_TOKENS, {}, "more than 20000 symbols"),
    ],
)
def test_what_cannot_be_expanded_is_refused(latex: str, macros: dict[str, Macro], message: str) -> None:
    with pytest.raises(SourceError, match=message.replace("\\", r"\\")):
        tokenize(formula(latex), macros)
