"""Runs the notebooks from their Markdown pair and writes them: ``python notebooks/render.py``.

What is written holds no trace of the computer: no times of execution, no versions, and cells numbered instead of named
by chance.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent
NAMES = ("walkthrough", "your_own_layer")
SECONDS = 120  # for one cell


def read(name: str) -> NotebookNode:
    """A notebook without outputs, from its Markdown pair."""
    notebook = jupytext.read(FOLDER / f"{name}.md")
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = f"cell-{number:02}"
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def execute(notebook: NotebookNode) -> NotebookNode:
    """Run all cells in the folder of the notebooks. Raises `nbclient.exceptions.CellExecutionError`."""
    client = NotebookClient(
        notebook, timeout=SECONDS, record_timing=False, resources={"metadata": {"path": str(FOLDER)}}
    )
    return client.execute()


def stripped(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what tells of the computer that ran it."""
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def main(names: list[str]) -> None:
    for name in names or NAMES:
        path = FOLDER / f"{name}.ipynb"
        nbformat.write(read(name), path)  # a notebook may read itself
        nbformat.write(stripped(execute(read(name))), path)
        print(f"notebooks/{name}.ipynb")


if __name__ == "__main__":
    main(sys.argv[1:])
