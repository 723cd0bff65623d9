"""Supervised fine-tuning of one role's LoRA adapter with TRL (paper §2.4, Table 4). Stands alone:

    adapter = train_adapter("plan", base="path/or/hub/name", examples=examples, config=LearnConfig(), out=folder)
    adapter.path       # out/plan-3fa9c1d2e4b5: peft's files, named by the hash of the weights

The three adapters of a team are three calls of this one function, each from the same untouched base.
"""

from __future__ import annotations

import errno
import hashlib
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoact.core.errors import RunError
from autoact.core.learning import LearnConfig
from autoact.core.records import Example
from autoact.core.seeds import seed_of
from autoact.core.store import writing
from autoact.models.chat_format import prepare
from autoact.models.engine import load_tokenizer
from autoact.models.network import load_causal_lm
from autoact.models.weights import model_folder
from autoact.training.rows import Row, to_rows

SAME_LENGTHS = 96  # on a CPU each new row length compiles kernels anew; padded rows share a few


@dataclass(frozen=True, slots=True)
class Adapter:
    """A trained adapter and how its training went."""

    role: str
    path: Path
    rows: int
    tokens: int
    dropped: int
    loss: float
    seconds: float
    note: str


def train_adapter(
    role: str,
    base: str,
    examples: Sequence[Example],
    config: LearnConfig,
    out: Path,
    step: Callable[[int, int, float], None] | None = None,
) -> Adapter:
    """Train on the examples that are not held out. `step` is told steps done, steps in all and the loss.

    Raises RunError when nothing is left to train on, the loss is not finite, or the disk is full.
    """
    folder = model_folder(base)
    tokenizer = load_tokenizer(folder)
    prepare(tokenizer)
    data = to_rows(tokenizer, [item for item in examples if not item.held_out], config.max_length)
    if not data.rows:
        raise RunError(
            f"none of the {len(examples)} {role} examples can be trained on: {data.dropped} are longer than "
            f"learn.max_length ({config.max_length}), the others are held out"
        )
    draft = out / f".{role}.part"
    with writing(draft):
        shutil.rmtree(draft, ignore_errors=True)
    try:
        trainer, result = _fit(role, folder, tokenizer, data.rows, config, draft, step)
        with writing(draft):
            path = _publish(trainer, draft, out, role)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    tokens = sum(len(row["input_ids"]) for row in data.rows)
    return Adapter(
        role, path, len(data.rows), tokens, data.dropped, result.training_loss,
        result.metrics["train_runtime"], data.note,
    )  # fmt: skip


def _fit(
    role: str,
    base: Path,
    tokenizer: Any,
    rows: list[Row],
    config: LearnConfig,
    draft: Path,
    step: Callable[[int, int, float], None] | None,
) -> tuple[Any, Any]:
    """The trainer after its run, and what the run returned."""
    import torch
    from datasets import Dataset, disable_progress_bars
    from peft import LoraConfig, get_peft_model
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()

    torch.manual_seed(seed_of(config.seed, "adapter", role))
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=list(config.lora_targets),
        task_type="CAUSAL_LM",
    )
    on_cpu = not torch.cuda.is_available()
    model = load_causal_lm(base, "cpu" if on_cpu else "cuda")
    trainer = SFTTrainer(
        model=get_peft_model(model, lora),
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
        callbacks=[_reporter(step)] if step else [],
        args=SFTConfig(
            output_dir=str(draft),
            per_device_train_batch_size=config.batch_size,
            num_train_epochs=config.epochs,
            learning_rate=config.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=config.warmup,
            weight_decay=0.0,
            max_length=config.max_length,
            pad_to_multiple_of=SAME_LENGTHS if on_cpu else None,
            seed=seed_of(config.seed, "sft", role),
            use_cpu=on_cpu,
            bf16=not on_cpu,
            gradient_checkpointing=not on_cpu,
            logging_steps=5,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
    )
    trainer.remove_callback(PrinterCallback)
    result = trainer.train()
    if not math.isfinite(result.training_loss):
        raise RunError(f"the {role} adapter's loss is {result.training_loss}; lower learn.learning_rate")
    return trainer, result


def _reporter(step: Callable[[int, int, float], None]) -> Any:
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):
        """Passes the trainer's log on."""

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - its signature
            logs = kwargs.get("logs") or {}
            if "loss" in logs:
                step(state.global_step, state.max_steps, float(logs["loss"]))

    return Reporter()


def _publish(trainer: Any, draft: Path, out: Path, role: str) -> Path:
    """Save the adapter, and give its folder a name by the hash of its weights; it is never written to again.

    Raises OSError, also for what safetensors reports of a full disk in its own way.
    """
    from safetensors import SafetensorError

    try:
        trainer.model.save_pretrained(draft, safe_serialization=True)
    except SafetensorError as problem:
        raise OSError(errno.ENOSPC, str(problem)) from problem
    digest = hashlib.sha256((draft / "adapter_model.safetensors").read_bytes()).hexdigest()[:12]
    path = out / f"{role}-{digest}"
    if not path.exists():
        draft.replace(path)
    return path
