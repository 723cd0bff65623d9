"""LoRA for rows that speak with different adapters: two products a layer, however many adapters there are.

The adapters of a layer lie side by side, and what a row's own adapter did not compute is set to zero in between:

    x · [A_plan | A_tool | A_reflect]   =   plan's ranks | tool's ranks | reflect's ranks
                                        ×        0       |      1       |        0
                                        · [B_plan | B_tool | B_reflect]

PEFT's own forward picks out the rows of each adapter and puts them back: with three, thirty operations a layer, and
a small model's decoding step is made of operations. Not covered, and left to it: DoRA and other variants of LoRA,
and layers that are not linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Speakers:
    """Who speaks in each row of the batch at hand, told to every layer at once."""

    def __init__(self, names: Sequence[str], device: str) -> None:
        self._names = list(names)
        self._device = device
        self.rows: Any = None

    def tell(self, names: Sequence[str]) -> None:
        """One name a row; a row of another name is the base's."""
        import torch

        chosen = [[float(name == known) for known in self._names] for name in names]
        self.rows = torch.tensor(chosen, device=self._device) if any(map(any, chosen)) else None

    def adapt(self, layer: Any) -> None:
        """Have a layer of PEFT's go by these speakers."""
        import torch
        from torch.nn.functional import linear

        present = [name for name in self._names if name in layer.lora_A]
        down = torch.cat([layer.lora_A[name].weight for name in present])
        up = torch.cat([layer.lora_B[name].weight * layer.scaling[name] for name in present], dim=1)
        owners = [self._names.index(name) for name in present for _ in range(len(layer.lora_A[name].weight))]
        owner = torch.tensor(owners, device=self._device)
        base = layer.base_layer

        def forward(x: Any) -> Any:
            said = base(x)
            if self.rows is None:
                return said
            own = linear(x.to(down.dtype), down) * self.rows[:, None, owner]
            return said + linear(own, up).to(said.dtype)

        layer.forward = forward


def is_plain(layer: Any) -> bool:
    """Whether a layer of PEFT's is LoRA of a linear layer and nothing more."""
    from peft.tuners.lora import Linear
    from torch import nn

    plain = type(layer) is Linear and type(layer.base_layer) is nn.Linear
    return plain and bool(layer.lora_A) and not layer.lora_variant and not any(layer.lora_bias.values())
