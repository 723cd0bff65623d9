"""One adapter after the other on one base: what is learned, kept, stopped and refused."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from autoact.core.errors import ModelError, RunError
from autoact.core.learning import LearnConfig
from autoact.core.records import Example, Message
from autoact.training.base_model import Base, load_base
from autoact.training.drafts import Draft
from autoact.training.losses import held_out_losses
from autoact.training.sft import Adapter, fit, full_disks, train_adapter
from autoact.training.watching import Curve, is_enough, published_epoch

SEED = Path(__file__).parents[2] / "examples" / "atlas" / "seed"
QUICK = LearnConfig(epochs=3, batch_size=2, learning_rate=4e-3, checkpoint_steps=2, early_stopping=0)


def examples(role: str = "plan", count: int = 10, held_out: int = 3) -> list[Example]:
    """Short conversations with one turn of the role's; the last ones are held out."""
    capitals = ["Lima", "Quito", "Oslo", "Rome", "Paris", "Accra", "Cairo", "Dakar", "Hanoi", "Minsk", "Praia"]
    chats = [
        (Message("user", f"Question {number} for {role}: which?"), Message("assistant", capitals[number], learn=True))
        for number in range(count)
    ]
    return [Example(str(n), role, chat, n >= count - held_out) for n, chat in enumerate(chats)]


@pytest.fixture(scope="module")
def base() -> Base:
    return load_base(str(SEED))


