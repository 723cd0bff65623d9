"""A finished team says what it was made of, and is refused when that is no longer so."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import RunError
from autoact.core.progress import Silent
from autoact.graph.provenance import differences
from autoact.graph.run_folder import open_run
from autoact.models.weights import template_hash
from autoact.training.teams import train_teams


@pytest.fixture
def run(learned: Any, tmp_path: Path) -> Path:
    """A copy of the toy run."""
    return Path(shutil.copytree(learned.path, tmp_path / "run"))


def test_a_team_notes_what_it_was_made_of(learned: Any, town: Any) -> None:
    made = learned.team.provenance
    assert made.template == template_hash(town.SEED)
    assert made.tools.keys() == {"Retrieve", "Finish"}
    assert made.origins["Retrieve"].endswith(", corpus")
    assert made.adapters.keys() == set(learned.team.adapters.values())
    assert made.seeds == {"run": 0}
    assert {"python", "torch", "transformers", "peft", "trl", "langgraph-autoact"} <= made.packages.keys()
    assert made.metrics["kept"] > 0
    assert made.metrics["held_out_losses"].keys() == {"plan", "tool", "reflect"}


def test_the_data_is_named_by_file_and_hash(learned: Any) -> None:
    data = learned.team.provenance.data
    rounds = {f"rounds/00/{name}.jsonl" for name in ("trajectories", "kept", "plan", "tool", "reflect")}
    assert {"instruct.jsonl", "questions.jsonl", "tools.json", *rounds} <= data.keys()
    for name, noted in data.items():
        assert hashlib.sha256((learned.path / name).read_bytes()).hexdigest() == noted


def test_a_team_is_opened_where_nothing_has_changed(learned: Any) -> None:
    opened = open_run(learned.path)
    assert opened.team == learned.team
    assert differences(learned.path, opened.team) == []


def test_data_that_was_changed_later_is_told(run: Path) -> None:
    with (run / "rounds/00/kept.jsonl").open("a") as file:
        file.write("\n")
    assert differences(run, open_run(run).team) == ["rounds/00/kept.jsonl has changed"]


@pytest.mark.parametrize("file", ["adapter_model.safetensors", "adapter_config.json"])
def test_an_adapter_that_is_not_the_trained_one_is_refused(file: str, run: Path) -> None:
    opened = open_run(run)
    path = run / opened.team.adapters["plan"] / file
    if path.suffix == ".json":
        path.write_text(json.dumps(json.loads(path.read_text()) | {"lora_alpha": 999}))
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(RunError, match=r"of role 'plan' is not the one that was trained: its files have changed; "):
        opened.planner()


def test_a_base_with_another_chat_template_is_refused_as_such(run: Path, town: Any, tmp_path: Path) -> None:
    base = shutil.copytree(town.SEED, tmp_path / "seed")
    team = json.loads((run / "team.json").read_text())
    (run / "team.json").write_text(json.dumps(team | {"base": str(base)}))
    template = base / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    with pytest.raises(RunError, match=f"the chat template of {base} is not the one this team was trained with"):
        open_run(run).planner()


def test_a_team_for_comparison_notes_its_own_adapters_and_data(run: Path) -> None:
    (team,) = train_teams(open_run(run), ["fireact"], Silent())
    made = open_run(run).team_of("fireact").provenance
    assert made == team.team.provenance
    assert made.adapters.keys() == set(team.team.adapters.values())
    assert "teams/fireact/fireact.jsonl" in made.data
    assert made.metrics == {}
