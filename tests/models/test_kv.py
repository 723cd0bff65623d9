"""Whatever joins, leaves and grows, each row of the window holds its own keys and values, and zeros before them."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from autoact.models.kv import SLACK, Window

HEADS, SIZE = 2, 3


def tensor(rows: list[list[int]]) -> Any:
    """Keys that tell their token: (rows, heads, columns, size), padded on the left with NaN."""
    width = max(map(len, rows))
    padded = [[float("nan")] * (width - len(row)) + [float(token) for token in row] for row in rows]
    return torch.tensor(padded)[:, None, :, None].expand(-1, HEADS, -1, SIZE).contiguous()


class Told:
    """A window beside lists of what its rows hold."""

    def __init__(self) -> None:
        self.window = Window(layers=2)
        self.rows: list[list[int]] = []

    def join(self, known: list[list[int]], new: list[list[int]]) -> None:
        first = len(self.rows)
        self.window.add([len(old) + len(more) for old, more in zip(known, new, strict=True)])
        for row, old in enumerate(known, first):
            if old:
                self.window.put(row, [(tensor([old]), -tensor([old]))] * 2, len(old))
        self.rows += [old + more for old, more in zip(known, new, strict=True)]
        self.write(first, new)

    def step(self, tokens: list[int]) -> None:
        self.window.open_column()
        self.rows = [[*row, token] for row, token in zip(self.rows, tokens, strict=True)]
        self.write(0, [[token] for token in tokens])

    def write(self, first: int, new: list[list[int]]) -> None:
        cache = self.window.cache(first, [len(row) for row in new])
        past = cache.get_seq_length()
        for layer in range(2):
            keys, values = cache.update(tensor(new), -tensor(new), layer)
            assert keys.shape[2] == past + max(map(len, new))
            for at, row in enumerate(self.rows[first:]):
                before = keys.shape[2] - len(row)
                expected = [0.0] * before + [float(token) for token in row]
                assert keys[at, 0, :, 0].tolist() == expected
                assert (-values[at, 1, :, 2]).tolist() == expected

    def leave(self, row: int) -> None:
        self.window.drop(row)
        self.rows[row] = self.rows[-1]
        self.rows.pop()

    def check(self) -> None:
        for at, row in enumerate(self.rows):
            for keys, values in self.window.row(at):
                assert keys[0, 1, :, 1].tolist() == row
                assert (-values[0, 0, :, 0]).tolist() == row


@pytest.mark.parametrize("seed", range(12))
def test_each_row_holds_its_own_through_any_coming_and_going(seed: int) -> None:
    draw, told = random.Random(seed), Told()

    def some(least: int, most: int) -> list[int]:
        return [draw.randrange(1, 1000) for _ in range(draw.randrange(least, most))]

    for _ in range(30):
        act = draw.random()
        if act < 0.3 or not told.rows:
            count = draw.randrange(1, 6)
            told.join([some(0, 60) for _ in range(count)], [some(1, 60) for _ in range(count)])
        elif act < 0.7:
            for _ in range(draw.randrange(1, 40)):
                told.step([draw.randrange(1, 1000) for _ in told.rows])
        else:
            told.leave(draw.randrange(len(told.rows)))
        told.check()


def test_a_long_row_makes_the_window_no_longer_than_it_is() -> None:
    told = Told()
    told.join([[]], [[1, 2, 3]])
    for turn in range(1000):
        told.step([turn] * len(told.rows))
        if turn % 50 == 0:
            told.join([[]], [[4, 5]])
            told.leave(0)
            told.check()
    assert told.window.end < 2 * SLACK


def test_what_was_made_for_a_crowd_is_not_kept_for_a_few() -> None:
    told = Told()
    told.join([[]] * 64, [[row] * 40 for row in range(64)])
    crowd = told.window._rows * told.window._columns
    for row in reversed(range(64)):
        told.window.drop(row)
    told.rows.clear()
    told.join([[]], [[1] * 700])
    told.check()
    assert told.window._rows * told.window._columns < crowd
