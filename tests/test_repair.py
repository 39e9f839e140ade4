r"""Eaten escapes: what is put back, what is refused, and that sound text stays as it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.repair import Repair, RepairError, prose, restore, shows_damage
from derive.source import Source, Text

BEFORE = "first line\n"


def piece(latex: str) -> tuple[Text, Source]:
    """A formula on the second line of a source."""
    source = Source("notes.md", BEFORE + latex)
    start = len(BEFORE)
    return Text.whole(source).cut(start, start + len(latex)), source


def fix(latex: str, damaged: bool = False) -> str:
    return restore(*piece(latex), damaged)[0].value


def repairs(latex: str, damaged: bool = False) -> list[tuple[int, int, str, str]]:
    return [(r.line, r.column, r.was, r.now) for r in restore(*piece(latex), damaged)[1]]


def eaten(latex: str) -> str:
    """What a Python string literal makes of LaTeX."""
    escapes = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
    return re.sub(r"\\(.)", lambda m: escapes.get(m[1], m[0]), latex, flags=re.DOTALL)


def printed(latex: str) -> str:
    """The same after a program that drops control characters and makes line breaks of carriage returns."""
    return re.sub("[\a\b\f\v]", "", eaten(latex).replace("\r", "\n"))


# Damage that shows by itself


@pytest.mark.parametrize(
    ("damaged", "whole"),
    [
        (r"\left( x^2right)", r"\left( x^2\right)"),
        (r"\left( \muright)^2", r"\left( \mu\right)^2"),
        (r"\frac{1}{2} left( x \right)", r"\frac{1}{2} \left( x \right)"),
        (r"a * eft(x \right)", r"a * \left(x \right)"),
        ("a eft( x \night)", r"a \left( x \right)"),
    ],
)
def test_half_of_a_pair_of_brackets_is_restored_for_the_other_half(damaged: str, whole: str) -> None:
    assert fix(damaged) == whole


@pytest.mark.parametrize(
    "sound", ["P(left, right)", r"\left( p_{left} \right)", "left(x)", r"\text{the right (wrong)}"]
)
def test_sides_that_are_called_left_and_right_stay(sound: str) -> None:
    assert fix(sound) == sound


@pytest.mark.parametrize(
    "command",
    [
        r"\frac{a}{b}", r"\begin{aligned}x\end{aligned}", r"\boxed{x}", r"\bar{x}", r"\beta_j",
        r"\bigg(",
        r"\rho = 1", r"\right)", r"\rangle", r"\nabla_x L", r"\neq 0", r"\theta = 1",
        r"\text{if }", r"\tilde{x}",
        r"\times 2", r"\tanh(x)", r"\tfrac{1}{2}", r"\tag{1}", r"\varepsilon + 1", r"\vec{x}",
        r"\alpha x",
        r"\approx 1", r"\ast y", r"\forall i", r"\bm{x}", r"\newcommand{\x}{y}",
    ],
)  # fmt: skip
def test_a_command_with_its_control_character_is_restored(command: str) -> None:
    assert fix("x = " + eaten(command)) == "x = " + command


@pytest.mark.parametrize(
    "command",
    [
        r"\frac{a}{b}", r"\frac {a} {b}", r"\begin{align*}x\end{align*}", r"\boxed{x}", r"\bar{x}",
        r"\text{if}",
        r"\right)", r"\right]", r"\right|", r"\right\}", r"\right.", r"\right\rangle", r"\vec{v}",
        r"\boldsymbol{x}",
    ],
)  # fmt: skip
def test_a_bare_tail_is_restored_before_what_its_command_needs(command: str) -> None:
    assert fix("=" + command[2:]) == "=" + command


@pytest.mark.parametrize("command", [r"\frac{a}{b}", r"\sqrt{x}", r"\hat{x}", r"\mathbf{x}", r"\begin{align}"])
def test_a_lost_backslash_is_restored_before_a_brace(command: str) -> None:
    assert fix("= " + command[1:]) == "= " + command


def test_a_line_break_before_ight_was_a_carriage_return() -> None:
    assert fix("\\left( a - \\mu \night)^2") == r"\left( a - \mu \right)^2"
    assert fix("\\left( a - \\mu \r\night)^2") == r"\left( a - \mu \right)^2"


def test_damage_directly_behind_another_command_is_found() -> None:
    assert fix(r"\gammarac{1}{2} \left(\muight)") == r"\gamma\frac{1}{2} \left(\mu\right)"


def test_a_row_break_before_an_eaten_command_keeps_its_two_backslashes() -> None:
    assert fix(eaten(r"a \\\frac{1}{2}")) == r"a \\\frac{1}{2}"


def test_each_repair_is_listed_with_its_place() -> None:
    assert repairs("a = rac{1}{2}\n+ \x0crac{\x08ar{x}}{y} \night)") == [
        (2, 5, "rac", r"\frac"),
        (3, 4, r"\x0crac", r"\frac"),
        (3, 9, r"\x08ar", r"\bar"),
        (4, 1, r"\x0aight", r"\right"),
    ]


def test_a_repair_names_its_cell() -> None:
    source = Source("notes.ipynb", "rac{1}{2}", cell=7)
    assert restore(Text.whole(source), source, False)[1] == (Repair(1, 1, "rac", r"\frac", 7),)


def test_restored_characters_point_at_the_damage() -> None:
    text, source = piece("x = rac{1}{2}")
    restored = restore(text, source, False)[0]
    assert source.text[slice(*restored.span(4, 9))] == "rac"
    assert source.text[slice(*restored.span(10, 11))] == "1"


# Rows


def test_rows_of_a_damaged_environment_are_restored() -> None:
    latex = r"\begin{aligned} \hat{x} &= \frac{x}{s} \\ & \mu = \frac{1}{m} \\ & v &= 1 \end{aligned}"
    assert fix(printed(latex)) == latex
    assert [was for *_, was, _ in repairs(printed(latex))] == ["egin", "rac", "\\", "rac", "\\"]


@pytest.mark.parametrize(
    "latex",
    [
        "\\begin{align}\na &= \\beta \\\\\n&= b\n\\end{align}",
        r"\begin{align} a &= \beta \\ b &= c \end{align}",
        r"\begin{align} a &= \beta \\[10pt] b &= c \end{align}",
        r"\begin{align} a &= \beta \\ & b \\ \end{align}",
        r"\begin{align} a &=& \beta \\&=& b \end{align}",
        r"\begin{bmatrix} \beta \\ b \end{bmatrix}",
        r"\begin{gathered} a = \beta \\ b = c \end{gathered}",
        r"\begin{align} f &= \begin{cases} 1 & \beta \\ 0 & a \end{cases} \\ g &= 1 \end{align}",
        "\\begin{align}\n a &= \\beta \\newline\n b &= c\\ d\n\\end{align}",
    ],
)
def test_row_breaks_are_told_from_blanks(latex: str) -> None:
    assert fix(eaten(latex)) == latex


def test_rows_at_line_ends_are_restored_without_other_damage() -> None:
    latex = "\\begin{aligned}\na &= b \\\\\n&= c \\\\\n\\end{aligned}"
    assert fix(latex.replace("\\\\", "\\")) == latex


def test_a_blank_that_could_be_a_row_break_is_refused_in_a_damaged_text() -> None:
    text, source = piece("\x08egin{align} a &= \x08eta \\ b \\ c &= d \\end{align}")
    with pytest.raises(RepairError, match=r"can be a row break .* or a blank") as refusal:
        restore(text, source, False)
    assert source.text[slice(*refusal.value.span)] == "\\"


# Damage that counts only beside other damage


@pytest.mark.parametrize(
    ("damaged", "sound"),
    [
        ("heta = 1", r"\theta = 1"),
        ("a imes b", r"a \times b"),
        ("abla_x L", r"\nabla_x L"),
        ("x = arepsilon", r"x = \varepsilon"),
        ("rac12", r"\frac12"),
        ("partial L", r"\partial L"),
        ("a cdot sigma^2", r"a \cdot \sigma^2"),
        ("left( a ight)", r"\left( a \right)"),
        ("dheta", r"d\theta"),
        ("xrac{1}{2}", r"x\frac{1}{2}"),
        ("x ig( y ig)", r"x \big( y \big)"),
        ("\\langle x, y \nangle", "\\langle x, y \n\\rangle"),
        ("x \top", r"x \top"),
    ],
)
def test_weak_traces_count_in_a_damaged_document(damaged: str, sound: str) -> None:
    assert fix(damaged, damaged=True) == sound


@pytest.mark.parametrize("latex", ["heta = 1", "a imes b", "partial L", "rac_i", "x = eta", "u \\ & v", "xrac"])
def test_weak_traces_alone_are_no_damage(latex: str) -> None:
    assert fix(latex) == latex
    assert not shows_damage(*piece(latex))


@pytest.mark.parametrize("latex", [r"\frac{a}{b} heta", r"\beta partial", "\\text{a}\nu_i = 1"])
def test_a_formula_with_an_intact_escape_did_not_pass_the_string_reader(latex: str) -> None:
    assert fix(latex, damaged=True) == latex
    assert fix(latex + " hat{x}") == latex + r" \hat{x}"


@pytest.mark.parametrize(
    "latex",
    [
        "rac_i + 1",
        "exp(x) + log(y)",
        "softmax(x)",
        "x_{ext}",
        "max_i x_i",
        "sin x",
        r"\eta \ni \sigma",
        "a\n b",
    ],
)
def test_names_typed_in_letters_stay_in_a_damaged_document(latex: str) -> None:
    assert fix(latex, damaged=True) == latex


def test_words_in_text_groups_stay() -> None:
    latex = "\\text{the partial\nbar of eta}\n\\mathrm{heta} \\tag{eta}"
    assert fix(latex.replace("\\t", "\t"), damaged=True) == latex


def test_mathematics_inside_words_is_mathematics() -> None:
    assert fix(eaten(r"\text{if $i \neq j$}"), damaged=True) == r"\text{if $i \neq j$}"


@pytest.mark.parametrize(
    ("latex", "readings"),
    [
        ("eta = 1", r"eta can be \beta or \eta"),
        ("x = \nu", r"u can be \nu or u after a line break"),
        ("a \to b", r"o can be \to or o after a tab"),
        ("x \x0coo", r"a form feed stands before 'oo', but no command \foo is known"),
    ],
)
def test_two_readings_are_refused_and_named(latex: str, readings: str) -> None:
    with pytest.raises(RepairError) as refusal:
        fix(latex, damaged=True)
    assert readings in refusal.value.message
    assert "with its backslash" in refusal.value.hint


def test_a_refusal_points_at_the_place() -> None:
    text, source = piece("1 + eta")
    with pytest.raises(RepairError) as refusal:
        restore(text, source, True)
    assert source.text[slice(*refusal.value.span)] == "eta"


# Properties

ATOMS = [
    r"\frac{a}{b}", r"\tfrac{1}{2}", r"\beta", r"\bar{x}", r"\boxed{y}", r"\boldsymbol{x}",
    r"\rho", r"\right",
    r"\rangle", r"\nabla", r"\neq", r"\notin", r"\theta", r"\tau", r"\tilde{x}", r"\times",
    r"\tanh", r"\text{if}",
    r"\to", r"\top", r"\varepsilon", r"\vec{v}", r"\alpha", r"\approx", r"\ast", r"\forall",
    r"\nu", r"\ne", r"\ni",
    r"\bm{x}", r"\rm", r"\trace", r"\sum_{i=1}^{N}", r"\mu", r"\sigma^2", r"\hat{x}_i",
    r"\partial", r"\epsilon",
    r"\sqrt{v}", r"\eta", "x_i", "y_{ij}", "=", "+", "-", "(", ")", "[", "]", "2", r"\,", r"\;",
    r"\quad", r"\{",
    r"\}", r"\|", r"\langle", r"\mathcal{L}", "e^{x}", r"\cdot", r"\log", r"\mathbb{R}",
    r"\left( x \right)",
    r"\text{for all $\theta$ of } x", r"\text{softmax}(z)_j", r"\underbrace{a}_{\text{via } v}",
    r"\begin{aligned} a &= b \\ &= \frac{c}{d} \end{aligned}",
    r"\begin{cases} 1 & i = j \\ 0 & i \neq j \end{cases}",
    "\\begin{align}\n\\tau &= b \\\\\nc &= d \\\\\n\\end{align}",
]  # fmt: skip
TYPED = ["eta", "rac_i", "u", "i", "e^x", "o", "r", "an", "partial", "sigma", "\\ ", "&", "log", "ig"]
LINES = st.lists(st.sampled_from([*ATOMS, r"\\"]), min_size=1, max_size=8).map(" ".join)
ROWS = st.lists(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=3)
FORMULAS = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=8).map(" ".join)
ENVIRONMENTS = st.builds(
    lambda rows, name: f"\\begin{{{name}}} & " + " \\\\ & ".join(rows) + f" \\end{{{name}}}",
    ROWS,
    st.sampled_from(["aligned", "align*", "cases"]),
)


@given(FORMULAS | ENVIRONMENTS | LINES)
def test_eaten_escapes_are_restored_or_refused_but_never_guessed(latex: str) -> None:
    try:
        restored = fix(eaten(latex), damaged=True)
    except RepairError:
        return
    assert restored == latex


@given(FORMULAS | ENVIRONMENTS)
def test_printed_text_is_restored_up_to_white_space_or_refused(latex: str) -> None:
    long_enough = re.sub(r"\\(?:rho|ne|ni|nu|bm|rm|ast|tau|to|top)(?![a-z])", r"\\alpha", latex)
    try:
        restored = fix(printed(long_enough), damaged=True)
    except RepairError:
        return
    assert restored.split() == long_enough.split()


SOUND = st.lists(st.sampled_from(ATOMS + TYPED), max_size=12)


@given(SOUND, st.sampled_from([" ", "\n", "\t", "\r\n", "\n\t", "\n\n"]))
def test_sound_text_is_returned_unchanged(words: list[str], space: str) -> None:
    latex = space.join(words)
    text, source = piece(latex)
    assert not shows_damage(text, source)
    assert restore(text, source, False) == (text, ())


@given(st.text(alphabet="\\\a\b\t\n\v\f\r{}$&abefgnrtuv_ ()[]=", max_size=60), st.booleans())
def test_any_text_is_restored_or_refused(latex: str, damaged: bool) -> None:
    text, source = piece(latex)
    try:
        restored, done = restore(text, source, damaged)
    except RepairError as refusal:
        assert len(BEFORE) <= refusal.span.start <= refusal.span.end <= len(source.text)
        return
    assert len(restored.offsets) == len(restored.value) + 1
    assert list(restored.offsets) == sorted(restored.offsets)
    assert all(repair.was.isprintable() and repair.now.isprintable() for repair in done)


def test_prose_is_found_without_the_mathematics_in_it() -> None:
    latex = r"x \text{if $i$ in} \mathrm{S = \sum x} \operatorname{LSE} \tag{2}"
    assert [latex[slice(*span)] for span in prose(latex)] == ["if ", " in", "LSE", "2"]
