"""The commands of the command line, one module each.

A command has ``add``, which describes its arguments to argparse, and a function that runs it and returns the exit
status. Everything heavy is imported when a command runs, so that ``derive --help`` loads neither SymPy nor NumPy.
"""

from __future__ import annotations

from derive.commands import check, completion, explain, kernel, layers, prove, steps
from derive.commands.version import version

ALL = (check, prove, explain, steps, kernel, layers, completion)

__all__ = ["ALL", "version"]
