"""A team whose words or tools have changed is refused with one line; other versions are only told."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from autoact.core.errors import RunError
from autoact.core.records import Provenance, Team, to_json
from autoact.core.store import read_json, write_json
from autoact.graph.provenance import differences
from autoact.graph.run_folder import META, open_run
from autoact.models.scripted import ScriptedChatModel
from autoact.prompts.fingerprint import CHAT, prompt_hashes
from autoact.tools.fingerprint import card_hashes
from autoact.tools.library import build_tools

SERVER = "http://127.0.0.1:9/v1"
TEAM = Team("seed", "ab12", {"plan": "adapters/plan"}, ("Calculator",), "Sums")


def finished(folder: Path, **provenance: object) -> Path:
    """A run folder whose team notes this."""
    task = {
        "name": "Sums",
        "description": "Add.",
        "model": "openai:meta",
        "tools": ["Calculator"],
        "examples": [{"question": "1 + 1?", "answer": "2"}],
    }
    write_json(folder / "task.json", {"task": task, "file": str(folder / "task.yaml")})
    team = replace(TEAM, provenance=Provenance(**provenance))  # type: ignore[arg-type]
    write_json(folder / "team.json", to_json(team))
    return folder


def test_a_team_that_notes_what_is_there_is_opened_and_set_up(tmp_path: Path) -> None:
    cards = card_hashes(build_tools(("Calculator",), None))
    run = open_run(finished(tmp_path, prompts=prompt_hashes(), tools=cards), SERVER)
    assert [tool.name for tool in run.setup().tools] == ["Calculator"]


@pytest.mark.parametrize(("name", "said"), [("reflect", "the prompt reflect"), (CHAT, "the form of the chat")])
@pytest.mark.parametrize("endpoint", ["", SERVER])
def test_another_prompt_is_refused_wherever_the_team_is_served(
    name: str, said: str, endpoint: str, tmp_path: Path
) -> None:
    run = finished(tmp_path, prompts={name: "0"}, packages={"langgraph-autoact": "9.9"})
    with pytest.raises(RunError) as refused:
        open_run(run, endpoint)
    assert str(refused.value) == (
        f"{run}: {said} is not as it was when this team was trained; use autoact 9.9, or learn again"
    )


def test_a_tool_that_says_something_else_is_refused_also_at_an_endpoint(tmp_path: Path) -> None:
    run = open_run(finished(tmp_path, tools={"Calculator": "0"}), SERVER)
    with pytest.raises(RunError, match="what the tool Calculator says of itself is not what this team was trained on"):
        run.setup()


def test_the_meta_agent_was_trained_on_no_tool(tmp_path: Path) -> None:
    run = open_run(finished(tmp_path, tools={"Calculator": "0"}))
    assert run.setup(META, models=ScriptedChatModel(replies=["x"])).tools


def test_a_team_of_an_older_version_notes_nothing_and_is_opened(tmp_path: Path) -> None:
    path = finished(tmp_path) / "team.json"
    write_json(path, {name: value for name, value in read_json(path).items() if name != "provenance"})
    run = open_run(tmp_path, SERVER)
    assert run.team.provenance == Provenance()
    assert run.setup().tools
    assert differences(tmp_path, run.team) == []


def test_differences_that_are_no_reason_to_refuse_are_told(tmp_path: Path) -> None:
    (tmp_path / "kept.jsonl").write_text("{}\n", "utf-8")
    noted = Provenance(
        prompts=prompt_hashes() | {"retry": "0"},
        packages={"torch": "0.1", "no-such-package": "1.0"},
        data={"kept.jsonl": hashlib.sha256(b"{}\n").hexdigest(), "tools.json": "0", "task.json": "0"},
    )
    (tmp_path / "task.json").write_text("{}", "utf-8")
    prompt, torch, package, gone, other = differences(tmp_path, replace(TEAM, provenance=noted))
    assert prompt == "prompt retry: another text"
    assert torch.endswith(", trained with 0.1")
    assert package == "no-such-package is not installed, trained with 1.0"
    assert (gone, other) == ("tools.json is gone", "task.json has changed")
