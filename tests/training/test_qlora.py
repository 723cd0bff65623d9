"""QLoRA: adapters on a base whose weights are in 4 or 8 bits; bitsandbytes runs it on CPUs too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoact.core.learning import LearnConfig
from autoact.core.records import Example, Message
from autoact.training.base_model import load_base
from autoact.training.losses import held_out_losses
from autoact.training.sft import train_adapter

SEED = Path(__file__).parents[2] / "examples" / "atlas" / "seed"
CHAT = (Message("user", "Which is the capital of Peru?"), Message("assistant", "Lima", learn=True))
EXAMPLES = [Example(str(number), "plan", CHAT, held_out=number == 3) for number in range(4)]


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_an_adapter_that_was_trained_on_a_quantized_base_helps_the_whole_one(bits: Any, tmp_path: Path) -> None:
    base = load_base(str(SEED), bits)
    before = {name: value.clone() for name, value in base.model.state_dict().items()}
    assert any(value.itemsize == 1 and not value.is_floating_point() for value in before.values())
    config = LearnConfig(epochs=4, batch_size=1, learning_rate=4e-3, quantize=bits)
    adapter = train_adapter("plan", base, EXAMPLES, config, tmp_path)
    assert all(before[name].equal(value) for name, value in base.model.state_dict().items())
    losses: Any = held_out_losses(str(SEED), {"plan": adapter.path}, {"plan": EXAMPLES}, config.max_length)["plan"]
    assert losses["plan"] < losses["base"] / 2
