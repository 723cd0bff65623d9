"""What each adapter learned, and what it did not: losses on held-out turns, every role by every speaker.

    losses = held_out_losses(base, adapters, examples)
    losses["plan"]     # {"base": 0.41, "plan": 0.17, "tool": 0.44, "reflect": 0.43}

Each role's own adapter should be the lowest of its line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from autoact.core.records import Example
from autoact.models.network import attach_adapters
from autoact.training.base_model import load_base
from autoact.training.rows import Row, to_rows

BASE = "base"


def held_out_losses(
    base: str,
    adapters: Mapping[str, Path],
    examples: Mapping[str, Sequence[Example]],
    max_length: int,
    quantize: str = "",
) -> dict[str, dict[str, float | None]]:
    """Role → speaker (the base, or the adapter of a role) → mean loss a token on that role's held-out turns.

    The base is loaded as it was to train on. Raises ModelError.
    """
    loaded = load_base(base, quantize)
    model, tokenizer = loaded.model, loaded.tokenizer
    peft = attach_adapters(model, adapters)
    table: dict[str, dict[str, float | None]] = {}
    for role, items in examples.items():
        rows = to_rows(tokenizer, [item for item in items if item.held_out], max_length).rows
        with peft.disable_adapter() if peft else nullcontext():
            line: dict[str, float | None] = {BASE: mean_loss(peft or model, rows)}
        for name in adapters:
            peft.set_adapter(name)
            line[name] = mean_loss(peft, rows)
        table[role] = line
    return table


def mean_loss(model: Any, rows: Sequence[Row]) -> float | None:
    """Mean cross-entropy over all labelled tokens, in nats; None without any."""
    import torch

    total, tokens = 0.0, 0
    with torch.inference_mode():
        for row in rows:
            ids, labels = torch.tensor([row["input_ids"]]), torch.tensor(row["labels"])
            logits = model(input_ids=ids.to(model.device)).logits[0, :-1].float().cpu()
            total += float(torch.nn.functional.cross_entropy(logits, labels[1:], reduction="sum"))
            tokens += int((labels[1:] != -100).sum())
    return total / tokens if tokens else None
