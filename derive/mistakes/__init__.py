"""Named mistakes: what people do wrong in gradients, and how to see that somebody did.

`table` lists them. A mistake is either a *variant* of the true derivation that gives the author's right side, or an
*edit* of the author's right side that makes it true. `search` compares candidates with numbers first and lets the
normal form decide; a mistake is named only if it explains the line exactly.
"""
