"""One adapter trained by two processes equals the one of a single process, however the work is divided."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autoact.core.errors import ModelError, RunError
from autoact.core.learning import LearnConfig
from autoact.core.records import Example, Message, to_json
from autoact.training.distributed import FILES, World, deepspeed_file, share, stage_of, world
from autoact.training.launch import train_on_gpus
from autoact.training.report import losses_of
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


def weights(adapter: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(adapter / "adapter_model.safetensors")


def apart(one: Path, other: Path) -> float:
    """The largest difference between the weights of two adapters."""
    mine, theirs = weights(one), weights(other)
    return max(float((mine[name] - theirs[name]).abs().max()) for name in mine)


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
    assert apart(made.path, alone.path) < 1e-5
    assert told == [point.step for point in alone.curve.steps]
    assert [path.name for path in tmp_path.iterdir()] == [made.path.name]


@pytest.mark.long
def test_a_base_in_four_bits_is_trained_by_two_processes(base: str, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"quantize": "4bit"})
    one = train_adapter("plan", base, some_examples(), config, tmp_path / "one")
    config = config.model_copy(update={"deepspeed": "zero2"})
    two = train_on_gpus("plan", base, some_examples(), config, tmp_path / "two", processes=2)
    losses = [point.loss for point in one.curve.steps]
    assert [point.loss for point in two.curve.steps] == pytest.approx(losses, abs=0.02)  # bf16


@pytest.mark.long
def test_torchrun_by_hand_trains_the_same_adapter_and_one_process_speaks(
    base: str, alone: Adapter, tmp_path: Path
) -> None:
    file = tmp_path / "plan.jsonl"
    file.write_text("".join(json.dumps(to_json(item)) + "\n" for item in some_examples()))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    settings = [f"--set={name}={getattr(CONFIG, name)}" for name in ("batch_size", "epochs", "learning_rate")]
    settings += ["--set=lora_dropout=0.0", "--set=early_stopping=0", "--set=deepspeed=zero2"]
    autoact = str(Path(sys.executable).with_name("autoact"))
    run = subprocess.run(
        [*torchrun, autoact, "train", str(file), "--base", base, "--out", str(tmp_path / "out"), *settings],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    [made] = (tmp_path / "out").iterdir()
    assert apart(made, alone.path) < 1e-5
    assert run.stdout.count("12 rows") == 1


@pytest.mark.long
def test_processes_whose_starter_was_killed_end_too(base: str, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, __file__, base, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("step")
        assert working(tmp_path)
        child.kill()
    give_up = time.monotonic() + 60
    while working(tmp_path) and time.monotonic() < give_up:
        time.sleep(0.5)
    assert not working(tmp_path)


def working(out: Path) -> list[str]:
    """The processes that train into a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            found += [str(process)] if f"{out}/.plan.job" in process.read_text() else []
    return found


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


if __name__ == "__main__":  # the starter that a test kills
    endless = CONFIG.model_copy(update={"epochs": 10_000})
    train_on_gpus(
        "plan",
        sys.argv[1],
        some_examples(),
        endless,
        Path(sys.argv[2]),
        lambda *_: print("step", flush=True),
        processes=2,
    )


@pytest.mark.parametrize("deepspeed", ["zero2", "zero3"])
def test_losses_of_a_base_too_large_for_one_gpu_are_left_out_and_it_is_said(
    deepspeed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    asked: list[Any] = []
    config = CONFIG.model_copy(update={"deepspeed": deepspeed, "quantize": "4bit"})
    work: Any = SimpleNamespace(config=config, base="base", progress=SimpleNamespace(say=said.append))

    def measured(*given: Any) -> dict[str, Any]:
        asked.append(given)
        return {"plan": {}}

    monkeypatch.setattr("autoact.training.report.held_out_losses", measured)
    lesson: Any = SimpleNamespace(examples={})
    losses = losses_of(work, lesson, {})
    if deepspeed == "zero3":
        assert (losses, asked) == ({}, [])
        assert said == ["held-out losses are not measured: one GPU would have to hold the whole base"]
    else:
        assert losses == {"plan": {}}
        assert asked[0][-1] == "4bit"


def test_a_budget_of_seconds_that_deepspeed_would_not_heed_is_refused() -> None:
    budgets = LearnConfig.model_validate({"budgets": {"training": {"seconds": 5}}}).budgets
    with pytest.raises(ModelError, match=r"learn\.budgets of training do not stop processes of DeepSpeed"):
        require_packages(CONFIG.model_copy(update={"deepspeed": "zero2", "budgets": budgets}))
