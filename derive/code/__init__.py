"""Hand-written forward and backward code: proved for every size, or refuted.

Source is read, never executed or imported. How a file becomes verdicts::

    source -> pairs -> interpreter over symbolic arrays -> judgement -> crosscheck -> report

The crosscheck runs the same pair in `concrete`, a second interpreter: of the first it shares
only the finding of pairs.
"""
