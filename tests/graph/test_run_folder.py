"""A run folder that cannot be opened says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import RunError
from autoact.core.records import Demonstration, Question, Team, to_json
from autoact.core.store import write_json
from autoact.graph.run_folder import corpus_of, open_run, read_task

TASK: dict[str, Any] = {
    "name": "Atlas",
    "description": "Countries.",
    "model": "openai:meta",
    "tools": ["Search"],
    "corpus": "corpus.jsonl",
    "examples": [{"question": "q", "answer": "a"}],
    "learn": {"max_steps": 6, "max_reflections": 1, "max_tokens": 99, "constrain": True},
}
TEAM = Team("seed", "ab12", {"plan": "adapters/plan"}, ("Search",), "Atlas")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run's folder."""
    write_json(tmp_path / "task.json", {"task": TASK, "file": "/tasks/task.yaml"})
    write_json(tmp_path / "team.json", to_json(TEAM))
    write_json(tmp_path / "report.json", {"kept": 5})
    return tmp_path


def test_a_finished_run_is_opened(run: Path) -> None:
    opened = open_run(run)
    assert (opened.team, opened.tools, opened.report()) == (TEAM, ("Search",), {"kept": 5})
    assert corpus_of(opened.task) == Path("/tasks/corpus.jsonl")


def test_a_run_is_played_greedily_within_the_tasks_budgets(run: Path) -> None:
    settings = open_run(run).settings()
    assert (settings.max_steps, settings.max_reflections, settings.max_tokens) == (6, 1, 99)
    assert (settings.temperature, settings.reflect, settings.constrain) == (0.0, True, True)


def test_a_run_that_is_not_finished_says_how_to_go_on(run: Path) -> None:
    (run / "team.json").unlink()
    with pytest.raises(RunError, match="is not finished; run the same `autoact learn` command again"):
        open_run(run)


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"task\.json does not exist; is .* a run folder"):
        open_run(tmp_path)


@pytest.mark.parametrize(
    "task", [[], {}, {"task": 5, "file": "/task.yaml"}, {"task": TASK | {"tools": []}, "file": "/task.yaml"}]
)
def test_a_broken_task_is_named(run: Path, task: Any) -> None:
    write_json(run / "task.json", task)
    with pytest.raises(RunError, match=r"task\.json is not a task"):
        read_task(run)


@pytest.mark.parametrize("team", [[], {}, to_json(TEAM) | {"tools": "Search"}, None])
def test_a_broken_team_is_named(run: Path, team: Any) -> None:
    write_json(run / "team.json", team)
    with pytest.raises(RunError, match=r"team\.json is not a Team"):
        open_run(run)


def test_teams_for_comparison_are_found_by_name(run: Path) -> None:
    assert open_run(run).teams() == ()
    other = Team("seed", "ab12", {"plan": "adapters/all"}, ("Search",), "Atlas")
    write_json(run / "teams" / "one-agent" / "team.json", to_json(other))
    assert (open_run(run).teams(), open_run(run).team_of("one-agent")) == (("one-agent",), other)
    with pytest.raises(RunError, match=r"fireact/team\.json does not exist"):
        open_run(run).team_of("fireact")


def test_a_setup_searches_another_corpus_and_shows_demonstrations(run: Path, tmp_path: Path) -> None:
    pages = tmp_path / "pages.jsonl"
    pages.write_text('{"title": "Lima", "text": "Lima is a city."}\n', "utf-8")
    shot = Demonstration(Question("Of Japan?"), "yen", ())
    setup = replace(open_run(run), endpoint="http://127.0.0.1:9/v1").setup(corpus=pages, shots=[shot])
    assert "Lima is a city." in setup.tools[0].invoke({"query": "city"})
    assert setup.brief(setup.defaults).shots == (shot,)
