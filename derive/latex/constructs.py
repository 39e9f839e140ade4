"""What each LaTeX command means to the reader: one table a kind of construct. To teach a command, add its row here.

Names are written without the backslash. Unicode characters that people type for a command stand in `UNICODE`.
"""

from __future__ import annotations

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "varepsilon",
        "zeta",
        "eta",
        "theta",
        "vartheta",
        "iota",
        "kappa",
        "varkappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "omicron",
        "pi",
        "varpi",
        "rho",
        "varrho",
        "sigma",
        "varsigma",
        "tau",
        "upsilon",
        "phi",
        "varphi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
    ]
)

# Letter-like commands that are names of their own.
SYMBOLS = GREEK | frozenset(
    [
        "ell",
        "partial",
        "nabla",
        "infty",
        "hbar",
        "imath",
        "jmath",
        "Re",
        "Im",
        "emptyset",
        "varnothing",
        "aleph",
        "prime",
        "star",
    ]
)

# Operators that LaTeX sets upright and that take what follows as their argument.
FUNCTIONS = frozenset(
    [
        "exp",
        "log",
        "ln",
        "lg",
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "sinh",
        "cosh",
        "tanh",
        "coth",
        "arcsin",
        "arccos",
        "arctan",
        "det",
        "tr",
        "Tr",
        "trace",
        "diag",
        "erf",
        "sgn",
        "sign",
        "softmax",
        "sigmoid",
        "relu",
        "ReLU",
        "LSE",
        "logsumexp",
        "Var",
        "Cov",
    ]
)

BIG_OPERATORS = {"sum": "sum", "prod": "prod", "max": "max", "min": "min", "argmax": "argmax", "argmin": "argmin"}
BIG_OPERATORS |= {"int": "int", "lim": "lim", "bigcup": "bigcup", "bigcap": "bigcap", "bigoplus": "bigoplus"}
BIG_OPERATORS |= {"sup": "sup", "inf": "inf"}

# Products; what juxtaposition means is decided by the notation, not here.
PRODUCTS = frozenset(["cdot", "times", "ast", "odot", "circ", "otimes", "star", "bullet", "cdotp"])

RELATIONS = frozenset(
    [
        "eq",
        "neq",
        "ne",
        "le",
        "leq",
        "leqslant",
        "ge",
        "geq",
        "geqslant",
        "lt",
        "gt",
        "ll",
        "gg",
        "equiv",
        "triangleq",
        "coloneqq",
        "coloneq",
        "eqqcolon",
        "defeq",
        "eqdef",
        "doteq",
        "approx",
        "simeq",
        "sim",
        "cong",
        "propto",
        "in",
        "notin",
        "ni",
        "subset",
        "subseteq",
        "to",
        "mapsto",
        "rightarrow",
        "longrightarrow",
        "longmapsto",
        "leftarrow",
        "leftrightarrow",
    ]
)

# Between two statements: the second follows from the first.
IMPLICATIONS = frozenset(
    ["Rightarrow", "implies", "Longrightarrow", "Leftrightarrow", "iff", "Longleftrightarrow", "therefore", "because"]
)

ACCENTS = {
    "hat": "hat", "widehat": "hat", "tilde": "tilde", "widetilde": "tilde", "bar": "bar", "overline": "bar",
    "dot": "dot", "ddot": "ddot", "vec": "vec", "overrightarrow": "vec", "check": "check", "breve": "breve",
    "acute": "acute", "grave": "grave", "mathring": "mathring", "underline": "underline",
}  # fmt: skip

# Font commands: `text` groups are read letter by letter as one name, the others keep their mathematics.
TEXT_FONTS = frozenset(
    [
        "text",
        "textrm",
        "textbf",
        "textit",
        "textsf",
        "texttt",
        "textnormal",
        "mbox",
        "hbox",
        "mathrm",
        "operatorname",
        "textsc",
        "rm",
    ]
)
FONTS = {
    "mathbf": "bold", "boldsymbol": "bold", "bm": "bold", "bold": "bold", "pmb": "bold", "mathbfit": "bold",
    "bf": "bold",
    "mathcal": "cal", "mathscr": "cal", "cal": "cal", "mathbb": "bb", "mathds": "bb", "Bbb": "bb", "mathfrak": "frak",
    "mathit": "", "mathsf": "sans", "mathtt": "tt", "mathnormal": "", "symbf": "bold",
}  # fmt: skip

