"""From a built wheel, in an empty directory: the example is written out, learned, asked and evaluated."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from autoact.core.records import ROLES

ROOT = Path(__file__).parents[2]
SHORT = {"questions": 24, "samples": 2, "epochs": 1, "min_kept": 4, "max_rounds": 2, "prompts_per_round": 8}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy of what git tracks so that no build leftovers come in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in names.stdout.splitlines():
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `autoact` command of an environment that has the wheel, and this one's dependencies beside it."""
    home = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    site = next((home / "lib").glob("python*")) / "site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    subprocess.run(
        [str(home / "bin" / "pip"), "install", "-q", "--no-deps", str(wheel)], check=True, capture_output=True
    )
    return home / "bin" / "autoact"


def run(command: Path, *words: str, cwd: Path) -> str:
    done = subprocess.run([str(command), *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_example_the_templates_and_the_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        f"autoact/examples/atlas/{n}" for n in ("task.yaml", "corpus.jsonl", "dev.jsonl", "seed/model.safetensors")
    } <= names
    assert {f"autoact/examples/atlas_choice/{n}" for n in ("task.yaml", "dev.jsonl", "test.jsonl")} <= names
    assert {
        "autoact/cli/templates/learning.html",
        "autoact/cli/templates/model_card.md",
        "autoact/prompts/templates/system.txt",
        "autoact/models/minimal.jinja",
        "autoact/core/py.typed",
    } <= names
    assert not [name for name in names if "/tests/" in name or name.endswith((".bin", ".pkl"))]


def test_the_same_commands_run_from_the_wheel_in_an_empty_directory(installed: Path, tmp_path: Path) -> None:
    run(installed, "example", "atlas", "here", cwd=tmp_path)
    settings = [word for name, value in SHORT.items() for word in ("--set", f"{name}={value}")]
    run(installed, "learn", "here/task.yaml", "--out", "run", *settings, cwd=tmp_path)
    team = json.loads((tmp_path / "run" / "team.json").read_text())
    assert set(team["adapters"]) == set(ROLES)
    asked = json.loads(run(installed, "ask", "run", "What is the currency of Austria?", "--json", cwd=tmp_path))
    wrote = {name for step in asked["steps"] for name in step["wrote"].values()}
    assert wrote <= {Path(path).name for path in team["adapters"].values()}
    words = (
        "eval",
        "run",
        "--benchmark",
        "atlas",
        "--limit",
        "6",
        "--methods",
        "zero-shot,autoact",
        "--json",
    )
    methods = json.loads(run(installed, *words, cwd=tmp_path))["methods"]
    assert {entry["method"] for entry in methods} == {"zero-shot", "autoact"}
    assert all(0 <= entry["reward"] <= 1 for entry in methods)
