"""Newcomers' prompts, computed in one batch on top of what is already known of each.

row 0   . k n o w n | . . n e w        known: keys and values kept from an earlier turn
row 1   . . . . . . | w h o l e        new: tokens to be computed; dots are masked

batch = prefill(network, group)
window.add(batch.layers, batch.spans)   # closes the gaps
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autoact.models.network import Network
from autoact.models.prefix import Layers, Prefix
from autoact.models.request import Job

MAX_TOKENS = 4096
# A forward pass of its own costs a small model about as much as this many more tokens a row.
PASS = 64
Spans = list[list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A job and the part of its prompt that needs no computing."""

    job: Job
    prefix: Prefix

    @property
    def new(self) -> Sequence[int]:
        return self.job.request.ids[self.prefix.length :]


@dataclass(frozen=True, slots=True)
class Batch:
    """Logits (rows, vocabulary), and per row the spans of columns in `layers` that make up its prompt."""

    logits: Any
    layers: Layers
    spans: Spans


def groups_of_similar_length(newcomers: Sequence[Newcomer]) -> Iterator[list[Newcomer]]:
    """Newcomers by rising length, parted where padding would cost more than a quarter of a row."""
    group: list[Newcomer] = []
    for newcomer in sorted(newcomers, key=lambda newcomer: len(newcomer.new)):
        length = len(newcomer.new)
        padded = group and length > 1.25 * len(group[0].new) + PASS
        if padded or (group and length * (len(group) + 1) > MAX_TOKENS):
            yield group
            group = []
        group.append(newcomer)
    if group:
        yield group


def prefill(network: Network, group: Sequence[Newcomer]) -> Batch:
    """Compute the new part of every prompt in `group`."""
    import torch

    device = network.device
    known = torch.tensor([[newcomer.prefix.length] for newcomer in group], device=device)
    new = torch.tensor([[len(newcomer.new)] for newcomer in group], device=device)
    past, width = int(known.max()), int(new.max())
    columns = torch.arange(width, device=device)
    cache = _cache(group, past)
    logits = network.logits(
        torch.tensor([[0] * (width - len(one.new)) + list(one.new) for one in group], device=device),
        _mask(known, new, past, width),
        (columns - (width - new)).clamp(min=0) + known,
        cache,
        [newcomer.job.request.adapter for newcomer in group],
    )
    spans = [[(past - one.prefix.length, past), (past + width - len(one.new), past + width)] for one in group]
    return Batch(logits, [(layer.keys, layer.values) for layer in cache.layers], spans)


def _mask(known: Any, new: Any, past: int, width: int) -> Any:
    """(rows, past + width), 1 where there is a token; None when there is one everywhere."""
    import torch

    before = torch.arange(past, device=new.device) >= past - known
    after = torch.arange(width, device=new.device) >= width - new
    mask = torch.cat([before, after], dim=1)
    return None if mask.all() else mask.long()


def _cache(group: Sequence[Newcomer], past: int) -> Any:
    """transformers' cache with the known parts right-aligned at column `past`."""
    from transformers import DynamicCache

    cache = DynamicCache()
    layers = max((newcomer.prefix for newcomer in group), key=lambda prefix: prefix.length).layers
    for index, pair in enumerate(layers if past else []):
        cache.update(*(_aligned(group, past, index, side, like) for side, like in enumerate(pair)), index)
    return cache


def _aligned(group: Sequence[Newcomer], past: int, layer: int, side: int, like: Any) -> Any:
    rows = like.new_zeros(len(group), like.shape[1], past, like.shape[3])
    for row, newcomer in enumerate(group):
        length = newcomer.prefix.length
        if length:
            rows[row, :, past - length :] = newcomer.prefix.layers[layer][side][0, :, :length]
    return rows
