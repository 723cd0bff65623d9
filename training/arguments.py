"""What every trainer of ours is told, supervised or on preferences; TRL's configurations take it as it is.

SFTConfig(**arguments(config, draft, seed, device="cpu"), max_length=config.max_length)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autoact.core.learning import LearnConfig

SAME_LENGTHS = 96  # on a CPU each new row length compiles kernels anew; padded rows share a few


def arguments(config: LearnConfig, draft: Path, seed: int, device: str, *, held_out: bool) -> dict[str, Any]:
    """The fields of transformers' TrainingArguments; `held_out` is whether there are rows to evaluate on.

    Every step is logged, so that a loss that is not finite stops training at once.
    """
    return {
        "output_dir": str(draft),
        "per_device_train_batch_size": config.batch_size,
        "per_device_eval_batch_size": config.batch_size,
        "num_train_epochs": config.epochs,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": config.warmup,
        "weight_decay": 0.0,
        "seed": seed,
        "use_cpu": device == "cpu",
        "bf16": device != "cpu",
        "gradient_checkpointing": device != "cpu",
        "eval_strategy": "epoch" if held_out else "no",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps",
        "save_steps": config.checkpoint_steps,
        "report_to": config.report_to,
        "disable_tqdm": True,
    }
