"""A method's graphs share its models, search what their question may, and give the models back at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoact.core.task import check_task
from autoact.eval.benchmark import load_benchmark
from autoact.eval.method_graphs import method_graphs
from autoact.eval.methods import METHODS
from autoact.eval.trial_folder import Trial, trial_of
from autoact.graph.run_folder import RunFolder

SEED = Path(__file__).parents[2] / "examples" / "atlas" / "seed"
ZERO_SHOT = next(method for method in METHODS if method.id == "zero-shot")


@pytest.fixture
def local(run: RunFolder) -> RunFolder:
    """The run, with a model that is really there."""
    data = run.task.model_dump(mode="json") | {"model": f"transformers:{SEED}"}
    return replace(run, task=check_task(data, run.task.file))


def trial(run: RunFolder, **corpora: Path) -> Trial:
    return trial_of(run, replace(load_benchmark("toy", run.task), corpora=corpora))


def page_of(path: Path, title: str) -> Path:
    path.write_text(f'{{"title": "{title}", "text": "{title} is a city."}}\n', "utf-8")
    return path


def test_one_graph_serves_every_question(local: RunFolder) -> None:
    with method_graphs(ZERO_SHOT, local, trial(local)) as graph_of:
        assert graph_of("peru") is graph_of("cuba")


def test_a_question_with_paragraphs_of_its_own_has_a_graph_of_its_own(local: RunFolder, tmp_path: Path) -> None:
    lima, cusco = (page_of(tmp_path / f"{name}.jsonl", name) for name in ("Lima", "Cusco"))
    with method_graphs(ZERO_SHOT, local, trial(local, peru=lima, cuba=cusco)) as graph_of:
        assert graph_of("peru") is not graph_of("cuba")
        assert graph_of("chad") is graph_of("chad")


def test_models_are_given_back(local: RunFolder) -> None:
    with method_graphs(ZERO_SHOT, local, trial(local)) as graph_of:
        planner = graph_of("peru")
    state = planner.invoke({"question": "What is the capital of Peru?"})
    assert (state["status"], state["down"]) == ("error", True)
    assert "EngineClosed" in state["error"]