SPACES = frozenset(
    [
        ",",
        ";",
        ":",
        "!",
        ">",
        "/",
        "quad",
        "qquad",
        "space",
        "thinspace",
        "medspace",
        "thickspace",
        "enspace",
        "enskip",
        "negthinspace",
        "hfill",
        "hspace",
        "hskip",
        "kern",
        "mkern",
        "mskip",
        "vspace",
        "nobreak",
        "allowbreak",
        "noindent",
        "null",
        "smallskip",
        "medskip",
        "bigskip",
        "phantom",
        "vphantom",
        "hphantom",
    ]
)
WIDE_SPACES = frozenset({"quad", "qquad", "hfill"})

# Set how a formula looks and say nothing: the command and the number of arguments that go with it.
IGNORED = {
    "displaystyle": 0, "textstyle": 0, "scriptstyle": 0, "scriptscriptstyle": 0, "limits": 0, "nolimits": 0,
    "nonumber": 0, "notag": 0, "hline": 0, "cdotp": 0, "centering": 0, "strut": 0, "mathstrut": 0, "relax": 0,
    "tag": 1, "label": 1, "hspace": 1, "vspace": 1, "phantom": 1, "vphantom": 1, "hphantom": 1, "eqno": 0, "qedhere": 0,
    "footnotesize": 0, "small": 0, "large": 0, "Large": 0, "normalsize": 0, "tiny": 0, "huge": 0, "LARGE": 0,
    "allowdisplaybreaks": 0, "ensuremath": 0, "mathstrut*": 0, "cline": 1, "color": 1, "mathord": 0, "mathop": 0,
    "mathrel": 0, "mathbin": 0, "mathopen": 0, "mathclose": 0, "mathinner": 0, "ref": 1, "eqref": 1, "cite": 1,
    "protect": 0, "intertext": 1, "shortintertext": 1, "rule": 2, "raisebox": 1, "class": 1, "cssId": 1, "style": 1,
    "hfill": 0,
}  # fmt: skip

# Draw something around a formula: the number of arguments, and which of them is the formula.
DECORATIONS = {
    "boxed": (1, 0), "fbox": (1, 0), "framebox": (1, 0), "bbox": (1, 0), "cancel": (1, 0), "bcancel": (1, 0),
    "textcolor": (2, 1), "colorbox": (2, 1), "fcolorbox": (3, 2), "enclose": (2, 1), "mathclap": (1, 0),
    "mathllap": (1, 0), "mathrlap": (1, 0), "smash": (1, 0), "clap": (1, 0), "llap": (1, 0), "rlap": (1, 0),
    "underbracket": (1, 0), "overbracket": (1, 0), "underbrace": (1, 0), "overbrace": (1, 0), "underset": (2, 1),
    "overset": (2, 1), "stackrel": (2, 1), "mathchoice": (4, 0), "substack": (1, 0), "highlight": (1, 0), "hl": (1, 0),
}  # fmt: skip
WITH_OPTION = frozenset({"bbox", "smash", "framebox", "colorbox", "textcolor", "fcolorbox"})  # may have a [...] first
BRACES = frozenset({"underbrace", "overbrace", "underbracket", "overbracket"})

