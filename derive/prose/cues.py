"""What words announce, in one table by role and language. To teach derive a word, add it to its row.

A word counts only together with the formula beside it: *with D features* supposes nothing, *with $\\epsilon = 0$* does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

Role = Literal["if", "suppose", "let", "for", "remark", "else", "then", "general", "another"]

WORDS: dict[Role, dict[str, tuple[str, ...]]] = {
    # what follows holds for a part of the data, or is only thought of
    "if": {
        "en": ("if", "when", "whenever", "unless", "case", "provided", "as long as", "in the case", "hypothesis"),
        "de": ("wenn", "falls", "sofern", "fall", "solange", "im falle"),
        "fr": ("si", "s'il", "lorsque", "quand", "cas", "pourvu que", "tant que"),
        "es": ("si", "cuando", "caso", "siempre que", "mientras"),
        "it": ("se", "quando", "qualora", "caso", "purché"),
        "pt": ("se", "quando", "caso", "desde que"),
        "nl": ("als", "indien", "wanneer", "geval", "mits", "zolang"),
        "ru": ("если", "когда", "случай", "случае", "при условии"),
        "zh": ("如果", "若", "当", "假如", "当且仅当", "情况"),
        "ja": ("もし",),
    },
    # what follows is taken for granted from here on
    "suppose": {
        "en": (
            "suppose", "supposing", "assume", "assuming", "assumption", "take", "taking",
            "fix", "fixing", "choose", "choosing", "consider", "say", "for example", "for instance", "e.g.",
            "e.g",
        ),
        "de": (
            "angenommen", "nehmen wir an", "es gelte", "wähle",
            "wählt man", "zum beispiel", "z.b.", "betrachte",
        ),
        "fr": (
            "supposons", "supposant", "prenons", "on suppose",
            "choisissons", "par exemple", "considérons",
        ),
        "es": (
            "supongamos", "suponga", "suponiendo", "tomemos", "tomando", "fijemos",
            "por ejemplo", "consideremos",
        ),
        "it": (
            "supponiamo", "supponendo", "prendiamo", "scegliamo", "per esempio",
            "ad esempio", "consideriamo",
        ),
        "pt": (
            "suponha", "suponhamos", "supondo", "tomemos", "tomando", "fixemos", "por exemplo",
            "consideremos",
        ),
        "nl": ("veronderstel", "neem", "neem aan", "kies", "bijvoorbeeld", "beschouw"),
        "ru": ("предположим", "допустим", "возьмём", "возьмем", "например", "рассмотрим"),
        "zh": ("假设", "假定", "取", "例如", "比如"),
        "ja": ("例えば", "仮定"),
    },
    # what follows is a definition, or a value for a while
    "let": {
        "en": ("let", "set", "setting", "denote", "define", "put",),
        "de": ("sei", "seien", "setze", "setzt man", "setzen wir", "definiere",),
        "fr": ("soit", "soient", "posons", "posant", "on pose",),
        "es": ("sea", "sean", "pongamos",),
        "it": ("sia", "siano", "poniamo", "ponendo",),
        "pt": ("seja", "sejam",),
        "nl": ("stel", "laat", "zij",),
        "ru": ("пусть", "положим", "полагая",),
        "zh": ("设", "令",),
    },
    # a restriction, if a restriction follows
    "for": {
        "en": ("for", "at", "in", "with", "where", "since", "as"),
        "de": ("für", "bei", "mit", "wo", "wobei", "da", "an der stelle"),
        "fr": ("pour", "en", "avec", "où", "à", "puisque"),
        "es": ("para", "en", "con", "donde", "puesto que", "ya que"),
        "it": ("per", "in", "con", "dove", "poiché"),
        "pt": ("para", "em", "com", "onde", "pois"),
        "nl": ("voor", "bij", "met", "waar", "waarbij", "in", "omdat"),
        "ru": ("для", "при", "с", "где", "в", "так как"),
        "zh": ("对", "对于", "在", "其中", "由于", "因为"),
        "ja": ("ただし", "ここで", "において"),
    },
    # a special choice of parameters, not the layer's definition
    "remark": {
        "en": (
            "learn", "learns", "recover", "recovers", "recovered", "recovering", "restore",
            "restores", "restored", "undo", "undoes", "undone", "identity", "special case", "reduces to", "boundary",
            "can represent", "can express", "could be", "reproduce", "reproduces", "revert", "reverts",
            "minimum", "optimum", "optimal", "stationary", "critical point", "critical points",
        ),
        "de": (
            "lernen", "lernt", "erlernen", "identität", "wiederherstellen", "rückgängig", "spezialfall", "sonderfall",
            "grenze", "minimum", "optimum", "optimal", "könnte", "wiederhergestellt", "zurückgewinnen",
        ),
        "fr": (
            "apprendre", "apprend", "identité", "retrouver", "retrouve", "restaurer", "annuler",
            "cas particulier", "frontière", "minimum", "optimum", "optimal", "pourrait", "récupère", "récupérer",
        ),
        "es": (
            "aprender", "aprende", "identidad", "recuperar", "recupera", "restaurar", "deshacer", "caso particular",
            "caso especial", "frontera", "mínimo", "óptimo", "podría",
        ),
        "it": (
            "imparare", "impara", "apprendere", "identità", "recuperare", "recupera", "si recupera", "ripristinare",
            "annullare", "caso particolare", "caso speciale", "frontiera", "minimo", "ottimo", "potrebbe",
        ),
        "pt": (
            "aprender", "aprende", "identidade", "recuperar", "recupera", "restaurar", "desfazer", "caso particular",
            "caso especial", "fronteira", "mínimo", "ótimo", "poderia",
        ),
        "nl": (
            "leren", "leert", "identiteit", "herstellen", "herstelt", "ongedaan", "bijzonder geval", "speciaal geval",
            "grens", "minimum", "optimum", "optimaal", "zou kunnen", "teruggekregen",
        ),
        "ru": (
            "выучить", "обучиться", "научиться", "тождество", "тождественным", "тождественное", "тождественной",
            "восстановить", "восстанавливает", "восстанавливается", "частный случай", "граница", "минимум", "оптимум",
            "оптимально",
        ),
        "zh": ("学到", "学习到", "学会", "恒等", "恢复", "还原", "抵消", "特例", "边界", "最优", "最小值", "退化"),
        "ja": ("学習でき", "学習する", "恒等", "復元", "元に戻", "特別な場合", "特殊な場合", "境界", "最適", "最小値"),
    },
    # the condition before does not hold
    "else": {
        "en": ("otherwise", "else"),
        "de": ("sonst", "andernfalls", "ansonsten"),
        "fr": ("sinon", "autrement"),
        "es": ("en otro caso", "de lo contrario", "en caso contrario", "si no"),
        "it": ("altrimenti", "in caso contrario"),
        "pt": ("caso contrário", "senão"),
        "nl": ("anders",),
        "ru": ("иначе", "в противном случае"),
        "zh": ("否则", "其他情况"),
        "ja": ("それ以外", "そうでなければ", "さもなければ"),
    },
    # the supposition is over, and its consequence begins
    "then": {
        "en": ("then", "we have", "we get", "this gives", "it follows", "we obtain", "holds"),
        "de": ("dann", "gilt", "folgt", "erhalten wir", "ergibt sich"),
        "fr": ("alors", "on a", "on obtient", "donne"),
        "es": ("entonces", "tenemos", "se tiene", "obtenemos", "resulta"),
        "it": ("allora", "abbiamo", "si ha", "otteniamo", "risulta"),
        "pt": ("então", "temos", "obtemos", "resulta"),
        "nl": ("dan", "geldt", "hebben we", "krijgen we"),
        "ru": ("то", "тогда", "имеем", "получаем", "получим"),
        "zh": ("则", "那么", "有", "得到", "可得"),
        "ja": ("ならば", "すると", "得られる"),
    },
    # what was supposed before holds no longer
    "general": {
        "en": ("in general", "generally", "more generally", "without this", "without that"),
        "de": ("im allgemeinen", "allgemein", "allgemeiner"),
        "fr": ("en général", "plus généralement"),
        "es": ("en general", "más generalmente"),
        "it": ("in generale", "più in generale"),
        "pt": ("em geral", "mais geralmente"),
        "nl": ("in het algemeen", "algemener"),
        "ru": ("в общем случае", "в общем", "вообще"),
        "zh": ("一般", "一般地", "一般情况"),
        "ja": ("一般に", "一般的に"),
    },
    # names may have new meanings from here on
    "another": {
        "en": (
            "another layer", "another model", "another loss", "another network", "another sample", "another example",
            "a different layer", "a different model", "a different loss", "second layer", "second model",
            "second loss", "next layer", "other model", "other layer", "same letters", "same names", "same symbols",
            "redefine", "now one", "now a single", "now let", "now define", "model b",
        ),
        "de": (
            "andere schicht", "anderes modell", "anderen schicht", "anderes netz", "zweite schicht", "zweiten schicht",
            "zweites modell", "zweite modell", "nächste schicht", "gleichen buchstaben", "dieselben buchstaben",
            "nun sei", "jetzt sei",
        ),
        "fr": (
            "autre couche", "autre modèle", "autre réseau", "deuxième couche", "seconde couche", "deuxième modèle",
            "second modèle", "mêmes lettres", "maintenant soit", "soit maintenant", "prenons maintenant",
        ),
        "es": (
            "otra capa", "otro modelo", "otra red", "segunda capa", "segundo modelo", "mismas letras", "ahora sea",
            "sea ahora",
        ),
        "it": (
            "altro strato", "altro modello", "secondo strato", "secondo modello", "stesse lettere", "sia ora",
            "ora sia",
        ),
        "pt": (
            "outra camada", "outro modelo", "segunda camada", "segundo modelo", "mesmas letras", "agora seja",
            "seja agora",
        ),
        "nl": (
            "andere laag", "ander model", "tweede laag", "tweede model", "dezelfde letters", "zij nu", "laat nu",
        ),
        "ru": (
            "другой слой", "другая модель", "другого слоя", "другой модели", "второй слой", "второго слоя",
            "вторая модель", "второй модели", "теми же буквами", "те же буквы", "пусть теперь", "теперь пусть",
        ),
        "zh": ("另一层", "另一个模型", "第二层", "第二个模型", "下一层", "现在设", "现在令", "同样的字母"),
        "ja": ("別の層", "別のモデル", "第二層", "2層目", "第2層", "次の層", "同じ文字", "今度は"),
    },
}  # fmt: skip

BEHIND: dict[Role, tuple[str, ...]] = {
    "if": ("时", "的时候", "的情况", "のとき", "の時", "の場合", "ならば", "なら", "であれば"),
    "let": ("とする", "とおく", "とすると", "とおくと"),
    "suppose": ("と仮定",),
}
"""Words that stand behind the formula which they are about."""

Property = Literal["symmetric", "positive"]

PROPERTIES: dict[Property, dict[str, tuple[str, ...]]] = {
    "symmetric": {
        "en": ("symmetric",),
        "de": ("symmetrisch", "symmetrische", "symmetrischen"),
        "fr": ("symétrique", "symétriques"),
        "es": ("simétrica", "simétrico", "simétricas"),
        "it": ("simmetrica", "simmetrico", "simmetriche"),
        "pt": ("simétrica", "simétrico", "simétricas"),
        "nl": ("symmetrisch", "symmetrische"),
        "ru": ("симметричная", "симметрична", "симметричной", "симметрическая", "симметричную"),
        "zh": ("对称",),
        "ja": ("対称",),
    },
    "positive": {
        "en": ("positive", "strictly positive"),
        "de": ("positiv", "positive"),
        "fr": ("positif", "positifs", "positive", "positives", "strictement positifs"),
        "es": ("positivo", "positivos", "positiva", "positivas"),
        "it": ("positivo", "positivi", "positiva", "positive"),
        "pt": ("positivo", "positivos", "positiva", "positivas"),
        "nl": ("positief",),
        "ru": ("положительны", "положительные", "положительно", "положительная"),
        "zh": ("为正", "是正数", "都为正", "大于零"),
        "ja": ("正の数", "正である", "正とする"),
    },
}
"""What data can be said to be, beside what `derive.prose.vocabulary` reads as equations."""

_UNSPACED = ("zh", "ja")


def _alternatives(phrases: dict[str, tuple[str, ...]]) -> str:
    """A pattern for the phrases of all languages; only those of scripts with blanks end at a word's end."""
    spaced = {p for language, found in phrases.items() if language not in _UNSPACED for p in found}
    joined = {p for language in _UNSPACED for p in phrases.get(language, ())}
    words = "|".join(re.escape(p).replace(r"\ ", r"\s+") for p in sorted(spaced, key=len, reverse=True))
    signs = "|".join(map(re.escape, sorted(joined, key=len, reverse=True)))
    return rf"(?<!\w)(?:{words})(?!\w)|{signs}"


