"""What words mean, by language: to have another phrase or language understood, add it to a row.

A phrase is a regular expression in lower case. A blank stands for any white space or hyphen. Longer phrases are tried
first. Chinese and Japanese have no blanks between words, so their phrases count wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

Phrases = Mapping[str, str]
"""Phrases of each language, separated by ``|``."""

# -- what holds a sentence together --------------------------------------------------------------------------------

IS: Phrases = {
    "en": "is|are|be|denotes?|denoting|represents?|stands? for|means|refers? to|is given by|are given by|equals?|"
    "is defined as|as|is called|is simply|is just|corresponds to|:|：|:=",
    "de": "ist|sind|sei|seien|bezeichnet|bezeichnen|steht für|stehen für",
    "fr": "est|sont|soit|soient|désigne|désignent|représente|représentent|dénote|dénotent|étant",
    "es": "es|son|sea|sean|denota|denotan|representa|representan|designa|indica|siendo",
    "it": "è|sono|sia|siano|denota|denotano|rappresenta|rappresentano|indica|indicano|essendo",
    "pt": "é|são|seja|sejam|denota|denotam|representa|representam|indica|indicam|sendo",
    "nl": "is|zijn|staat voor|staan voor|zij|duidt aan",
    "ru": "—|–|это|есть|обозначает|обозначают|является|являются|пусть",
    "zh": "分别是|分别为|分别表示|分别代表|是|为|表示|代表|指|即",
    "ja": "はそれぞれ|をそれぞれ|は|を|が",
}
AND: Phrases = {
    "en": "and|&|,|or",
    "de": "und|sowie|bzw․|beziehungsweise",
    "fr": "et|ainsi que",
    "es": "y|e",
    "it": "e|ed",
    "pt": "e",
    "nl": "en",
    "ru": "и|а",
    "zh": "和|与|及|以及|、|，",
    "ja": "と|および|及び",
}
OF: Phrases = {
    "en": "of|over|for|on|in|from|across|between",
    "de": "von|über|der|des|zwischen",
    "fr": "de|des|du|d'|d’|entre",
    "es": "de|del|de los|de las|entre",
    "it": "di|del|della|dei|delle|degli|dell'|tra|fra",
    "pt": "de|do|da|dos|das|entre",
    "nl": "van|over",
    "ru": "по|от|между",
}
OWNED: Phrases = {
    "zh": "的",
    "ja": "の",
}
"""What stands behind the owner: *x 的均值*."""
BY: Phrases = {
    "en": "with respect to|w․r․t․|wrt|relative to|by|at",
    "de": "nach|bezüglich",
    "fr": "par rapport à|par rapport aux|selon",
    "es": "con respecto a|respecto a|respecto de",
    "it": "rispetto a|rispetto ad",
    "pt": "em relação a|com respeito a|em relação à",
    "nl": "naar|met betrekking tot",
    "ru": "по отношению к",
    "zh": "对|关于",
    "ja": "に関する|についての|による",
}

# -- words that change nothing ---------------------------------------------------------------------------------------

FILLER: Phrases = {
    "en": "the|an|a|here|where|let|respectively|its|their|this|that|these|simply|just|usual|corresponding|"
    "arithmetic|empirical|per feature|per channel|feature wise|vector|scalar|both|also|again|euclidean|"
    "so called|total|overall|we write|we denote|write|mini batch|minibatch|current",
    "de": "der|die|das|dem|den|ein|eine|einer|eines|hier|dabei|wobei|wo|jeweils|seine|ihre|deren|dessen|"
    "arithmetische[rn]?|empirische[rn]?",
    "fr": "le|la|les|l'|l’|un|une|où|ici|avec|respectivement|sa|son|leur|arithmétique|empirique",
    "es": "el|la|los|las|un|una|donde|aquí|respectivamente|su|sus|aritmética|empírica",
    "it": "il|lo|la|i|gli|le|l'|un|una|dove|qui|rispettivamente|sua|suo|aritmetica",
    "pt": "o|a|os|as|um|uma|onde|aqui|respectivamente|sua|seu|aritmética",
    "nl": "de|het|een|waar|waarbij|hier|respectievelijk|zijn|haar",
    "ru": "где|здесь|соответственно|его|их|арифметическое",
    "zh": "其中|这里|各自|该|所有|分别|，",
    "ja": "ここで|ただし|それぞれ|全|、",
}
NAMING: Phrases = {
    "en": "write|writing|denote|denoted|abbreviate|short for|shorthand for|stands? for|call",
    "de": "schreiben|schreibe|kurz für|kurz|bezeichnen|bezeichne|steht für",
    "fr": "note|notons|noté|notée|écrit|écrivons|désigne|désignons",
    "es": "escribimos|denotamos|denota|escribiremos|denotaremos|llamamos",
    "it": "scriviamo|scrive|indichiamo|denotiamo|chiamiamo",
    "pt": "escrevemos|denotamos|chamamos",
    "nl": "schrijven|noteren|noemen",
    "ru": "обозначим|обозначаем|обозначает|запишем|пишем",
    "zh": "记|简写|写作|写为|表示",
    "ja": "と書く|と表す|と置く|とおく",
}
"""Words that give a name to what is beside it."""
VALUES: Phrases = {
    "en": "values?|entries|elements|components|inputs?|data|units|classes|terms|numbers",
    "de": "werten?|einträgen?|eingaben|klassen|komponenten|elementen?",
    "fr": "valeurs?|entrées|classes|composantes",
    "es": "valor(?:es)?|entradas|clases|componentes",
    "it": "valor[ei]|ingressi|classi|componenti",
    "pt": "valor(?:es)?|entradas|classes|componentes",
    "nl": "waarden?|klassen",
    "ru": "значени[йея]|классов|элементов|входов",
    "zh": "值|类别|类|元素|输入",
    "ja": "値|クラス|要素|入力",
}
BATCH: Phrases = {
    "en": "batch|mini batch|minibatch|batches|samples?|examples?|data ?points?|observations?|instances?|"
    "training examples",
    "de": "batch|batches|minibatch|stichprobe|beispiele",
    "fr": "lot|batch|mini lot|exemples|échantillons",
    "es": "lote|mini lote|minilote|batch|ejemplos|muestras",
    "it": "batch|lotto|mini batch|campioni|esempi",
    "pt": "lote|batch|mini lote|minilote|exemplos|amostras",
    "nl": "batch|minibatch|voorbeelden",
    "ru": "батча|батчу|мини батча|пакета|выборки|примеров|выборке|мини батчу",
    "zh": "小批量|批次|批量|样本|批",
    "ja": "ミニバッチ|バッチ|サンプル",
}
FEATURES: Phrases = {
    "en": "features?|channels?|feature dimensions?|hidden units?|neurons?|dimensions?",
    "de": "merkmale?|kanäle",
    "fr": "caractéristiques|canaux",
    "es": "características|canales",
    "it": "caratteristiche|canali",
    "pt": "características|canais|atributos",
    "nl": "kenmerken|kanalen",
    "ru": "признаков|признакам|каналов",
    "zh": "特征|通道",
    "ja": "特徴量|特徴|チャネル",
}
ODD: Phrases = {
    "en": "running|moving|weighted|conditional|expected|log|initial|exponential|inverse|not|no|neither|zero|unit|"
    "population|sample|target mean|desired|prior|posterior|true|previous|last|geometric|harmonic|"
    "cumulative|other|than|normal|gaussian|distribution|distributed|drawn|density|likelihood",
    "de": "laufende[rn]?|gleitende[rn]?|gewichtete[rn]?|bedingte[rn]?|nicht|kein|keine",
    "fr": "mobile|glissante|pondérée|conditionnelle|pas",
    "es": "móvil|ponderada|condicional|no",
    "it": "mobile|ponderata|non",
    "pt": "móvel|ponderada|condicional|não",
    "nl": "lopend|gewogen|niet|geen",
    "ru": "скользящее|взвешенное|не",
    "zh": "滑动|移动|加权|不|全局",
    "ja": "移動|加重",
}
"""Words that make another thing of what stands behind them."""
EACH = frozenset(
    [
        "all",
        "both",
        "each",
        "alle",
        "beide",
        "jeweils",
        "sämtlich",
        "tous",
        "toutes",
        "todos",
        "todas",
        "tutti",
        "tutte",
    ]
)
"""Words in front of the space in which all names of a list lie."""
VECTORS = frozenset(["vector", "vektor", "vecteur", "vettore", "vetor", "вектор"])
"""Words for what has entries."""
UNBIASED: Phrases = {
    "en": "unbiased|bessel corrected",
    "de": "unverzerrte|erwartungstreue|korrigierte",
    "fr": "non biaisée|sans biais",
    "es": "insesgada",
    "it": "non distorta|corretta",
    "pt": "não viesada|imparcial",
    "nl": "zuivere",
    "ru": "несмещённая|несмещенная",
    "zh": "无偏",
    "ja": "不偏",
}

# -- what a name can be ----------------------------------------------------------------------------------------------

MEANINGS: Mapping[str, Phrases] = {
    "mean": {
        "en": "mean|means|average|averages|mean value|average value",
        "de": "mittelwert(?:e|s|es)?|mittel|durchschnitt(?:s|es)?",
        "fr": "moyennes?|valeur moyenne",
        "es": "medias?|promedios?|valor medio",
        "it": "medi[ae]|valore medio|valor medio",
        "pt": "médias?|valor médio",
        "nl": "gemiddelden?",
        "ru": "средн(?:ее|им|яя|ей|его) значени(?:е|я|ем)|средн(?:ее|им|яя|ей|его)|среднее арифметическое",
        "zh": "平均值|均值|平均",
        "ja": "平均値|平均",
    },
    "variance": {
        "en": "variances?|population variance|biased variance",
        "de": "varianz(?:en)?",
        "fr": "variances?",
        "es": "varianzas?",
        "it": "varianz[ae]",
        "pt": "variâncias?",
        "nl": "variantie",
        "ru": "дисперси(?:я|и|ю|ей)",
        "zh": "方差",
        "ja": "分散",
    },
    "statistic": {
        "en": "statistics?|(?:batch|layer|sample) statistics|sample variance|sample standard deviation|"
        "sample std|computed|calculated|estimated",
        "de": "statistik(?:en)?|berechnet|geschätzt|stichprobenvarianz",
        "fr": "statistiques?|calculée?s?|estimée?s?",
        "es": "estadístic[ao]s?|calculad[ao]s?",
        "it": "statistic[ah]e?|calcolat[aeio]",
        "pt": "estatísticas?|calculad[ao]s?",
        "nl": "berekend",
        "ru": "статистик[аи]|вычисля(?:ется|ются)",
        "zh": "统计量|计算得到",
        "ja": "統計量|計算される",
    },
    "deviation": {
        "en": "standard deviations?|std|stds|stddev|std dev|root of the variance|square root of the variance",
        "de": "standardabweichung(?:en)?|streuung",
        "fr": "écarts? types?",
        "es": "desviación(?:es)? estándar|desviación típica",
        "it": "deviazion[ei] standard|scarto quadratico medio",
        "pt": "desvios? padrão",
        "nl": "standaardafwijking(?:en)?|standaarddeviatie",
        "ru": "стандартн(?:ое|ым|ого) отклонени(?:е|я|ем)|среднеквадратичн(?:ое|ым) отклонени(?:е|ем)",
        "zh": "标准差",
        "ja": "標準偏差",
    },
    "mean square": {
        "en": "mean of squares|mean square|mean of the squares|average of squares|mean squared value",
        "de": "mittelwert der quadrate",
        "fr": "moyenne des carrés",
        "es": "media de los cuadrados",
        "it": "media dei quadrati",
        "pt": "média dos quadrados",
        "nl": "gemiddelde van de kwadraten",
        "ru": "среднее квадратов",
        "zh": "均方值|平方的均值",
        "ja": "二乗平均",
    },
    "root mean square": {
        "en": "root mean square|root of the mean square|rms|quadratic mean|root mean squared value",
        "de": "quadratische mittel|effektivwert",
        "fr": "moyenne quadratique",
        "es": "media cuadrática|valor cuadrático medio",
        "it": "media quadratica|valore quadratico medio",
        "pt": "média quadrática|valor quadrático médio",
        "nl": "kwadratisch gemiddelde",
        "ru": "среднеквадратичное значение|среднее квадратичное",
        "zh": "均方根",
        "ja": "二乗平均平方根",
    },
    "norm": {
        "en": "norm|l2 norm|2 norm|length of the vector|magnitude",
        "de": "norm|länge des vektors",
        "fr": "norme",
        "es": "norma",
        "it": "norma",
        "pt": "norma",
        "nl": "norm",
        "ru": "норма|нормой",
        "zh": "范数|模长",
        "ja": "ノルム",
    },
    "softmax": {
        "en": "softmax|softmax function|softmax output|softmax probabilities",
        "de": "softmax funktion",
        "zh": "softmax函数",
        "ru": "софтмакс",
    },
    "sigmoid": {
        "en": "sigmoid|sigmoid function|logistic function|logistic sigmoid|logistic sigmoid function|"
        "sigmoid activation|sigmoid activation function",
        "de": "sigmoid funktion|sigmoidfunktion|logistische funktion",
        "fr": "sigmoïde|fonction sigmoïde|fonction logistique",
        "es": "sigmoide|función sigmoide|función logística",
        "it": "sigmoide|funzione sigmoide|funzione logistica",
        "pt": "sigmoide|sigmóide|função sigmoide|função sigmóide|função logística",
        "nl": "sigmoïde|sigmoïdefunctie|logistische functie",
        "ru": "сигмоида|сигмоид|логистическая функция",
        "zh": "sigmoid函数|逻辑函数|sigmoid",
        "ja": "シグモイド関数|シグモイド",
    },
    "tanh": {
        "en": "hyperbolic tangent|tanh|tanh function",
        "de": "tangens hyperbolicus",
        "fr": "tangente hyperbolique",
        "es": "tangente hiperbólica",
        "it": "tangente iperbolica",
        "pt": "tangente hiperbólica",
        "ru": "гиперболический тангенс",
        "zh": "双曲正切",
        "ja": "双曲線正接",
    },
    "relu": {
        "en": "relu|relu function|rectifier|rectified linear unit",
    },
    "size": {
        "en": "batch size|mini batch size|size of the batch|size of the mini batch|number|size|length|dimension|"
        "dimensionality|count|total number",
        "de": "batchgröße|batch größe|größe|anzahl|zahl|länge|dimension",
        "fr": "taille du lot|taille|nombre|longueur|dimension",
        "es": "tamaño del lote|tamaño|número|longitud|dimensión|cantidad",
        "it": "dimensione del batch|numero|dimensione|lunghezza",
        "pt": "tamanho do lote|tamanho|número|comprimento|dimensão",
        "nl": "batchgrootte|grootte|aantal|lengte|dimensie",
        "ru": "размер батча|размер|число|количество|размерность|длина",
        "zh": "批量大小|批大小|批次大小|大小|数量|个数|总数|维度|长度|数目",
        "ja": "バッチサイズ|サイズ|数|個数|次元|長さ",
    },
    "gradient": {
        "en": "gradients?|derivatives?|partial derivatives?",
        "de": "gradient(?:en)?|ableitung(?:en)?",
        "fr": "gradients?|dérivées?",
        "es": "gradientes?|derivadas?",
        "it": "gradient[ei]|derivat[ae]",
        "pt": "gradientes?|derivadas?",
        "nl": "gradiënt(?:en)?|afgeleiden?",
        "ru": "градиент(?:ы|а|ом)?|производн(?:ая|ые|ую|ой)",
        "zh": "梯度|导数|偏导数",
        "ja": "勾配|微分",
    },
    "upstream": {
        "en": "upstream|upstream gradients?|incoming gradients?|incoming|upstream derivative|gradient from above|"
        "comes from above|coming from above|gradient from the layer above|backpropagated gradient|"
        "output gradients?",
        "de": "eingehende gradient|eingehender gradient|kommt von oben",
        "fr": "gradient amont|gradient entrant|vient d'en haut|gradient reçu",
        "es": "gradiente entrante|viene de arriba|gradiente que llega|gradiente de salida",
        "it": "gradiente a monte|gradiente entrante|arriva dall'alto",
        "pt": "gradiente que chega|gradiente recebido|vem de cima|gradiente de saída|gradiente a montante",
        "nl": "binnenkomende gradiënt|komt van boven",
        "ru": "входящий градиент|приходит сверху|градиент сверху",
        "zh": "上游梯度|上游传来的梯度|上层传来的梯度|上游的梯度|传来的梯度",
        "ja": "上流の勾配|上流からの勾配|上流勾配",
    },
    "dimensional": {
        "en": "dimensional|d vector",
        "de": "dimensionale[rn]?",
        "fr": "dimensionnel(?:le)?s?",
        "es": "dimensional(?:es)?",
        "it": "dimensional[ei]",
        "ru": "мерный вектор|мерные векторы",
        "zh": "维向量|维",
        "ja": "次元ベクトル",
    },
    "cross entropy": {
        "en": "cross entropy|cross entropy loss|crossentropy",
        "de": "kreuzentropie",
        "fr": "entropie croisée",
        "es": "entropía cruzada",
        "it": "entropia incrociata|cross entropia",
        "pt": "entropia cruzada",
        "nl": "kruisentropie",
        "ru": "кросс энтропия|перекрёстная энтропия|перекрестная энтропия",
        "zh": "交叉熵|交叉熵损失|交叉熵损失函数",
        "ja": "交差エントロピー|クロスエントロピー",
    },
    "squared error": {
        "en": "squared error|mean squared error|mse|square loss|squared loss|sum of squared errors|quadratic loss",
        "de": "quadratische fehler|quadratischer fehler",
        "fr": "erreur quadratique(?: moyenne)?",
        "es": "error cuadrático(?: medio)?",
        "it": "errore quadratico(?: medio)?",
        "pt": "erro quadrático(?: médio)?",
        "ru": "среднеквадратичная ошибка",
        "zh": "均方误差",
        "ja": "二乗誤差|平均二乗誤差",
    },
    "loss": {
        "en": "loss(?:'s)?|loss function|cost|cost function|objective|error",
        "de": "verlust(?:s|es)?|verlustfunktion|kostenfunktion|kosten|fehlers?",
        "fr": "perte|fonction de perte|coût|fonction de coût",
        "es": "pérdida|función de pérdida|costo|coste|función de costo",
        "it": "perdita|funzione di perdita|costo|funzione di costo",
        "pt": "perda|função de perda|custo|função de custo",
        "nl": "verlies|verliesfunctie|kosten|kostenfunctie",
        "ru": "потери|потерь|функция потерь|функции потерь|ошибка|ошибки",
        "zh": "损失|损失函数|代价函数",
        "ja": "損失|損失関数|誤差",
    },
    "shares": {
        "en": "(?:that |which )?(?:sums?|adds? up) to (?:one|1|unity)|(?:that |which )?sum up to (?:one|1)",
        "de": "(?:die )?sich zu (?:eins|1) (?:addieren|summieren)|(?:summieren|addieren) sich zu (?:eins|1)|"
        "(?:deren )?summe (?:ist )?(?:eins|1)(?: ist)?",
        "fr": "(?:qui )?somment à (?:un|1)|(?:dont la )?somme (?:vaut|est) (?:un|1)|de somme (?:un|1)",
        "es": "(?:que )?suman (?:uno|1)|cuya suma es (?:uno|1)",
        "it": "(?:che )?sommano a (?:uno|1)|la cui somma è (?:uno|1)",
        "pt": "(?:que )?somam (?:um|1)|cuja soma é (?:um|1)",
        "nl": "(?:die )?optellen tot (?:één|1)",
        "ru": "(?:которые )?в сумме дают (?:единицу|1)|сумма которых равна (?:единице|1)",
        "zh": "之和为1|总和为1|和为1|之和等于1",
        "ja": "合計が1になる|和が1",
    },
    "label": {
        "en": "(?:true |ground truth |correct |class |training )?(?:labels?|targets?)|ground truth|"
        "target values?|true values?|desired outputs?|expected outputs?",
        "de": "zielwerte?|label|labels|zielgrößen?|sollwerte?",
        "fr": "étiquettes?|cibles?|vraies? étiquettes?|valeurs? cibles?",
        "es": "etiquetas?|objetivos?|valor(?:es)? verdaderos?|salidas? deseadas?",
        "it": "etichett[ae]|obiettivi?|target",
        "pt": "rótulos?|alvos?|valor(?:es)? alvo|saídas? desejadas?",
        "nl": "labels?|doelwaarden?",
        "ru": "метк(?:а|и|ой)|целев(?:ое|ые) значени(?:е|я)",
        "zh": "标签|真实标签|真实值|目标值",
        "ja": "ラベル|正解ラベル|正解|教師データ|目標値",
    },
    "one hot": {
        "en": "one hot|one hot encoded|one hot vector|one hot encoding|one hot label",
        "de": "one hot kodiert|one hot vektor",
        "fr": "encodage one hot|vecteur one hot",
        "es": "codificación one hot|vector one hot",
        "zh": "独热向量|独热编码|one hot向量|独热",
        "ja": "ワンホットベクトル|one hotベクトル|ワンホット",
    },
    "parameter": {
        "en": "(?:learned|learnable|trainable|trained|model|affine|scale|shift|scaling|weight)? ?parameters?|"
        "weights?|bias|biases|learned|learnable|trainable|constants?",
        "de": "parameter|lernbare parameter|gewichte?|konstanten?",
        "fr": "paramètres?(?: appris| apprenables)?|poids|biais|constantes?",
        "es": "parámetros?(?: aprendidos| aprendibles)?|pesos?|sesgos?|constantes?",
        "it": "parametr[io](?: appresi)?|pes[io]|costant[ei]",
        "pt": "parâmetros?(?: aprendidos| aprendíveis)?|pesos?|viés|constantes?",
        "nl": "parameters?|leerbare parameters?|gewichten?|constanten?",
        "ru": "параметр(?:ы|ами|ом)?|обучаемые параметры|веса|константы?",
        "zh": "可学习参数|可学习的参数|参数|权重|偏置|常数",
        "ja": "パラメータ|学習可能なパラメータ|学習パラメータ|重み|バイアス|定数",
    },
}
"""What a name can be said to be."""


class Word(NamedTuple):
    """A word that the vocabulary knows: its kind (a letter of `KINDS`), what it means, and where it stands."""

    kind: str
    meaning: str
    start: int
    end: int


KINDS: Mapping[str, Phrases] = {
    "C": IS, "A": AND, "O": OF, "P": OWNED, "W": BY, "F": FILLER, "B": BATCH, "D": FEATURES, "V": VALUES, "X": ODD,
    "U": UNBIASED,
}  # fmt: skip
"""The kinds of words, by the letters that the forms of `derive.prose.grammar` are made of; ``M`` is a meaning."""


_WORD = re.compile(r"\w+|[^\w\s]")


@cache
def gives_name() -> re.Pattern[str]:
    """A word that gives a name to what is beside it, in any language."""
    return _any_of(NAMING)


@cache
def is_same() -> re.Pattern[str]:
    """*Is*, in any language."""
    return _any_of(IS)


def _any_of(phrases: Phrases) -> re.Pattern[str]:
    every = sorted((phrase for row in phrases.values() for phrase in _split(row)), key=len, reverse=True)
    return re.compile("|".join(map(_bounded, every)), re.IGNORECASE)


def words_in(text: str) -> Iterator[Word]:
    """The words of a text that mean something, from left to right, the longest first; others are of kind ``?``."""
    at = 0
    while (start := _WORD.search(text, at)) is not None:
        at = start.start()
        kinds, pattern = _phrases_from(text[at])
        found = pattern.match(text, at) or start
        kind, _, meaning = kinds[found.lastindex - 1].partition(":") if found.lastindex else ("?", "", "")
        yield Word(kind[0], meaning, *found.span())
        at = found.end()


@lru_cache(maxsize=1024)
def _phrases_from(letter: str) -> tuple[list[str], re.Pattern[str]]:
    """The phrases that may begin with a letter, as one pattern, with the kind of each: trying all a word is slow."""
    rows = [(phrase, kind) for phrase, kind in _rows() if _may_begin(phrase, letter)]
    return [kind for _, kind in rows], re.compile("|".join(f"({_bounded(phrase)})" for phrase, _ in rows), re.I)


def _may_begin(phrase: str, letter: str) -> bool:
    """Whether a phrase may begin with a letter; one that begins with a choice or with what may be missing may."""
    literal = phrase[0].isalnum() and phrase[1:2] not in ("?", "*")
    return not literal or re.fullmatch(phrase[0], letter, re.IGNORECASE) is not None


@cache
def _rows() -> list[tuple[str, str]]:
    """Every phrase with its kind, the longest first."""
    kinds = [*KINDS.items(), *((f"M:{meaning}", phrases) for meaning, phrases in MEANINGS.items())]
    rows = [(phrase, kind) for kind, phrases in kinds for row in phrases.values() for phrase in _split(row)]
    return sorted(rows, key=lambda row: (-len(row[0]), row[1][0] != "M"))


def _split(row: str) -> list[str]:
    """The alternatives of a row; a bar in brackets is part of one."""
    return re.split(r"\|(?![^(]*\))", row)


def _bounded(phrase: str) -> str:
    if re.search(r"[\u3000-\u9fff]", phrase):
        return phrase
    body = phrase.replace(" ?", "\0").replace(" ", r"[\s-]+").replace("\0", r"[\s-]?")
    before = r"(?<!\w)" if re.match(r"[\w(]", phrase) else ""
    after = r"(?!\w)" if re.search(r"[\w)?]$", phrase) else ""
    return before + body + after
