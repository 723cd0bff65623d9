"""Supervised fine-tuning of one role's LoRA adapter with TRL (paper §2.4, Table 4). Stands alone:

    adapter = train_adapter("plan", base="path/or/hub/name", examples=examples, config=LearnConfig(), out=folder)
    adapter.path       # out/plan-3fa9c1d2e4b5: peft's files, named by the hash of the weights

The three adapters of a team are three calls of this one function, each from the same untouched base, which may be
loaded once (`base_model.load_base`). After a kill -9 the same call goes on from the last checkpoint, and its adapter
is the one that an uninterrupted call would have made.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoact.core.errors import RunError
from autoact.core.learning import LearnConfig
from autoact.core.records import Example
from autoact.core.seeds import seed_of
from autoact.core.store import writing
from autoact.training.arguments import SAME_LENGTHS, arguments, on_one_device
from autoact.training.base_model import Base, adapted, load_base
from autoact.training.distributed import leader_first, world
from autoact.training.drafts import Draft, open_draft, publish
from autoact.training.rows import Row, Rows, labelled, to_rows
from autoact.training.sizes import sized
from autoact.training.watching import Curve, NotFinite, Step, Stop, curve_of, is_enough, published_epoch, watching

# Settings that make another adapter of the same rows; a checkpoint of others is not gone on from.
HEEDED = (
    "lora_rank", "lora_alpha", "lora_dropout", "lora_targets", "quantize", "learning_rate", "warmup", "epochs",
    "batch_size", "seed", "early_stopping", "deepspeed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Adapter:
    """A trained adapter and how its training went.

    rows, tokens: what it was trained on; dropped: what is too long to hold a turn; cut: rows that lost turns past
    max_length; unlabelled: examples without a turn to learn; held_out: rows it was not trained on. loss: the mean of
    the training steps'; epoch: whose adapter this is; held_out_loss: after that epoch, a token, None when nothing was
    held out.
    """

    role: str
    path: Path
    rows: int
    tokens: int
    dropped: int
    loss: float
    seconds: float
    note: str
    cut: int
    unlabelled: int
    held_out: int
    held_out_loss: float | None
    epoch: int
    curve: Curve


def train_adapter(
    role: str,
    base: str | Base,
    examples: Sequence[Example],
    config: LearnConfig,
    out: Path,
    step: Step | None = None,
    stop: Stop | None = None,
) -> Adapter:
    """Train on the examples that are not held out. `step` is told steps done, steps in all and the loss.

    `stop` is asked after each step whether a budget is spent: then the adapter is the best, or the last, up to there.
    Raises RunError when nothing is left to train on, a loss is not finite, or the disk is full.
    """
    loaded = base if isinstance(base, Base) else load_base(base, config.quantize, config.deepspeed)
    config = sized(config, loaded.folder)
    learned = to_rows(loaded.tokenizer, [item for item in examples if not item.held_out], config.max_length)
    held_out = to_rows(loaded.tokenizer, [item for item in examples if item.held_out], config.max_length)
    _require_rows(role, learned, len(examples), config)
    with leader_first():
        draft = open_draft(out / f".{role}.part", _fingerprint(role, loaded, learned.rows, held_out.rows, config))
    try:
        curve, seconds = fit(role, loaded, learned.rows, held_out.rows, config, draft, step, stop)
    except NotFinite:
        if world().leads:
            draft.discard()
        raise
    epoch, stopped = published_epoch(curve, config.early_stopping), draft.stopped() is not None
    with leader_first():
        path = publish(draft.epoch(epoch), out, role)
    with leader_first():
        draft.discard()
    return Adapter(
        role=role,
        path=path,
        rows=len(learned.rows),
        tokens=sum(len(row["input_ids"]) for row in learned.rows),
        dropped=learned.dropped,
        loss=sum(point.loss for point in curve.steps) / len(curve.steps),
        seconds=round(seconds, 2),
        note=_note(learned, held_out, config, curve.begun if stopped else 0),
        cut=learned.cut,
        unlabelled=learned.unlabelled,
        held_out=len(held_out.rows),
        held_out_loss=curve.held_out[epoch - 1] if curve.held_out else None,
        epoch=epoch,
        curve=curve,
    )


def fit(
    role: str,
    base: Base,
    rows: list[Row],
    held_out: list[Row],
    config: LearnConfig,
    draft: Draft,
    step: Step | None = None,
    stop: Stop | None = None,
) -> tuple[Curve, float]:
    """Train, or go on with it, until an adapter of every epoch lies in the draft; the curve, and seconds spent."""
    if (stopped := draft.stopped()) is not None:
        return curve_of(stopped), draft.seconds()
    curve = curve_of(draft.history())
    if curve.epochs == config.epochs or is_enough(curve, config.early_stopping):
        return curve, draft.seconds()
    with adapted(base, config, seed_of(config.seed, "adapter", role)) as peft:
        watch = watching(role, config, draft, step, stop=stop)
        trainer = watch.trainer = _trainer(role, base, peft, rows, held_out, config, draft, watch)
        checkpoint = draft.checkpoint()
        with writing(draft.folder / "checkpoint"), full_disks():
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if watch.stopped:
            draft.stop(trainer.state.log_history)
        return curve_of(trainer.state.log_history), watch.seconds()


def _trainer(
    role: str,
    base: Base,
    peft: Any,
    rows: list[Row],
    held_out: list[Row],
    config: LearnConfig,
    draft: Draft,
    watch: Any,
) -> Any:
    from datasets import Dataset, disable_progress_bars
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    turns = sum(map(labelled, held_out))

    class Trainer(SFTTrainer):  # type: ignore[misc]  # TRL is not typed
        """TRL's, with the held-out loss a mean over tokens as the training loss is, not over batches."""

        def prediction_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            loss, *rest = super().prediction_step(model, inputs, *args, **kwargs)
            here = (inputs["labels"][:, 1:] != -100).sum().to(loss.device)
            return loss * here / len(inputs["labels"]) * len(held_out) / turns, *rest

    seed = seed_of(config.seed, "sft", role)
    trainer = Trainer(
        model=peft,
        processing_class=base.tokenizer,
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(held_out) if held_out else None,
        callbacks=[watch],
        args=on_one_device(
            SFTConfig(
                **arguments(config, draft.folder, seed, base.device, held_out=bool(held_out)),
                max_length=config.max_length,
                pad_to_multiple_of=SAME_LENGTHS if base.device == "cpu" else None,
                # The rows are ready; TRL's own preparation drops what it finds without a label, and says nothing.
                dataset_kwargs={"skip_prepare_dataset": True},
            )
        ),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


class full_disks:
    """Turns what torch and safetensors report of a full disk, each in its own way, into an OSError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        from safetensors import SafetensorError

        said = str(problem)
        torch_says = isinstance(problem, RuntimeError) and ("iostream error" in said or "unexpected pos" in said)
        if torch_says or (isinstance(problem, SafetensorError) and "os error" in said):
            raise OSError(errno.ENOSPC, str(problem)) from problem


def _require_rows(role: str, learned: Rows, examples: int, config: LearnConfig) -> None:
    """Raises RunError when there is nothing to train on."""
    if not learned.rows:
        raise RunError(
            f"none of the {examples} {role} examples can be trained on: {learned.unlabelled} mark no turn to learn, "
            f"{learned.dropped} are longer than learn.max_length ({config.max_length}), the others are held out"
        )


def _note(learned: Rows, held_out: Rows, config: LearnConfig, stopped: int) -> str:
    """What is worth saying about how an adapter was trained; `stopped` is the epoch in which a budget ended it."""
    notes = [f"one row a turn, since {learned.note}"] if learned.note else []
    if config.early_stopping and not held_out.rows:
        notes.append("nothing is held out, so training does not stop early")
    if stopped:
        notes.append(f"the budget ended its training in epoch {stopped}")
    return "; ".join(notes)


def _fingerprint(role: str, base: Base, rows: list[Row], held_out: list[Row], config: LearnConfig) -> dict[str, Any]:
    """What a checkpoint must have been made of to be gone on from."""
    data = hashlib.sha256(json.dumps([rows, held_out]).encode()).hexdigest()
    settings = {name: getattr(config, name) for name in HEEDED}
    return {"role": role, "base": base.stamp(), "device": base.device, "data": data} | settings
