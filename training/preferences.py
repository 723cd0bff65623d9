"""Preference training after SFT: each role's adapter learns which of two turns was the better (DPO, KTO; by TRL).

    adapters = prefer_adapters("dpo", pairs, base, adapters, config, run, run / "rounds/00/preferred.json", progress)
    adapters["plan"]["path"]       # "adapters/plan-9d41…": a new folder; the adapter that it began as stays

An adapter begins as the one of SFT, and a frozen copy of that is the reference it is held to (`prefer_beta`). Rows
are the ids of the run-time prompt and of the turns, as in training/rows.py. DPO reads pairs; KTO reads the same turns
one by one, as many good as bad. A kill resumes from the last checkpoint, as in training/sft.py, and a larger budget
from the step at which the smaller one was spent. Not covered: several processes; learn.deepspeed is for SFT.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autoact.core.budget import Meter
from autoact.core.errors import RunError
from autoact.core.learning import LearnConfig
from autoact.core.progress import Progress
from autoact.core.records import Preference, to_json
from autoact.core.seeds import seed_of
from autoact.core.store import write_json, writing
from autoact.models.chat_format import last_turn
from autoact.training.adapters import folder_name, noted
from autoact.training.arguments import SAME_LENGTHS, arguments, on_one_device
from autoact.training.base_model import Base, adapted, load_base
from autoact.training.drafts import Draft, open_draft, publish
from autoact.training.sft import full_disks
from autoact.training.watching import NotFinite, Step, watching

Method = Literal["dpo", "kto"]
Row = dict[str, Any]
Log = dict[str, Any]

FEWEST = 8  # pairs, below which a role is left as it is
HEEDED = ("prefer_beta", "prefer_learning_rate", "prefer_epochs", "batch_size", "warmup", "quantize", "seed")


@dataclass(frozen=True, slots=True)
class Preferred:
    """An adapter after preference training.

    rows, tokens: what it was trained on; dropped: pairs that are too long; loss: the mean of the steps'; margin: by
    how much more it prefers the better turns than the adapter that it began as, in nats, times beta, over the last
    epoch.
    """

    role: str
    path: Path
    method: Method
    began_as: Path
    rows: int
    tokens: int
    dropped: int
    loss: float
    margin: float
    seconds: float


def prefer_adapters(
    method: Method,
    pairs: Mapping[str, Sequence[Preference]],
    base: str,
    adapters: Mapping[str, Mapping[str, Any]],
    config: LearnConfig,
    run: Path,
    record: Path,
    progress: Progress,
    meter: Meter | None = None,
) -> dict[str, dict[str, Any]]:
    """Name → its adapter, trained on or left as it was; what `record` says is done is not done again.

    Raises RunError when `meter` says that the budget is spent before all are.
    """
    meter = meter or Meter()
    done = noted(record)
    loaded: Base | None = None
    for number, (name, trained) in enumerate(adapters.items()):
        items, path = pairs.get(name, ()), str(trained["path"])
        if name in done:
            continue
        if len(items) < FEWEST:
            progress.say(
                f"{name}: {len(items)} pairs are too few to prefer by ({FEWEST} are needed); it stays as it is"
            )
            done[name] = dict(trained)
        else:

            def step(at: int, total: int, loss: float, name: str = name, number: int = number) -> None:
                progress.advance(100 * number + 100 * at // total, 100 * len(adapters), f"{name}: loss {loss:.3f}")

            if meter.stop():
                raise _spent(meter, name)
            loaded = loaded or load_base(base, config.quantize)
            folder = run / "adapters"
            adapter = prefer_adapter(method, folder_name(name), items, loaded, run / path, config, folder, step, meter)
            new = {"path": str(adapter.path.relative_to(run)), "began_as": path}
            done[name] = to_json(adapter) | new
        write_json(record, done)
    return done


def prefer_adapter(
    method: Method,
    role: str,
    pairs: Sequence[Preference],
    base: str | Base,
    adapter: Path,
    config: LearnConfig,
    out: Path,
    step: Step | None = None,
    meter: Meter | None = None,
) -> Preferred:
    """Train on from `adapter`. `step` is told steps done, steps in all and the loss.

    Raises RunError when no pair fits, a loss is not finite, the disk is full, or `meter` says that the budget is spent.
    """
    loaded = base if isinstance(base, Base) else load_base(base, config.quantize)
    fitting = pair_rows(loaded.tokenizer, pairs, config.max_length)
    if not fitting:
        raise RunError(f"none of the {len(pairs)} {role} pairs fits into learn.max_length ({config.max_length})")
    rows = fitting if method == "dpo" else single_rows(fitting, 2 * config.batch_size, config.seed)
    draft = open_draft(out / f".{role}.{method}.part", _fingerprint(method, loaded, adapter, rows, config))
    try:
        log, seconds = _fit(method, role, loaded, adapter, rows, config, draft, step, meter or Meter())
    except NotFinite:
        draft.discard()
        raise
    path = publish(draft.epoch(config.prefer_epochs), out, role)
    draft.discard()
    return Preferred(
        role=role,
        path=path,
        method=method,
        began_as=adapter,
        rows=len(rows),
        tokens=sum(len(ids) for row in rows for name, ids in row.items() if name.endswith("_ids")),
        dropped=len(pairs) - len(fitting),
        loss=_mean([entry["loss"] for entry in log]),
        margin=_mean([entry.get("rewards/margins", 0.0) for entry in log if entry["epoch"] > config.prefer_epochs - 1]),
        seconds=round(seconds, 2),
    )


def pair_rows(tokenizer: Any, pairs: Sequence[Preference], max_length: int) -> list[Row]:
    """The ids of each pair's prompt and of both turns to their closing token; pairs that are too long are left out."""
    rows = []
    for pair in pairs:
        prompt, chosen = _ids(tokenizer, pair, pair.chosen)
        _, rejected = _ids(tokenizer, pair, pair.rejected)
        if len(prompt) + max(len(chosen), len(rejected)) <= max_length:
            rows.append({"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected})
    return rows


def single_rows(pairs: Sequence[Row], size: int, seed: int) -> list[Row]:
    """Good and bad turns, one after the other. Each has the turn before it in its batch of `size`, for KTO to
    estimate by it how far the policy has gone from the reference.

    Both kinds are shuffled, so that the turn before is not as a rule the other one after the same chat.
    """
    draw = random.Random(seed_of(seed, "preferences"))
    good = [{"prompt_ids": row["prompt_ids"], "completion_ids": row["chosen_ids"], "label": True} for row in pairs]
    bad = [{"prompt_ids": row["prompt_ids"], "completion_ids": row["rejected_ids"], "label": False} for row in pairs]
    draw.shuffle(good)
    draw.shuffle(bad)
    rows = [row for both in zip(good, bad, strict=True) for row in both]
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [
        row | {"KL_completion_ids": batch[at - 1]["completion_ids"]}
        for batch in batches
        for at, row in enumerate(batch)
    ]


def _ids(tokenizer: Any, pair: Preference, said: str) -> tuple[list[int], list[int]]:
    """The ids of the run-time prompt, and of what is said to it."""
    chat = [{"role": message.role, "content": message.content} for message in pair.prompt]
    turn = last_turn(tokenizer, [*chat, {"role": "assistant", "content": said}])
    start, end = turn.spans[0]
    return turn.ids[:start], turn.ids[start:end]


def _fit(
    method: Method,
    role: str,
    base: Base,
    adapter: Path,
    rows: list[Row],
    config: LearnConfig,
    draft: Draft,
    step: Step | None,
    meter: Meter,
) -> tuple[list[Log], float]:
    """Train, or go on with it, until the last epoch's adapter lies in the draft; the log of its steps, and seconds."""
    history, checkpoint = draft.history(), draft.checkpoint()
    if draft.epoch(config.prefer_epochs).exists() and history and history[-1]["epoch"] == config.prefer_epochs:
        return _steps(history), draft.seconds()
    with adapted(base, config, seed_of(config.seed, method, role), adapter) as peft:
        watch = watching(role, config, draft, step, "prefer_learning_rate", meter.stop, goes_on=True)
        trainer = watch.trainer = _trainer(method, role, base, peft, rows, config, draft, watch)
        with writing(draft.folder / "checkpoint"), full_disks():
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if trainer.state.global_step < trainer.state.max_steps:
            raise _spent(meter, role)
        return _steps(trainer.state.log_history), watch.seconds()


def _spent(meter: Meter, role: str) -> RunError:
    return RunError(
        f"the budget of {meter.exhausted} for preferences is spent before the {role} adapter has learned them; raise "
        "learn.budgets of preferences and run the same command again to go on"
    )


def _trainer(
    method: Method, role: str, base: Base, peft: Any, rows: list[Row], config: LearnConfig, draft: Draft, watch: Any
) -> Any:
    from datasets import Dataset, disable_progress_bars
    from transformers import PrinterCallback
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

    disable_progress_bars()
    settings, kind = (DPOConfig, DPOTrainer) if method == "dpo" else (KTOConfig, KTOTrainer)
    seed, told = seed_of(config.seed, method, role), _preferring(config, method)
    # TRL would render and tokenise messages in a way of its own; our rows have the ids already.
    ours = {"_prepare_dataset": lambda _, dataset, *__: dataset, "_load_from_checkpoint": _load}
    trainer = type("Trainer", (kind,), ours)(
        model=peft,
        processing_class=base.tokenizer,
        train_dataset=Dataset.from_list(rows),
        callbacks=[watch],
        args=on_one_device(
            settings(
                **arguments(told, draft.folder, seed, base.device, held_out=False),
                beta=config.prefer_beta,
                max_length=config.max_length,
                pad_to_multiple_of=SAME_LENGTHS if base.device == "cpu" else None,
            )
        ),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _load(trainer: Any, checkpoint: str) -> None:
    """The weights of a checkpoint. Where there are several adapters transformers would load the reference alone."""
    trainer.model.load_adapter(checkpoint, trainer.model.active_adapter, is_trainable=True)


def _preferring(config: LearnConfig, method: Method) -> LearnConfig:
    """The settings with those of preference training in the places of those of SFT; a pair is two rows to KTO."""
    return config.model_copy(
        update={
            "learning_rate": config.prefer_learning_rate,
            "epochs": config.prefer_epochs,
            "batch_size": config.batch_size if method == "dpo" else 2 * config.batch_size,
            "deepspeed": "",
        }
    )


def _steps(history: Sequence[Log]) -> list[Log]:
    return [entry for entry in history if "loss" in entry]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _fingerprint(method: Method, base: Base, adapter: Path, rows: list[Row], config: LearnConfig) -> dict[str, Any]:
    """What a checkpoint must have been made of to be gone on from."""
    data = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    known = {"method": method, "base": base.stamp(), "device": base.device, "adapter": adapter.name, "data": data}
    return known | {name: getattr(config, name) for name in HEEDED}
