"""Formulas put into the form that is read: each module knows one way of writing and takes it out of a document.

To have another way of writing understood, add a module with a function that takes syntax trees and returns others, and
call it in `derive.notation.equations` (formula by formula) or `derive.problem.reader` (all of a document together).
"""
