"""Results as people meet them in a session: they print as the report, and notebooks typeset them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from derive.checking import Checked

if TYPE_CHECKING:
    from derive.report.notebook import Bundle

WIDTH = 100


class Report(Checked):
    """A checked document that shows itself: printed as text, in a notebook with its mathematics typeset."""

    @classmethod
    def of(cls, checked: Checked) -> Report:
        """The same document with the same verdicts."""
        return cls(**{field.name: getattr(checked, field.name) for field in fields(checked)})

    def __str__(self) -> str:
        from derive.report.text import TextReport

        return TextReport(WIDTH).render(self)

    def __repr__(self) -> str:
        from derive.report.wording import tally

        return f"<Report of {self.document.path}: {tally(self.statements)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Bundle:
        from derive.report.notebook import bundle

        return bundle(self)
