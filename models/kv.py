"""Keys and values of the requests in flight: a decoding step writes one column and copies nothing.

Rows are requests, columns are tokens; every row ends at the same column `end`, whatever its length:

    row 0   . . . q u e s t i o n
    row 1   q u e s t i o n s o f
    row 2   . . . . . . . s h o r
            lo                    end  → the next step writes here, for all rows at once

A row that leaves is overwritten by the last one. Dots are zeros: a masked NaN would still spoil a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SLACK = 128
Layers = list[tuple[Any, Any]]


class Window:
    """Keys and values per layer as (rows, heads, columns, size) buffers with room to grow to the right."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.end = 0
        self._buffers: Layers = []

    def clear(self) -> None:
        self.starts, self.end, self._buffers = [], 0, []

    @property
    def low(self) -> int:
        return min(self.starts, default=self.end)

    def add(self, layers: Layers, spans: Sequence[Sequence[tuple[int, int]]]) -> None:
        """Append the rows of `layers` [(rows, heads, columns, size)], of each the columns in its spans."""
        lengths = [sum(end - start for start, end in row) for row in spans]
        self._fit(layers, len(self.starts) + len(lengths), max(lengths))
        for source, length in enumerate(lengths):
            row, start = len(self.starts), self.end - length
            for ours, theirs in zip(self._buffers, layers, strict=True):
                for buffer, tensor in zip(ours, theirs, strict=True):
                    buffer[row, :, :start] = 0
                    at = start
                    for left, right in spans[source]:
                        buffer[row, :, at : at + right - left] = tensor[source, :, left:right]
                        at += right - left
            self.starts.append(start)

    def drop(self, row: int) -> None:
        """Let `row` go; the last row takes its place, so callers swap their own lists alike."""
        last = len(self.starts) - 1
        if row != last:
            for buffer in (buffer for pair in self._buffers for buffer in pair):
                buffer[row, :, : self.end] = buffer[last, :, : self.end]
        self.starts[row] = self.starts[last]
        self.starts.pop()

    def row(self, row: int) -> Layers:
        """A copy of one row's keys and values, (1, heads, length, size) each."""
        span = slice(self.starts[row], self.end)
        return [(k[row : row + 1, :, span].clone(), v[row : row + 1, :, span].clone()) for k, v in self._buffers]

    def open_column(self) -> None:
        """Make room for one more token of every row."""
        if self.end == self._buffers[0][0].shape[2]:
            self._move(self._buffers[0][0].shape[0], self.end - self.low)
        self.end += 1

    def write(self, layer: int, keys: Any, values: Any) -> tuple[Any, Any]:
        """Put the newest token of every row into the open column; all columns, for attention."""
        rows, span = len(self.starts), slice(self.low, self.end)
        ours = self._buffers[layer]
        ours[0][:rows, :, self.end - 1] = keys[:, :, 0]
        ours[1][:rows, :, self.end - 1] = values[:, :, 0]
        return ours[0][:rows, :, span], ours[1][:rows, :, span]

    def cache(self) -> Any:
        """This window as the cache object that transformers' models write to."""
        from transformers.cache_utils import Cache, DynamicLayer

        window = self

        class Column(DynamicLayer):
            def __init__(self, index: int) -> None:
                super().__init__()  # type: ignore[no-untyped-call]
                self.index = index

            def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
                return window.write(self.index, key_states, value_states)

            def get_seq_length(self) -> int:
                return window.end - 1 - window.low

        return Cache(layers=[Column(index) for index in range(len(self._buffers))])

    def _fit(self, layers: Layers, rows: int, length: int) -> None:
        if not self.starts:
            self.end = length
        room = self._buffers[0][0].shape if self._buffers else (0, 0, 0, 0)
        if not self._buffers:
            self._buffers = [(k[:0], v[:0]) for k, v in layers]
        if rows > room[0] or length > self.end or self.end > room[2]:
            grown = room[0] if rows <= room[0] else max(rows, 2 * room[0], 8)
            self._move(grown, max(length, self.end - self.low))

    def _move(self, rows: int, width: int) -> None:
        """New buffers of `rows` rows, with what is in flight ending at column `width`."""
        live, low, shift = len(self.starts), self.low, width - self.end
        self._buffers = [
            (self._moved(k, rows, width, live, low), self._moved(v, rows, width, live, low)) for k, v in self._buffers
        ]
        self.starts = [start + shift for start in self.starts]
        self.end = width

    def _moved(self, old: Any, rows: int, width: int, live: int, low: int) -> Any:
        new = old.new_zeros(rows, old.shape[1], width + SLACK, old.shape[3])
        if live:
            new[:live, :, width - (self.end - low) : width] = old[:live, :, low : self.end]
        return new