_CUES = re.compile(
    "|".join(
        f"(?P<{role if role != 'else' and role != 'if' and role != 'for' else role + '_'}>{_alternatives(WORDS[role])})"
        for role in ("another", "general", "else", "then", "suppose", "let", "remark", "if", "for")
    )
    + "|(?P<comma>[,;:，；：、])"
)
_BEHIND = re.compile(
    r"[\s,，]*(?:" + "|".join(f"(?P<{role}_>{'|'.join(map(re.escape, w))})" for role, w in BEHIND.items()) + ")"
)


def cues(words: str) -> Iterator[tuple[str, int]]:
    """What the words of a stretch of prose announce, in order, with the place behind each; commas are told too."""
    for found in _CUES.finditer(words.lower()):
        yield (found.lastgroup or "").rstrip("_"), found.end()


_DENIED = re.compile(
    r"\b(?:not|non|need not|no|nicht|ne|pas|niet|не)\b[^.]{0,20}\Z|(?:un|non|anti|skew|a|semi|in)-?\Z|[不非反半]\Z"
)


@cache
def _properties() -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>{_alternatives(phrases)})" for name, phrases in PROPERTIES.items()))


def properties(words: str) -> Iterator[tuple[Property, int]]:
    """The properties that words say of data, with the place of each; those that are denied are none."""
    for found in _properties().finditer(words.lower()):
        if not _DENIED.search(words.lower()[: found.start()]) and not words.lower()[found.end() :].startswith("-"):
            yield found.lastgroup, found.start()  # type: ignore[misc]


