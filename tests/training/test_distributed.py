"""One adapter trained by two processes equals the one of a single process, however the work is divided."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import ModelError, RunError
from autoact.core.learning import LearnConfig
from autoact.core.records import Example, Message
from autoact.training.distributed import FILES, World, deepspeed_file, share, stage_of, world
from autoact.training.launch import train_on_gpus
from autoact.training.requirements import require_packages
from autoact.training.sft import Adapter, train_adapter

CONFIG = LearnConfig(batch_size=4, epochs=2, learning_rate=1e-2, lora_dropout=0.0, early_stopping=0)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    tiny = runpy.run_path(str(Path(__file__).parents[1] / "tiny_llama.py"))
    return str(tiny["make_home"](tmp_path_factory.mktemp("tiny")) / "base")


@pytest.fixture(scope="module")
def alone(base: str, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    return train_adapter("plan", base, some_examples(), CONFIG, tmp_path_factory.mktemp("alone"))


def some_examples() -> list[Example]:
    """Of differing lengths: three full batches, and three held out, which two processes cannot share evenly."""
    return [
        Example(
            f"q{n}/0",
            "plan",
            (
                Message("user", f"What is {n}?" * (n % 4 + 1)),
                Message("assistant", f"Thought: {n}.\nAction: Look", learn=True),
                Message("user", "Observation: nothing."),
                Message("assistant", "Thought: so be it.\nAction: Finish", learn=n % 2 == 0),
            ),
            held_out=n % 5 == 4,
        )
        for n in range(15)
    ]


def weights(adapter: Adapter) -> Any:
    from safetensors.torch import load_file

    return load_file(adapter.path / "adapter_model.safetensors")


@pytest.mark.long
@pytest.mark.parametrize("deepspeed", ["", "zero2", "zero3", "zero3_offload"])
def test_two_processes_train_the_adapter_of_one(deepspeed: str, base: str, alone: Adapter, tmp_path: Path) -> None:
    told: list[int] = []
    config = CONFIG.model_copy(update={"deepspeed": deepspeed})
    made = train_on_gpus("plan", base, some_examples(), config, tmp_path, lambda at, *_: told.append(at), processes=2)
    assert [point.loss for point in made.curve.steps] == pytest.approx(
        [point.loss for point in alone.curve.steps], abs=1e-5
    )
    assert made.curve.held_out == pytest.approx(alone.curve.held_out, abs=1e-5)
    for name, weight in weights(alone).items():
        assert float((weights(made)[name] - weight).abs().max()) < 1e-5
    assert told == [point.step for point in alone.curve.steps]
    assert [path.name for path in tmp_path.iterdir()] == [made.path.name]


@pytest.mark.long
def test_what_goes_wrong_in_the_processes_is_one_line_and_leaves_nothing(base: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"learn\.batch_size \(3\) has to be a multiple of the 2 processes"):
        train_on_gpus("plan", base, some_examples(), CONFIG.model_copy(update={"batch_size": 3}), tmp_path, processes=2)
    assert not list(tmp_path.glob(".*.job"))


def test_the_files_are_found_by_name_and_any_other_by_its_path(tmp_path: Path) -> None:
    assert {file.stem: stage_of(str(file)) for file in FILES.glob("*.json")} == {
        "zero2": 2,
        "zero3": 3,
        "zero3_offload": 3,
    }
    (tmp_path / "mine.json").write_text("{}")
    assert deepspeed_file(str(tmp_path / "mine.json")) == str(tmp_path / "mine.json")
    assert deepspeed_file("") is None
    with pytest.raises(ModelError, match="zero4 is none of zero2, zero3, zero3_offload, and no file"):
        deepspeed_file("zero4")


def test_a_file_that_is_no_deepspeed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("[1")
    with pytest.raises(ModelError, match=r"mine\.json is no DeepSpeed file"):
        stage_of(str(tmp_path / "mine.json"))


def test_a_wrong_name_is_refused_before_anything_is_played() -> None:
    with pytest.raises(ModelError, match="zero9 is none of"):
        require_packages(CONFIG.model_copy(update={"deepspeed": "zero9"}))


def test_a_process_that_nobody_launched_is_alone_and_leads() -> None:
    assert world() == World(size=1, rank=0, local_rank=0)
    assert world().leads
    assert share(5) == 5


def test_deepspeed_without_a_launcher_is_refused_with_the_command(base: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="torchrun --nproc-per-node"):
        train_adapter("plan", base, some_examples(), CONFIG.model_copy(update={"deepspeed": "zero2"}), tmp_path)
