"""One pass of the model over the newest tokens of some rows: whole prompts, what is new of them, or one token each.

row 0   . k n o w n n e w        known: keys and values kept from an earlier turn
row 1   w h o l e p r o m        new: tokens to be computed; dots are masked

for group in groups_of_similar_length(newcomers):
    logits = prefill(network, window, group)                    # rows of the window from now on
prefix = further(network, newcomer)                             # a part of a long prompt, which is no row yet
logits = newest(network, window, 0, [[7], [9]], ["plan", None])      # a step of decoding
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autoact.models.kv import Window
from autoact.models.network import Network
from autoact.models.prefix import Prefix
from autoact.models.request import Job

# What is in flight waits while a pass lasts; passes of 512 to 4096 tokens took a long prompt equally long.
MAX_TOKENS = 2048
# A forward pass of its own costs a small model about as much as this many more tokens a row.
PASS = 64


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A job and the part of its prompt that needs no computing."""

    job: Job
    prefix: Prefix

    @property
    def new(self) -> Sequence[int]:
        return self.job.request.ids[self.prefix.length :]

    @property
    def long(self) -> bool:
        """Whether its prompt takes more than one pass."""
        return len(self.new) > MAX_TOKENS


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


def further(network: Network, newcomer: Newcomer) -> Prefix:
    """What is known of a long prompt once MAX_TOKENS more of it are computed, by themselves."""
    import torch
    from transformers import DynamicCache

    known, part = newcomer.prefix.length, newcomer.new[:MAX_TOKENS]
    cache: Any = DynamicCache()
    for layer, (keys, values) in enumerate(newcomer.prefix.layers):
        cache.update(keys[:, :, :known], values[:, :, :known], layer)
    ids = torch.tensor([list(part)], device=network.device)
    positions = torch.arange(known, known + len(part), device=network.device)[None]
    network.logits(ids, None, positions, cache, [newcomer.job.request.adapter])
    return Prefix(known + len(part), [(layer.keys, layer.values) for layer in cache.layers])


def prefill(network: Network, window: Window, group: Sequence[Newcomer]) -> Any:
    """Compute the new part of every prompt in `group`, as rows of their own; (rows, vocabulary) logits."""
    first = len(window.starts)
    window.add([len(newcomer.job.request.ids) for newcomer in group])
    for row, newcomer in enumerate(group, first):
        if newcomer.prefix.length:
            window.put(row, newcomer.prefix.layers, newcomer.prefix.length)
    adapters = [newcomer.job.request.adapter for newcomer in group]
    return newest(network, window, first, [newcomer.new for newcomer in group], adapters)


def newest(
    network: Network, window: Window, first: int, tokens: Sequence[Sequence[int]], adapters: Sequence[str | None]
) -> Any:
    """(rows, vocabulary) logits after the last tokens of the rows from `first` on, whose columns are there already."""
    import torch

    fresh = [len(row) for row in tokens]
    width = max(fresh)
    ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in tokens], device=network.device)
    starts = torch.tensor(window.starts[first:], device=network.device)[:, None]
    own = torch.arange(window.end - width, window.end, device=network.device)
    cache = window.cache(first, fresh)
    mask = _mask(network, window, first, fresh, starts, own)
    return network.logits(ids, mask, (own - starts).clamp(min=0), cache, adapters)


def _mask(network: Network, window: Window, first: int, fresh: Sequence[int], starts: Any, own: Any) -> Any:
    """Which columns each token of a pass may look at; None when the model's own rule will do."""
    import torch

    if len(set(window.starts[first:])) == len(set(fresh)) == 1:
        return None
    columns = torch.arange(window.low(first), window.end, device=starts.device)
    there = columns >= starts
    # A four-dimensional mask is used as it is; some models must still make their own of where each row begins.
    if network.masks:
        return there.long()
    # What pads a row looks at its own column: nobody reads what becomes of it, but it must be a number.
    before, itself = columns <= own[:, None], columns == own[:, None]
    return ((there[:, None, :] & before) | itself)[:, None]
