"""What is kept of a finished request saves work and changes no answer."""

from __future__ import annotations

import random
from pathlib import Path

import torch

from autoact.models.engine import Engine, Request
from autoact.models.prefix import PrefixStore, common


def layers(tokens: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.zeros(1, 1, tokens, 1), torch.zeros(1, 1, tokens, 1))]


def packed(count: int) -> bytes:
    from array import array

    return array("q", range(count)).tobytes()


def test_the_longest_common_prefix_is_found_per_adapter() -> None:
    store = PrefixStore(10**6)
    store.keep("plan", range(40), layers(40))
    store.keep("plan", [*range(30), 7, 7, 7], layers(33))
    assert store.find("plan", [*range(35), 9]).length == 35
    assert store.find("plan", [*range(30), 7, 8]).length == 31
    assert store.find("tool", range(40)).length == 0


def test_the_last_token_is_always_left_to_compute() -> None:
    store = PrefixStore(10**6)
    store.keep(None, range(40), layers(40))
    assert store.find(None, range(40)).length == 39


def test_a_grown_conversation_replaces_itself_and_the_oldest_goes_first() -> None:
    store = PrefixStore(max_bytes=8 * 100)
    store.keep("a", range(40), layers(40))
    store.keep("a", range(60), layers(60))
    store.keep("b", range(40), layers(40))
    assert store.find("a", range(61)).length == 60
    store.keep("c", range(30), layers(30))
    assert [store.find(name, range(61)).length for name in "abc"] == [60, 0, 30]


def test_what_is_larger_than_the_store_is_not_kept_and_drives_nothing_out() -> None:
    store = PrefixStore(max_bytes=8 * 100)
    store.keep("a", range(40), layers(40))
    store.keep("b", range(200), layers(200))
    assert [store.find(name, range(61)).length for name in "ab"] == [40, 0]


def test_common_counts_whole_tokens() -> None:
    assert common(packed(20), packed(30)) == 20
    assert common(b"", packed(3)) == 0


def grow(engine: Engine, rounds: int = 5) -> list[str]:
    """Twelve conversations that grow together, as episodes do; every text said, in order."""
    draw, said = random.Random(3), []
    system = [draw.randrange(5, 300) for _ in range(30)]
    chats = [[*system, *(draw.randrange(5, 300) for _ in range(draw.randrange(1, 40)))] for _ in range(12)]
    for turn in range(rounds):
        adapters = [(None, "plan")[(turn + at) % 2] for at in range(len(chats))]
        pairs = zip(chats, adapters, strict=True)
        asked = [engine.submit(Request(list(chat), name, max_tokens=9)) for chat, name in pairs]
        said += [future.result(timeout=60).text for future in asked]
        for chat in chats:
            chat += [draw.randrange(5, 300) for _ in range(draw.randrange(1, 30))]
    return said


def test_reuse_changes_no_answer(home: Path) -> None:
    adapters = {"plan": home / "plan-1"}
    fresh = Engine(str(home / "base"), adapters, threads=1, prefix_bytes=0)
    thrifty = Engine(str(home / "base"), adapters, threads=1)
    tight = Engine(str(home / "base"), adapters, threads=1, prefix_bytes=200_000)
    assert grow(fresh) == grow(thrifty) == grow(thrifty) == grow(tight)
    for engine in (fresh, thrifty, tight):
        engine.close()