def announces(words: str, role: Role) -> bool:
    """Whether words announce something."""
    return any(found == role for found, _ in cues(words))


_WHERE = re.compile(
    r"\s*[,;]?\s*(?:where|wherein|wobei|wo|où|donde|dove|onde|waarbij|waar|где)\b(?:\s+\w+){0,2}\s*\Z|\s*[，,]?\s*(?:其中|ただし)\s*\Z"
)


def explains(words: str) -> bool:
    """Whether words in front of a formula say no more than *where*."""
    return _WHERE.match(words.lower()) is not None


_PROCEDURE = re.compile(
    r"\b(?:if|when|wenn|si|se|als|lorsque|quand|cuando|quando|если|когда)\s+(?:we|one|you|i|wir|man|on|nous|vous|uno|"
    r"noi|nós|мы|men)\b|\b(?:when|if)\s+\w+ing\b|\bnon\s+si\b|\bas if\b"
)


def is_only_procedure(words: str) -> bool:
    """Whether words tell what is done and set no condition: *when we apply the chain rule*."""
    return _PROCEDURE.search(words.lower()) is not None


_STAGES = re.compile(
    r"forward|backward|backprop|gradient|deriv|summar|result|proof|prove|step|simplif|final|chain rule|recap|appendix"
    r"|algorithm|vectori[sz]|notes?|notation|set-?up|definition|computation|conclusion|vorwärts|rückwärts|ableitung|zusammenfassung|ergebnis|beweis"
    r"|schritt|kettenregel|résumé|dérivée|preuve|étape|conclusion|avant|arrière|derivada|resumen|prueba|paso|adelante"
    r"|atrás|conclusión|derivata|riassunto|dimostrazione|passo|avanti|indietro|resumo|prova|conclusão|afgeleide"
    r"|samenvatting|bewijs|stap|производн|градиент|итог|доказательств|шаг|прям|обратн|вывод|前向|反向|梯度|导数|推导|总结"
    r"|证明|步骤|结论|順伝播|逆伝播|勾配|微分|まとめ|証明|導出"
)


def tells_stage(heading: str) -> bool:
    """Whether a heading names a part of one derivation, and no other model."""
    return _STAGES.search(heading.lower()) is not None


def closes(words: str) -> str:
    """What the words right behind a formula say of it, as in *x > 0 のとき*."""
    found = _BEHIND.match(words)
    return (found.lastgroup or "").rstrip("_") if found else ""
