"""The rooms, compared with the table in the architecture: who may import whom, and what is shipped."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED = {"core", "prompts", "tools", "models", "agents", "graph"}
MAY_IMPORT = {
    "core": set[str](),
    "prompts": {"core"},
    "tools": {"core"},
    "models": {"core"},
    "agents": {"core", "prompts"},
    "graph": {"core", "prompts", "tools", "models", "agents"},
    "training": SHARED,
    "eval": SHARED,
    "serve": SHARED | {"training", "eval"},
    "cli": SHARED | {"training", "eval", "serve", "examples"},
    "examples": SHARED | {"training", "eval", "serve"},
}
HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "deepspeed", "inspect_ai", "ray"}
VAGUE = {"utils", "helpers", "common", "misc"}

ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")
FILES = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
PACKAGES = sorted(file.parent.relative_to(ROOT) for file in FILES if file.name == "__init__.py")


def imports_in(nodes: ast.AST, *, at_import: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import below a node; `at_import` leaves out those that importing the module does not run."""
    for node in ast.iter_child_nodes(nodes):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif at_import and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from imports_in(ast.Module(node.orelse, []), at_import=True)
        else:
            yield from imports_in(node, at_import=at_import)


def modules(source: str, *, at_import: bool = False) -> list[str]:
    """The dotted names that a module's text imports; a relative import keeps its dots."""
    named: list[str] = []
    for node in imports_in(ast.parse(source), at_import=at_import):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        else:
            start = "." * node.level + (node.module or "")
            named += [f"{start}.{alias.name}" for alias in node.names]
    return named


def of_file(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_the_walk_sees_every_way_to_import() -> None:
    source = "import a.b\nfrom c import d\nfrom . import e\ndef f():\n    import torch\nif X:\n    import g\n"
    assert modules(source) == ["a.b", "c.d", "..e", "torch", "g"]
    assert modules(source, at_import=True) == ["a.b", "c.d", "..e", "g"]
    assert modules("if TYPE_CHECKING:\n    import torch\nelse:\n    import h", at_import=True) == ["h"]


def test_every_room_is_in_the_table() -> None:
    assert set(ROOMS) <= MAY_IMPORT.keys()
    assert not SHARED - set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=of_file)
def test_imports_run_one_way(file: Path) -> None:
    room = file.relative_to(ROOT).parts[0]
    named = [module.split(".")[1] for module in modules(file.read_text()) if module.startswith("autoact.")]
    assert set(named) <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize("file", FILES, ids=of_file)
def test_imports_are_absolute_and_by_the_package(file: Path) -> None:
    named = modules(file.read_text())
    assert not [module for module in named if module.startswith(".")]
    assert not [module for module in named if module.split(".")[0] in ROOMS or module == "autoact"]


@pytest.mark.parametrize("file", FILES, ids=of_file)
def test_nothing_heavy_is_loaded_at_import(file: Path) -> None:
    named = modules(file.read_text(), at_import=True)
    assert not {module.split(".")[0] for module in named} & HEAVY


@pytest.mark.parametrize("file", FILES, ids=of_file)
def test_no_module_has_a_vague_name(file: Path) -> None:
    assert not {file.stem, *file.relative_to(ROOT).parts[:-1]} & VAGUE


def test_the_packages_are_the_folders_on_disk() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert sorted(setuptools["packages"]) == [f"autoact.{'.'.join(path.parts)}" for path in PACKAGES]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_typed_and_type_checkers_find_it(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()
    link = ROOT / ".types" / "autoact" / room
    assert link.is_symlink()
    assert str(link.readlink()) == f"../../{room}"


def test_no_folder_shadows_the_installed_package() -> None:
    assert not (ROOT / "autoact").exists()
