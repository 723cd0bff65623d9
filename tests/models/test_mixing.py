"""Rows of different adapters get from our products what PEFT's own forward gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoact.models.engine import Engine, Request
from autoact.models.mixing import Speakers, is_plain

MIXES = (["plan", "tool"], ["tool", "tool"], ["plan", "__base__"], ["__base__", "__base__"])


def adapted(**settings: Any) -> Any:
    """A small network, its first layer adapted by `plan` and `tool`, its second by `tool` alone."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Linear(5, 3))
    model = get_peft_model(network, LoraConfig(r=4, target_modules=["0"], init_lora_weights=False, **settings), "plan")
    both = LoraConfig(r=2, lora_alpha=3, target_modules=["0", "1"], init_lora_weights=False, **settings)
    model.add_adapter("tool", both)
    return model.eval()


def layers_of(model: Any) -> list[Any]:
    from peft.tuners.lora import LoraLayer

    return [layer for layer in model.modules() if isinstance(layer, LoraLayer)]


@pytest.mark.parametrize("names", MIXES)
def test_every_row_is_adapted_as_peft_adapts_it(names: list[str]) -> None:
    import torch

    model, x = adapted(), torch.randn(2, 7, 6)
    with torch.inference_mode():
        expected = model(x, adapter_names=names)
        speakers = Speakers(["plan", "tool"], "cpu")
        for layer in layers_of(model):
            speakers.adapt(layer)
        speakers.tell(names)
        assert torch.allclose(model(x), expected, atol=1e-6)


def test_a_variant_of_lora_is_left_to_peft() -> None:
    assert all(is_plain(layer) for layer in layers_of(adapted()))
    assert not any(is_plain(layer) for layer in layers_of(adapted(use_dora=True)))


def test_requests_that_begin_alike_compute_their_beginning_once(home: Path) -> None:
    engine = Engine(str(home / "base"), {"plan": home / "plan-1"}, threads=1)
    root = list(range(5, 105))
    for future in [engine.submit(Request([*root, 200 + end], "plan", 8)) for end in range(6)]:
        future.result(timeout=60)
    spent = engine.profile()["spent"]["plan"]
    engine.close()
    assert (spent["prefilled"], spent["reused"]) == (106, 500)