DELIMITER_SIZES = frozenset(
    [
        "left",
        "right",
        "middle",
        "big",
        "Big",
        "bigg",
        "Bigg",
        "bigl",
        "bigr",
        "bigm",
        "Bigl",
        "Bigr",
        "Bigm",
        "biggl",
        "biggr",
        "biggm",
        "Biggl",
        "Biggr",
        "Biggm",
    ]
)
OPENING = {"(": ")", "[": "]", "\\{": "\\}", "\\langle": "\\rangle", "\\lfloor": "\\rfloor", "\\lceil": "\\rceil"}
OPENING |= {"\\lbrace": "\\rbrace", "\\lvert": "\\rvert", "\\lVert": "\\rVert", "\\lbrack": "\\rbrack"}
CLOSING = frozenset(OPENING.values())
BARS = {"|": "|", "\\vert": "|", "\\|": "‖", "\\Vert": "‖", "‖": "‖"}
DELIMITERS = frozenset(
    [
        "langle",
        "rangle",
        "lfloor",
        "rfloor",
        "lceil",
        "rceil",
        "lbrace",
        "rbrace",
        "lbrack",
        "rbrack",
        "lvert",
        "rvert",
        "lVert",
        "rVert",
        "vert",
        "Vert",
        "{",
        "}",
        "|",
    ]
)

# Environments whose rows are statements; others are values (cases, matrices).
ROW_ENVIRONMENTS = frozenset(
    [
        "align",
        "aligned",
        "alignat",
        "alignedat",
        "eqnarray",
        "equation",
        "gather",
        "gathered",
        "split",
        "multline",
        "displaymath",
        "math",
        "flalign",
        "subequations",
        "empheq",
        "dmath",
        "IEEEeqnarray",
    ]
)
CASES_ENVIRONMENTS = frozenset({"cases", "dcases", "rcases", "drcases"})
MATRIX_ENVIRONMENTS = {"matrix": "", "bmatrix": "[", "pmatrix": "(", "vmatrix": "|", "Bmatrix": "\\{", "Vmatrix": "‖"}
MATRIX_ENVIRONMENTS |= {"smallmatrix": "", "array": ""}
ENVIRONMENTS = ROW_ENVIRONMENTS | CASES_ENVIRONMENTS | frozenset(MATRIX_ENVIRONMENTS)

FRACTIONS = frozenset({"frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac", "xfrac"})
BINOMIALS = frozenset({"binom", "dbinom", "tbinom"})
ROOTS = frozenset({"sqrt"})
ELLIPSES = frozenset({"dots", "ldots", "cdots", "dotsc", "dotsb", "dotsm", "vdots", "ddots"})
QUANTIFIERS = frozenset({"forall", "exists"})
STRUCTURE = frozenset(
    [
        "begin",
        "end",
        "not",
        "newline",
        "operatorname",
        "newcommand",
        "renewcommand",
        "providecommand",
        "def",
        "DeclareMathOperator",
        "cr",
        "mid",
        "colon",
        "backslash",
        "#",
        "%",
        "&",
        "_",
        "$",
        "perp",
        "top",
        "intercal",
        "dagger",
        "wedge",
        "vee",
        "cup",
        "cap",
        "setminus",
        "pm",
        "mp",
        "div",
        "vert",
        "Vert",
        "lbrace",
        "rbrace",
        "over",
        "atop",
        "choose",
        "oint",
        "iint",
        "mathbf1",
        "Pr",
        "E",
        "P",
        "deg",
        "dim",
        "ker",
        "gcd",
        "hom",
        "arg",
        "limsup",
        "liminf",
        "bmod",
        "pmod",
        "mod",
    ]
)

COMMANDS: frozenset[str] = frozenset().union(
    SYMBOLS, FUNCTIONS, BIG_OPERATORS, PRODUCTS, RELATIONS, IMPLICATIONS, ACCENTS, TEXT_FONTS, FONTS, SPACES, IGNORED,
    DECORATIONS, DELIMITER_SIZES, DELIMITERS, FRACTIONS, BINOMIALS, ROOTS, ELLIPSES, QUANTIFIERS, STRUCTURE,
)  # fmt: skip
"""Every command the reader knows: what a damaged text can have meant, and what a typo is compared with."""

