"""What looks on while a trainer works: it stops what goes wrong or gets no better, and keeps what a resume needs.

    watch = watching("plan", config, draft, step)
    trainer = SFTTrainer(…, callbacks=[watch])
    watch.trainer = trainer
    trainer.train(resume_from_checkpoint=draft.checkpoint())

A checkpoint that fell on an epoch's last step would be resumed after the evaluation that follows the step, which
would then be missing: there one is made after the evaluation instead.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoact.core.errors import RunError
from autoact.core.learning import LearnConfig
from autoact.training.distributed import meet
from autoact.training.drafts import Draft

Step = Callable[[int, int, float], None]
Stop = Callable[[], bool]


class NotFinite(RunError):
    """A loss or a gradient became infinite or no number; there is nothing to go on from."""


@dataclass(frozen=True, slots=True)
class Point:
    """One optimiser step: mean loss a token, learning rate, and norm of the gradient before clipping."""

    step: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """How training went, step by step, and the held-out loss after each epoch."""

    steps: tuple[Point, ...]
    held_out: tuple[float, ...]

    @property
    def epochs(self) -> int:
        """Epochs that were trained to their end."""
        return int(self.steps[-1].epoch + 1e-6) if self.steps else 0

    @property
    def begun(self) -> int:
        """Epochs that were begun; the last may have been cut short by a budget."""
        return math.ceil(self.steps[-1].epoch - 1e-6) if self.steps else 0

    def best(self) -> int:
        """The epoch with the lowest held-out loss, counted from one; the last where nothing is held out."""
        if not self.held_out:
            return self.begun
        return self.held_out.index(min(self.held_out)) + 1


def curve_of(history: Sequence[Mapping[str, Any]]) -> Curve:
    """The curve in a trainer's log."""
    return Curve(
        tuple(
            Point(log["step"], log["epoch"], log["loss"], log["learning_rate"], log.get("grad_norm"))
            for log in history
            if "loss" in log
        ),
        tuple(log["eval_loss"] for log in history if "eval_loss" in log),
    )


def published_epoch(curve: Curve, patience: int) -> int:
    """The epoch whose adapter is the one to publish: the best with early stopping, the last without."""
    return curve.best() if patience else curve.begun


def is_enough(curve: Curve, patience: int) -> bool:
    """Whether so many epochs have passed without a lower held-out loss; never with a patience of 0."""
    return bool(patience and curve.held_out) and len(curve.held_out) - curve.best() >= patience


def watching(
    role: str,
    config: LearnConfig,
    draft: Draft,
    step: Step | None,
    setting: str = "learning_rate",
    stop: Stop | None = None,
    goes_on: bool = False,
) -> Any:
    """The callback for a trainer, which is to be set as its `trainer`; `setting` is to blame for what explodes.

    `stop` is asked after each step but the last whether the budget is spent; the callback's `stopped` says that it was.
    Where training then `goes_on` with a larger one, that step's checkpoint is kept.
    """
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        """Guards, saves and reports."""

        trainer: Any = None
        stopped = False

        def __init__(self) -> None:
            self._before, self._began = draft.seconds(), time.monotonic()

        def seconds(self) -> float:
            """Seconds of training, those before a resume included."""
            return self._before + time.monotonic() - self._began

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - its signature
            if state.epoch == round(state.epoch):
                control.should_save = False
            if stop and state.global_step < state.max_steps and stop():
                self.stopped = control.should_training_stop = True
                control.should_save = False

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            self.trainer.save_model(str(draft.epoch(curve_of(state.log_history).begun)))
            # That of an epoch cut short would be gone on from with a held-out loss too many, where there are any.
            control.should_save = not args.deepspeed and (goes_on or not self.stopped)

        def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            if is_enough(curve_of(state.log_history), config.early_stopping):
                control.should_training_stop = True

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            meet()  # each process has its own state of the random numbers to add to the checkpoint
            if state.is_world_process_zero:
                draft.finish(state.global_step, self.seconds())

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            logs = kwargs.get("logs") or {}
            for name in ("loss", "grad_norm", "eval_loss"):
                if not math.isfinite(logs.get(name) or 0.0):
                    raise NotFinite(_told(role, name, logs[name], state, setting, config))
            if "loss" in logs and step and state.is_world_process_zero:
                step(state.global_step, state.max_steps, float(logs["loss"]))

    return Watch()


def _told(role: str, name: str, value: float, state: Any, setting: str, config: LearnConfig) -> str:
    names = {"loss": "loss", "grad_norm": "norm of the gradient", "eval_loss": "held-out loss"}
    return (
        f"the {role} adapter's {names[name]} is {value} at step {state.global_step} of {state.max_steps}; "
        f"lower learn.{setting} ({getattr(config, setting):g})"
    )
