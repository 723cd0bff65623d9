"""What every trainer of ours is told, supervised or on preferences; TRL's configurations take it as it is.

SFTConfig(**arguments(config, draft, seed, device="cpu"), max_length=config.max_length)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autoact.core.learning import LearnConfig
from autoact.training.distributed import deepspeed_file, share, world

SAME_LENGTHS = 96  # on a CPU each new row length compiles kernels anew; padded rows share a few


def arguments(config: LearnConfig, draft: Path, seed: int, device: str, *, held_out: bool) -> dict[str, Any]:
    """The fields of transformers' TrainingArguments; `held_out` is whether there are rows to evaluate on.

    Every step is logged, so that a loss that is not finite stops training at once. Several processes evaluate row by
    row, for a batch that is filled up with others' rows would be counted wrongly. DeepSpeed's checkpoints are pickles
    that its own loader trusts, so there are none.
    """
    several = world().size > 1
    return {
        "output_dir": str(draft),
        "per_device_train_batch_size": share(config.batch_size),
        "per_device_eval_batch_size": 1 if several else config.batch_size,
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
        "deepspeed": deepspeed_file(config.deepspeed),
        "ddp_backend": "gloo" if several and device == "cpu" else None,
        "ddp_find_unused_parameters": False,
        "save_strategy": "no" if config.deepspeed else "steps",
        "save_steps": config.checkpoint_steps,
        "report_to": config.report_to,
        "project": "autoact",
        "run_name": draft.stem.lstrip("."),
        "disable_tqdm": True,
    }


def on_one_device(args: Any) -> Any:
    """The arguments, for a process that uses one GPU of however many it sees.

    transformers would give each GPU a batch of its own and so train on other batches than those configured; TRL's
    preference trainers refuse.
    """
    args._n_gpu = min(args.n_gpu, 1)
    return args
