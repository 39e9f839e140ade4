"""Words: what the sentences of a document say of its names.

*Here $\\mu$ is the mean of $x$* defines a name as well as a display does. ``sentences`` cuts the text between the
formulas into sentences, ``names`` finds the names in them, ``vocabulary`` holds what words mean (a table, by language),
``grammar`` the few forms of a sentence that say what a name is. What comes out is a list of `Saying`; what it means for
the forward pass is not decided here.
"""

from derive.prose.grammar import Saying, sayings
from derive.prose.names import listed
from derive.prose.sentences import Sentence, is_sign, sentences

__all__ = ["Saying", "Sentence", "is_sign", "listed", "sayings", "sentences"]