@pytest.fixture(scope="module")
def whole(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    """An adapter whose training was not interrupted."""
    return train_adapter("plan", base, examples(), QUICK, tmp_path_factory.mktemp("whole"))


class Stop(Exception):
    """The test's own."""


def stop_at(number: int) -> Callable[[int, int, float], None]:
    """Interrupts training as a Ctrl-C would, when a step is logged."""

    def step(at: int, total: int, loss: float) -> None:
        del total, loss
        if at == number:
            raise Stop

    return step


def interrupted(base: Base, out: Path, at: int, config: LearnConfig = QUICK) -> Path:
    """The draft that a training leaves which was stopped at a step."""
    with pytest.raises(Stop):
        train_adapter("plan", base, examples(), config, out, stop_at(at))
    return out / ".plan.part"


# ── one base ──


def test_three_adapters_on_one_base_are_those_of_three_bases_and_leave_it_as_it_was(base: Base, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in base.model.state_dict().items()}
    for role in ("plan", "tool", "reflect"):
        together = train_adapter(role, base, examples(role), QUICK, tmp_path / "together")
        alone = train_adapter(role, str(SEED), examples(role), QUICK, tmp_path / "alone")
        assert together.path.name == alone.path.name
        assert together.curve == alone.curve
    after = base.model.state_dict()
    assert before.keys() == after.keys()
    assert all(before[name].equal(after[name]) for name in before)


def test_an_adapter_is_two_files_and_the_draft_is_gone(whole: Adapter) -> None:
    assert sorted(file.name for file in whole.path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert [path.name for path in whole.path.parent.iterdir()] == [whole.path.name]


# ── the curve ──


def test_every_step_is_a_point_of_the_curve_and_every_epoch_a_held_out_loss(whole: Adapter) -> None:
    assert [point.step for point in whole.curve.steps] == list(range(1, 13))
    assert [point.epoch for point in whole.curve.steps][3::4] == [1, 2, 3]
    assert len(whole.curve.held_out) == 3
    assert whole.curve.held_out[2] < whole.curve.held_out[0]
    assert all(point.learning_rate >= 0 and point.grad_norm for point in whole.curve.steps)


def test_the_held_out_loss_is_the_mean_over_held_out_tokens(base: Base, whole: Adapter) -> None:
    assert (whole.rows, whole.held_out, whole.epoch) == (7, 3, 3)
    losses = held_out_losses(str(base.folder), {"plan": whole.path}, {"plan": examples()}, QUICK.max_length)
    assert whole.held_out_loss == pytest.approx(losses["plan"]["plan"], rel=1e-5)


def test_held_out_losses_without_adapters_are_the_bases(base: Base) -> None:
    losses = held_out_losses(str(base.folder), {}, {"plan": examples()}, QUICK.max_length)
    assert losses["plan"].keys() == {"base"}


def test_what_a_reporter_writes_to_files_is_kept_beside_the_adapter(base: Base, tmp_path: Path) -> None:
    def report(at: int, total: int, loss: float) -> None:
        (tmp_path / ".plan.part" / "runs").mkdir(exist_ok=True)
        (tmp_path / ".plan.part" / "runs" / "events").write_text(f"{at}/{total} {loss:.0f}")

    adapter = train_adapter("plan", base, examples(), QUICK.model_copy(update={"epochs": 1}), tmp_path, report)
    assert (tmp_path / "logs" / adapter.path.name / "events").read_text().startswith("4/4")


# ── early stopping ──


def test_training_stops_when_the_held_out_loss_rises_and_the_best_epoch_is_published(
    base: Base, tmp_path: Path
) -> None:
    steep = QUICK.model_copy(update={"epochs": 12, "learning_rate": 3e-2})
    long = train_adapter("plan", base, examples(), steep, tmp_path / "long")
    short = train_adapter("plan", base, examples(), steep.model_copy(update={"early_stopping": 2}), tmp_path / "short")
    stopped = short.curve.held_out
    assert long.epoch == len(long.curve.held_out) == 12
    assert stopped == long.curve.held_out[: len(stopped)]
    assert len(stopped) == short.epoch + 2 < 12
    assert short.held_out_loss == min(stopped)
    again = train_adapter(
        "plan", base, examples(), steep.model_copy(update={"epochs": short.epoch}), tmp_path / "again"
    )
    assert again.held_out == short.held_out


# ── a budget ──


def after(steps: int) -> Callable[[], bool]:
    """Says that the budget is spent once so many steps were made."""
    made = iter(range(1, 1000))
    return lambda: next(made) >= steps


def test_a_budget_ends_training_within_an_epoch_and_what_was_learned_is_published(
    base: Base, whole: Adapter, tmp_path: Path
) -> None:
    short = train_adapter("plan", base, examples(), QUICK, tmp_path, stop=after(6))
    assert [point.loss for point in short.curve.steps] == [point.loss for point in whole.curve.steps[:6]]
    assert (short.epoch, len(short.curve.held_out)) == (2, 2)
    assert "the budget ended its training in epoch 2" in short.note
    assert short.path.name != whole.path.name
    assert [path.name for path in tmp_path.iterdir()] == [short.path.name]


def test_training_that_a_budget_ended_is_not_gone_on_with(base: Base, tmp_path: Path) -> None:
    draft = Draft(tmp_path)
    draft.stop([{"step": 1, "epoch": 0.25, "loss": 2.0, "learning_rate": 1e-4}])
    curve, seconds = fit("plan", base, [], [], QUICK, draft)
    assert (curve.begun, curve.epochs, seconds) == (1, 0, 0.0)


def test_patience_is_counted_in_epochs_without_a_lower_loss() -> None:
    falling, risen = Curve((), (3.0, 2.0)), Curve((), (3.0, 2.0, 2.0, 2.5))
    assert not is_enough(falling, 1)
    assert [is_enough(risen, patience) for patience in (1, 2, 3, 0)] == [True, True, False, False]
    assert published_epoch(risen, 2) == 2


def test_without_held_out_examples_all_epochs_are_trained_and_it_is_said(base: Base, tmp_path: Path) -> None:
    config = QUICK.model_copy(update={"early_stopping": 1, "epochs": 2})
    adapter = train_adapter("plan", base, examples(held_out=0), config, tmp_path)
    assert adapter.note == "nothing is held out, so training does not stop early"
    assert (adapter.epoch, adapter.held_out_loss, adapter.curve.held_out) == (2, None, ())


# ── going on ──


@pytest.mark.parametrize("at", [1, 4, 5, 8, 12])
def test_an_interrupted_training_ends_with_the_adapter_of_an_uninterrupted_one(
    at: int, base: Base, whole: Adapter, tmp_path: Path
) -> None:
    draft = interrupted(base, tmp_path, at)
    there = [int(path.name.rpartition("-")[2]) for path in draft.glob("checkpoint-*")]
    assert there == ([(at - 1) // 2 * 2] if at > 2 else [])
    steps: list[int] = []
    again = train_adapter("plan", base, examples(), QUICK, tmp_path, lambda at, *_: steps.append(at))
    assert steps == list(range(sum(there) + 1, 13))
    assert again.path.name == whole.path.name
    assert again == replace(whole, path=again.path, seconds=again.seconds)
    assert not draft.exists()


def test_a_checkpoint_that_a_kill_tore_is_passed_over(base: Base, whole: Adapter, tmp_path: Path) -> None:
    draft = interrupted(base, tmp_path, 6)
    torn = (draft / "checkpoint-4").rename(draft / "checkpoint-5")
    (torn / "whole.json").unlink()
    (torn / "optimizer.pt").write_bytes(b"half")
    steps: list[int] = []
    again = train_adapter("plan", base, examples(), QUICK, tmp_path, lambda at, *_: steps.append(at))
    assert steps[0] == 1
    assert again.path.name == whole.path.name


@pytest.mark.parametrize("other", [{"learning_rate": 2e-3}, {"lora_rank": 4}, {"seed": 1}])
def test_a_checkpoint_of_other_settings_is_not_gone_on_from(
    other: dict[str, Any], base: Base, whole: Adapter, tmp_path: Path
) -> None:
    interrupted(base, tmp_path, 6)
    config, steps = QUICK.model_copy(update=other), list[int]()
    adapter = train_adapter("plan", base, examples(), config, tmp_path, lambda at, *_: steps.append(at))
    assert steps == list(range(1, 13))
    assert adapter.path.name != whole.path.name


def test_a_checkpoint_of_other_examples_is_not_gone_on_from(base: Base, tmp_path: Path) -> None:
    interrupted(base, tmp_path, 6)
    steps: list[int] = []
    train_adapter("plan", base, examples(count=11), QUICK, tmp_path, lambda at, *_: steps.append(at))
    assert steps[0] == 1


def test_a_training_that_stopped_early_and_could_not_be_published_trains_no_more(base: Base, tmp_path: Path) -> None:
    steep = QUICK.model_copy(update={"epochs": 12, "learning_rate": 3e-2, "early_stopping": 1})
    first = train_adapter("plan", base, examples(), steep, tmp_path / "first")
    assert len(first.curve.held_out) < 12
    out, steps = tmp_path / "second", list[int]()
    out.mkdir()
    (out / ".plan.new").write_text("in the way")
    with pytest.raises(RunError, match=r"\.plan\.new cannot be written"):
        train_adapter("plan", base, examples(), steep, out)
    (out / ".plan.new").unlink()
    again = train_adapter("plan", base, examples(), steep, out, lambda at, *_: steps.append(at))
    assert steps == []
    assert again == replace(first, path=again.path, seconds=again.seconds)


def test_after_a_kill_9_the_same_command_ends_with_the_same_adapter(whole: Adapter, tmp_path: Path) -> None:
    command = [sys.executable, __file__, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while not (tmp_path / ".plan.part" / "checkpoint-6" / "whole.json").exists():
            assert process.poll() is None, process.communicate()[1].decode()
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / ".plan.part").exists()
    subprocess.run(command, check=True, stderr=subprocess.PIPE)
    (path,) = tmp_path.iterdir()
    assert path.name == whole.path.name
    assert (path / "adapter_config.json").read_text() == (whole.path / "adapter_config.json").read_text()


class Harm:
    """Runs code when its pickle is opened."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.sign,)


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_a_checkpoint_that_somebody_else_wrote_runs_no_code(name: str, base: Base, tmp_path: Path) -> None:
    draft = interrupted(base, tmp_path, 6)
    torch.save(Harm(tmp_path / "harm"), draft / "checkpoint-4" / name)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        train_adapter("plan", base, examples(), QUICK, tmp_path)
    assert not (tmp_path / "harm").exists()


def test_safetensors_tells_of_a_full_disk_in_its_own_way() -> None:
    said = "Error while serializing: I/O error: No space left on device (os error 28)"
    with pytest.raises(OSError, match="No space left"), full_disks():
        raise SafetensorError(said)
    with pytest.raises(SafetensorError), full_disks():
        raise SafetensorError("Error while deserializing header: header too small")


# ── what is refused ──


def test_a_loss_that_is_no_number_stops_at_once_and_leaves_nothing(base: Base, tmp_path: Path) -> None:
    config = QUICK.model_copy(update={"learning_rate": 1e30, "warmup": 0.0})
    with pytest.raises(
        RunError, match=r"the plan adapter's .* is (nan|inf) at step [23] of 12; lower learn.learning_rate"
    ):
        train_adapter("plan", base, examples(), config, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_examples_without_a_turn_to_learn_are_counted(base: Base, tmp_path: Path) -> None:
    mute = [replace(item, messages=tuple(replace(m, learn=False) for m in item.messages)) for item in examples()]
    config = QUICK.model_copy(update={"epochs": 1})
    adapter = train_adapter("plan", base, [*examples(), *mute], config, tmp_path)
    assert (adapter.rows, adapter.unlabelled) == (7, 7)
    with pytest.raises(RunError, match=r"none of the 10 plan examples .* 7 mark no turn to learn"):
        train_adapter("plan", base, mute, config, tmp_path)


def test_modules_that_the_base_lacks_are_named(base: Base, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be adapted: .*nose"):
        train_adapter("plan", base, examples(), QUICK.model_copy(update={"lora_targets": ("nose",)}), tmp_path)


def test_all_linear_modules_can_be_adapted(base: Base, tmp_path: Path) -> None:
    config = QUICK.model_copy(update={"lora_targets": ("all-linear",), "epochs": 1})
    path = train_adapter("plan", base, examples(), config, tmp_path).path
    adapted = (path / "adapter_config.json").read_text()
    assert all(f'"{name}"' in adapted for name in ("q_proj", "o_proj", "up_proj", "down_proj"))


@pytest.mark.parametrize("name", ["optimizer.pt", "trainer_state.json"])
def test_a_full_disk_is_one_line_and_what_was_done_stays(name: str, base: Base, whole: Adapter, tmp_path: Path) -> None:
    draft = interrupted(base, tmp_path, 6)

    def fill(at: int, total: int, loss: float) -> None:
        del total, loss
        if at == 6:
            (draft / "checkpoint-6").mkdir()
            (draft / "checkpoint-6" / name).symlink_to("/dev/full")

    with pytest.raises(RunError, match="the disk is full; free some space and run the same command again"):
        train_adapter("plan", base, examples(), QUICK, tmp_path, fill)
    assert (draft / "checkpoint-4" / "whole.json").exists()
    assert train_adapter("plan", base, examples(), QUICK, tmp_path).path.name == whole.path.name


if __name__ == "__main__":
    train_adapter("plan", str(SEED), examples(), QUICK, Path(sys.argv[1]))
