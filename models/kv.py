"""Keys and values of the requests in flight: each is written once, where attention reads it.

Rows are requests, columns are tokens; every row ends at the same column `end`, whatever its length:

    row 0   . . . q u e s t i o n
    row 1   q u e s t i o n s o f
    row 2   . . . . . . . s h o r
            low                   end  → the next step writes here, for all rows at once

    window.add([8, 11, 4])                    # rows for prompts of so many tokens
    window.put(0, layers, 5)                  # what is known of one, its first tokens
    model(…, past_key_values=window.cache(0, [3, 11, 4]))         # writes the others

A row that leaves is overwritten by the last one. Dots are zeros: a masked NaN would still spoil a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Columns to go before what is in flight is moved to the left again, and rows to begin with.
SLACK = 256
ROWS = 8
# How many times more than is needed is kept.
ROOMY = 4
Layers = list[tuple[Any, Any]]


class Window:
    """Keys and values of so many layers, as (rows, heads, columns, size) buffers with room to grow to the right."""

    def __init__(self, layers: int) -> None:
        self.starts: list[int] = []
        self.end = 0
        self._rows, self._columns = 0, 0
        self._buffers: Layers = []
        self._first, self._fresh = 0, [1]
        self._cache = _cache(self, layers)

    def clear(self) -> None:
        self.starts, self.end, self._rows, self._columns, self._buffers = [], 0, 0, 0, []

    def low(self, first: int = 0) -> int:
        """The first column that any row from `first` on has."""
        return min(self.starts[first:], default=self.end)

    def add(self, lengths: Sequence[int]) -> None:
        """Append rows for prompts of so many tokens, of which nothing is known yet."""
        self._make_room(len(self.starts) + len(lengths), max(lengths))
        for length in lengths:
            self.starts.append(self.end - length)
            for buffer in self._each():
                buffer[len(self.starts) - 1, :, : self.starts[-1]] = 0

    def put(self, row: int, layers: Layers, length: int) -> None:
        """The first tokens of a row, out of (1, heads, ≥ length, size) a layer."""
        span = slice(self.starts[row], self.starts[row] + length)
        for (keys, values), (k, v) in zip(self._made(layers), layers, strict=True):
            keys[row, :, span], values[row, :, span] = k[0, :, :length], v[0, :, :length]

    def drop(self, row: int) -> None:
        """Let `row` go; the last row takes its place, so callers swap their own lists alike."""
        last, low = len(self.starts) - 1, self.low()
        if row != last:
            for buffer in self._each():
                buffer[row, :, low : self.end] = buffer[last, :, low : self.end]
        self.starts[row] = self.starts[last]
        self.starts.pop()

    def row(self, row: int) -> Layers:
        """A copy of one row's keys and values, (1, heads, length, size) each."""
        span = slice(self.starts[row], self.end)
        return [(k[row : row + 1, :, span].clone(), v[row : row + 1, :, span].clone()) for k, v in self._buffers]

    def open_column(self) -> None:
        """Make room for one more token of every row."""
        if self.end == self._columns:
            self._make_room(len(self.starts), 0)
        self.end += 1

    def cache(self, first: int, fresh: Sequence[int]) -> Any:
        """This window as transformers' cache, for a pass over the rows from `first` on.

        It writes the last tokens of each row, as many as `fresh` says, padded on the left to the same number.
        """
        self._first, self._fresh = first, list(fresh)
        return self._cache

    def past(self) -> int:
        """Columns that a pass looks at beside the ones that it writes."""
        return self.end - max(self._fresh) - self.low(self._first)

    def write(self, layer: int, keys: Any, values: Any) -> tuple[Any, Any]:
        """Put the tokens of a pass in their places; all columns of its rows, for attention."""
        if layer == len(self._buffers):
            self._buffers.append((self._new(keys), self._new(values)))
        first, width, span = self._first, keys.shape[2], slice(self.low(self._first), self.end)
        rows = slice(first, first + len(self._fresh))
        for ours, theirs in zip(self._buffers[layer], (keys, values), strict=True):
            if min(self._fresh) == width:
                ours[rows, :, self.end - width : self.end] = theirs
                continue
            for at, length in enumerate(self._fresh):
                ours[first + at, :, self.end - length : self.end] = theirs[at, :, width - length :]
        return self._buffers[layer][0][rows, :, span], self._buffers[layer][1][rows, :, span]

    def _each(self) -> list[Any]:
        return [buffer for pair in self._buffers for buffer in pair]

    def _made(self, like: Layers) -> Layers:
        """The buffers, which are of the model's making."""
        if not self._buffers:
            self._buffers = [(self._new(k), self._new(v)) for k, v in like]
        return self._buffers

    def _new(self, like: Any) -> Any:
        return like.new_zeros(self._rows, like.shape[1], self._columns, like.shape[3])

    def _make_room(self, rows: int, length: int) -> None:
        """Room for so many rows of so many columns, and for columns to come."""
        live = self.end - self.low()
        end = max(length, live)
        wide = max(self._columns, end + SLACK)
        if not self.starts and self._rows * wide > ROOMY * max(rows, ROWS) * (end + SLACK):
            self.clear()  # what was made for a crowd is not kept for a few
        if rows > self._rows or end + SLACK // 2 > self._columns:
            self._rows = max(rows, 2 * self._rows, ROWS) if rows > self._rows else self._rows
            self._columns = max(self._columns, end + SLACK)
        elif length <= self.end < self._columns:
            return
        self._move(live, end)

    def _move(self, live: int, end: int) -> None:
        """What is in flight, the last `live` columns, is to end at column `end`."""
        rows = len(self.starts)

        def moved(old: Any) -> Any:
            new = self._new_or_same(old)
            if rows:
                span = old[:rows, :, self.end - live : self.end]
                new[:rows, :, end - live : end] = span.clone() if new is old else span
                new[:rows, :, : end - live] = 0
            return new

        self._buffers = [(moved(k), moved(v)) for k, v in self._buffers]
        self.starts = [start + end - self.end for start in self.starts]
        self.end = end

    def _new_or_same(self, old: Any) -> Any:
        shape = (self._rows, old.shape[1], self._columns, old.shape[3])
        return old if old.shape == shape else old.new_empty(shape)


def _cache(window: Window, layers: int) -> Any:
    """A cache object as transformers' models write to, whose layers are the window's."""
    from transformers.cache_utils import Cache, DynamicLayer

    class Column(DynamicLayer):
        def __init__(self, index: int) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.index = index

        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            return window.write(self.index, key_states, value_states)

        def get_seq_length(self) -> int:
            return window.past()

    return Cache(layers=[Column(index) for index in range(layers)])
