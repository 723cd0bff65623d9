"""Parts of the questions, and records taken over from another store."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoact.core.errors import UserError
from autoact.core.progress import Silent
from autoact.core.records import QAPair, Reward, Scored, Trajectory
from autoact.core.shard import Shard, shard_of, take_over
from autoact.core.store import Store

PAIRS = [QAPair(f"q{number}", "?", "a") for number in range(200)]


def test_every_question_is_in_one_shard_and_shards_are_about_equal() -> None:
    shares = [Shard(number, 4).share(PAIRS) for number in (1, 2, 3, 4)]
    assert sorted(pair.id for share in shares for pair in share) == sorted(pair.id for pair in PAIRS)
    assert all(35 <= len(share) <= 65 for share in shares)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2"])
def test_a_wrong_shard_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match="is no part; write 1/4 for the first of four"):
        shard_of(text)


def scored(name: str, reward: float) -> Scored:
    return Scored(Trajectory(f"{name}/0", name, (), "a", "answered"), Reward(reward, False))


def test_what_is_taken_over_is_what_was_lacking(tmp_path: Path) -> None:
    ours, theirs = (Store(tmp_path / name, Scored) for name in ("ours", "theirs"))
    ours.append(scored("a", 1))
    theirs.append(scored("a", 0), scored("b", 0.5))
    take_over(ours, theirs, Silent())
    assert list(Store(tmp_path / "ours", Scored)) == [scored("a", 1), scored("b", 0.5)]


def test_only_what_is_wanted_is_taken_over(tmp_path: Path) -> None:
    ours, theirs = (Store(tmp_path / name, Scored) for name in ("ours", "theirs"))
    theirs.append(scored("a", 0), scored("b", 0.5))
    take_over(ours, theirs, Silent(), lambda each: each.id == "b/0")
    assert list(ours) == [scored("b", 0.5)]
