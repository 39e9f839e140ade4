"""The house is in order: each module imports only from the stages before it, and nothing that could fool a reader."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "derive"

# The stages in order; a module may import from its own stage's package and from those before it.
STAGES = [
    "source", "latex", "repair", "document", "library", "limits", "caches",
    "language", "primitives", "forward", "opaque", "declared", "building", "gradient", "normal", "coordinates",
    "layout", "closed", "steps",
    "probe",
    "court", "prose", "notation", "problem", "meanings", "doubts", "unsaid", "rounding", "verdict", "neighbours",
    "typeset", "plain", "exposition", "extension", "pushforward",
    "mistakes", "misfits", "numeric", "terms", "checking", "code", "patches", "kernels", "hints",
    "mathml", "report", "results", "model", "api", "equality",
    "jupyter", "pytest_plugin", "commands", "cli",
]  # fmt: skip


def stage(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> list[str]:
    """The derive modules that a file imports, wherever in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module)
    return [
        f"{node.module}.{alias.name}" for node in nodes if node.module.split(".")[0] == "derive" for alias in node.names
    ]


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__main__.py" and p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_backwards_only(path: Path) -> None:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    assert own in STAGES, f"{own} has no place in the order of stages"
    for module in imports(path):
        target = stage(module)
        if not target:
            continue
        assert STAGES.index(target) <= STAGES.index(own), f"{own} imports {target}, a later stage"


@pytest.mark.parametrize("package", ["latex", "repair", "document", "prose", "notation", "problem", "report"])
def test_no_modules_of_a_package_import_each_other_in_a_circle(package: str) -> None:
    files = [path for path in FILES if path.is_relative_to(PACKAGE / package)]
    names = {path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files}
    uses = {name.removesuffix(".__init__"): _used(path, set(names.values())) for path, name in names.items()}
    while ready := {name for name, used in uses.items() if not used & uses.keys()}:
        uses = {name: used for name, used in uses.items() if name not in ready}
    assert not uses


def _used(path: Path, modules: set[str]) -> set[str]:
    """The modules that a file imports: ``a.b`` for a name in it, ``a.b.c`` where that is a module."""
    found = imports(path)
    return {module if module in modules else module.rpartition(".")[0] for module in found}


def test_the_second_judge_shares_no_derivative_or_normal_form_with_the_first() -> None:
    for path in (PACKAGE / "probe").glob("*.py"):
        assert not {stage(m) for m in imports(path)} & {"gradient", "normal", "closed"}


def test_the_concrete_interpreter_of_code_shares_only_the_pairs_with_the_symbolic_one() -> None:
    for path in (PACKAGE / "code" / "concrete").rglob("*.py"):
        for module in imports(path):
            assert module.startswith(("derive.code.concrete", "derive.code.pairs")), f"{path.name} imports {module}"


def test_reports_compute_nothing() -> None:
    for path in (PACKAGE / "report").glob("*.py"):
        assert not {stage(m) for m in imports(path)} & {"gradient", "normal", "closed", "probe", "verdict", "notation"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_in_a_document_can_run(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not calls & {"eval", "exec", "compile", "__import__"}
    names = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    assert not names & {"loads_pickle", "unpickle"}
    for handler in (n for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler)):
        assert handler.type is not None, "a bare except"
        assert not (isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException"))


def test_the_version_is_one() -> None:
    import tomllib

    data = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert data["project"]["name"] == "derivecheck"
    assert data["project"]["version"].count(".") == 2
