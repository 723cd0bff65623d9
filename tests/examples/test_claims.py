"""What README says of the demo, measured on a whole run of it; minutes, so `make test-long` runs it."""

from __future__ import annotations

import pytest

from autoact.core.progress import Silent
from autoact.core.task import load_task
from autoact.eval.benchmark import load_benchmark
from autoact.eval.evaluate import Options, evaluate_methods
from autoact.eval.methods import choose_methods
from autoact.examples.atlas.atlas import FOLDER
from autoact.graph.run_folder import RunFolder, open_run
from autoact.models.weights import model_hash
from autoact.training.learn import learn

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Atlas, learned as the task file says; the base is hashed before."""
    before = model_hash(FOLDER / "seed")
    folder = tmp_path_factory.mktemp("atlas") / "run"
    learn(load_task(FOLDER / "task.yaml"), folder, Silent())
    assert model_hash(FOLDER / "seed") == before
    return open_run(folder)


def test_as_many_trajectories_are_kept_as_may_be(run: RunFolder) -> None:
    assert run.report()["trajectories"]["kept"] == run.task.learn.max_kept


def test_on_held_out_verdicts_the_reflect_adapter_beats_the_others_and_the_base(run: RunFolder) -> None:
    losses = run.report()["held_out_losses"]["reflect"]
    assert losses["reflect"] < min(loss for speaker, loss in losses.items() if speaker != "reflect"), losses


def test_the_base_weights_do_not_move(run: RunFolder) -> None:
    assert run.team.base_hash == model_hash(FOLDER / "seed")


def test_the_team_is_far_above_the_meta_agent_on_the_dev_split(run: RunFolder) -> None:
    benchmark = load_benchmark("atlas", run.task, "dev")
    methods = choose_methods("zero-shot,autoact", run.teams()).methods
    report = evaluate_methods(run, benchmark, methods, Silent(), Options()).to_json()
    rewards = {entry["method"]: entry for entry in report["methods"]}
    assert rewards["autoact"]["difference"]["mean"] >= 0.4
