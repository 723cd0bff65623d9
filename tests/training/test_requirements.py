"""What cannot be trained is said before anything is played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import ModelError, TaskError
from autoact.core.learning import LearnConfig
from autoact.core.progress import Silent
from autoact.training.learn import learn
from autoact.training.requirements import require_packages, require_targets


def test_modules_that_the_model_has_can_be_adapted(town: Any) -> None:
    require_targets(town.SEED, ("q_proj", "v_proj"))


def test_a_module_that_the_model_lacks_is_named_with_those_it_has(town: Any) -> None:
    with pytest.raises(ModelError, match=r"lora_targets: .* no module called c_attn; it has .*q_proj"):
        require_targets(town.SEED, ("c_attn",))


def test_an_unknown_tool_leaves_nothing_behind(town: Any, tmp_path: Path) -> None:
    task = town.town_task(tmp_path).model_copy(update={"tools": ("Teleport",)})
    with pytest.raises(TaskError, match=r"task\.yaml: tools: Teleport is not in the library"):
        learn(task, tmp_path / "run", Silent(), town.meta_agent())
    assert not (tmp_path / "run").exists()


def test_an_endpoint_that_refuses_is_named_and_the_same_folder_goes_on_at_another(town: Any, tmp_path: Path) -> None:
    from autoact.core.errors import EndpointError

    task = town.town_task(tmp_path, prompts_per_round=1)
    gone = task.model_copy(update={"model": "openai:gone", "endpoint": "http://127.0.0.1:1/v1"})
    with pytest.raises(EndpointError, match="openai:gone does not answer"):
        learn(gone, tmp_path / "run", Silent())
    moved = gone.model_copy(update={"endpoint": "http://127.0.0.1:2/v1"})
    assert moved.fingerprint() == gone.fingerprint()


def test_all_linear_stands_alone(town: Any) -> None:
    require_targets(town.SEED, ("all-linear",))
    with pytest.raises(ModelError, match="all-linear stands for all modules; name it alone"):
        require_targets(town.SEED, ("all-linear", "q_proj"))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wandb", "learn.report_to needs wandb: pip install wandb"),
        ("pigeon", "pigeon is unknown; choose none, azure_ml"),
    ],
)
def test_where_training_cannot_be_reported_to_is_named(name: str, says: str) -> None:
    require_packages(LearnConfig())
    with pytest.raises(ModelError, match=says):
        require_packages(LearnConfig(report_to=name))
