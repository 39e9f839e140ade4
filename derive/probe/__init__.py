"""The second judge: evaluates both sides of a claim, as the author wrote them, at a concrete size and
concrete data.

It shares no code with the symbolic derivatives or the normal form. Numbers refute a claim, certified by
interval arithmetic; they never prove one.
"""
