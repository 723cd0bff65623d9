"""A run that was learned is pushed to a hub, and what arrived answers as the run does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from autoact.core.records import Team
from autoact.core.store import read_record
from autoact.graph.group import group_planning
from autoact.graph.run_folder import open_run
from autoact.models.load import close_model
from autoact.models.team import team_models
from autoact.tools.toolbox import chosen_tools
from tests.cli.loopback_hub import TOKEN, LoopbackHub


def pushed(run: Path, folder: Path) -> Path:
    """Where the files lie that a hub has received of a run."""
    hub = LoopbackHub()
    ours = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(folder), "HF_TOKEN": TOKEN}
    command = [sys.executable, "-c", "from autoact.cli.main import app; app()", "push", str(run), "me/towns"]
    try:
        done = subprocess.run(command, env={**os.environ, **ours}, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()
        for name, content in hub.files["me/towns"].items():
            path = folder / "team" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    finally:
        hub.close()
    return folder / "team"


def test_a_pushed_team_answers_as_the_run_does(learned: Any, town: Any, tmp_path: Path) -> None:
    folder = pushed(learned.path, tmp_path)
    (folder / "seed").symlink_to(town.SEED)
    team = read_record(folder / "team.json", Team)
    assert (team.base, team.base_hash) == ("seed", learned.team.base_hash)
    for path in learned.team.adapters.values():
        name = f"{path}/adapter_model.safetensors"
        assert (folder / name).read_bytes() == (learned.path / name).read_bytes()
    run = open_run(learned.path)
    models = team_models(team, folder)
    theirs = group_planning(models, chosen_tools(run.task, team.tools), run.task.description).compile()
    asked: Any = {"question": f"Who is the mayor of {town.TOWNS[3]}?"}
    said = [graph.invoke(asked, context=run.settings())["steps"] for graph in (run.planner(), theirs)]
    without_times = [[{k: v for k, v in step.items() if k != "seconds"} for step in steps] for steps in said]
    assert without_times[0] == without_times[1]
    close_model(models["meta"])