SHORTHANDS: dict[str, dict[int, str]] = {
    "dv": {1: r"\frac{d}{d #1}", 2: r"\frac{d #1}{d #2}"},
    "pdv": {1: r"\frac{\partial}{\partial #1}", 2: r"\frac{\partial #1}{\partial #2}"},
    "dd": {1: r"d #1"},
    "norm": {1: r"\left\| #1 \right\|"},
    "abs": {1: r"\left| #1 \right|"},
    "qty": {0: ""},
    "grad": {0: r"\nabla"},
    "vb": {1: r"\mathbf{#1}"},
}
SHORTHANDS |= {"odv": SHORTHANDS["dv"]}
SHORTHANDS["pdv"][3] = r"\frac{\partial^2 #1}{\partial #2 \partial #3}"
"""Commands of packages (physics, derivative) by the number of their arguments in braces, where a document does not
define them itself."""

SYNONYMS = {"\\part": "\\partial", "\\parallel": "\\|", "\\llbracket": "[", "\\rrbracket": "]"}
"""Commands that people type for others."""

UNICODE = {
    "×": "\\times", "·": "\\cdot", "⋅": "\\cdot", "∗": "*", "⊙": "\\odot", "∘": "\\circ", "⊗": "\\otimes", "−": "-",
    "–": "-", "∂": "\\partial", "∇": "\\nabla", "∑": "\\sum", "∏": "\\prod", "√": "\\sqrt", "∞": "\\infty",
    "≠": "\\neq", "≤": "\\leq", "≥": "\\geq", "≈": "\\approx", "≡": "\\equiv", "∈": "\\in", "∉": "\\notin",
    "∀": "\\forall",     "→": "\\to", "↦": "\\mapsto", "⇒": "\\Rightarrow", "⟹": "\\Rightarrow", "∝": "\\propto",
    "…": "\\dots", "⋯": "\\cdots",
    "⟨": "\\langle", "⟩": "\\rangle", "‖": "\\|", "∥": "\\|", "ℓ": "\\ell", "ℝ": "\\mathbb{R}", "ℒ": "\\mathcal{L}",
    "𝟙": "\\mathbb{1}", "ᵀ": "^\\top", "⊤": "\\top", "′": "'", "″": "''", "÷": "/",
    "ε": "\\varepsilon", "ϵ": "\\epsilon",
    "ϕ": "\\phi", "φ": "\\varphi", "ς": "\\varsigma", "ϑ": "\\vartheta", "µ": "\\mu",
    "Σ": "\\Sigma", "Π": "\\Pi", "∆": "\\Delta",
    "½": "\\frac{1}{2}", "¼": "\\frac{1}{4}", "\u00a0": " ", "\u2009": " ", "\u200b": "",
}  # fmt: skip
_LOWER = dict(
    zip("αβγδζηθικλμνξπρστυχψω",
        ["alpha", "beta", "gamma", "delta", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi",
         "rho", "sigma", "tau", "upsilon", "chi", "psi", "omega"],
        strict=True)
)  # fmt: skip
_UPPER = dict(
    zip("ΓΔΘΛΞΥΦΨΩ", ["Gamma", "Delta", "Theta", "Lambda", "Xi", "Upsilon", "Phi", "Psi", "Omega"], strict=True)
)
UNICODE |= {letter: f"\\{name}" for letter, name in (_LOWER | _UPPER).items()}
UNICODE |= dict(zip("（）［］｛｝＝＋－＊／，；：．＜＞｜＿＾。、", "()[]{}=+-*/,;:.<>|_^.,", strict=True))
"""Characters that people type for commands; those of full width are typed in Chinese and Japanese text."""

COMBINING = {
    "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "bar", "\u0307": "dot", "\u0308": "ddot",
    "\u20d7": "vec",
}  # fmt: skip
"""Accents that are typed behind a letter."""

ACCENTED = frozenset("ŷŵẑŝĝĥȳẏẋỹ")
"""Letters that exist with their accent, those that prose in French or German has left out."""

SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789+-=()aehijklmnoprstuvx", strict=True))
SUPERSCRIPTS = dict(
    zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴸᴺᴹ", "0123456789+-=()abcdefghijklmnoprstuvwxyzLNM", strict=True)
)
"""Small letters and digits typed below or above the line."""
