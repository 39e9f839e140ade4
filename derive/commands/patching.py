"""``derive check --diff`` and ``--fix-it``: what refuted lines should be, as a patch or in the files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from derive.commands.output import write

if TYPE_CHECKING:
    from derive.checking import Checked
    from derive.patches import Patch


def mend(documents: Sequence[Checked], options: argparse.Namespace) -> bool:
    """Print the patch, or change the files; what is done and what is left is said on standard error.

    Returns:
        whether files were changed, so that they have to be checked again.
    """
    from derive.document import DocumentError
    from derive.patches import patches
    from derive.patches import write as write_file

    found = patches(documents, options.timeout)
    if options.diff:
        write("".join(patch.diff() for patch in found), options.output)
    changed = False
    for patch in found:
        if options.fix_it and patch.mended:
            try:
                write_file(patch)
            except DocumentError as error:
                print(f"derive: {error}", file=sys.stderr)
                continue
            changed = True
        for line in _said(patch, options.fix_it):
            print(line, file=sys.stderr)
    return changed or not options.diff


def _said(patch: Patch, is_written: bool) -> list[str]:
    """What became of each line at fault."""
    from derive.report.wording import fixed_line, place

    verb = "mended" if is_written else "proved with the change"
    lines = [f"{patch.path}: {place(s)}: {verb}" for s in patch.mended]
    for statement in patch.left:
        said = "derive found no edit that it could prove"
        if statement.fix is not None and statement.source.cell is not None:
            said = f"should be {fixed_line(statement)} (notebooks are not edited)"
        lines.append(f"{patch.path}: {place(statement)}: {said}")
    return lines
