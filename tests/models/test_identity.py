"""Whoever is in flight beside it, a greedy request says what transformers' `generate` says without a cache, alone.

Token by token; exact ties, where rounding decides, are counted apart.
"""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autoact.models.engine import Completion, Engine, Request

MIXES = 200
# Logits here are up to 9; in batches of another shape the same one was seen to round 2e-5 apart.
TIE = 1e-4
ADAPTERS = (None, "plan", "tool", "reflect")
Speaker = dict[str | None, Any]


def pool(count: int) -> list[Request]:
    """Requests of which many begin alike, so that prefixes are found."""
    draw = random.Random(0)
    roots = [[draw.randrange(5, 300) for _ in range(60)] for _ in range(4)]
    prompts = [
        [*draw.choice(roots)[: draw.randrange(1, 60)], *(draw.randrange(5, 300) for _ in range(draw.randrange(1, 20)))]
        for _ in range(count)
    ]
    return [Request(ids, draw.choice(ADAPTERS), draw.randrange(1, 20)) for ids in prompts]


@pytest.fixture(scope="module")
def speakers(home: Path) -> Speaker:
    """The base, and for each adapter a model that holds it alone."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    bases = {name: AutoModelForCausalLM.from_pretrained(home / "base") for name in ADAPTERS}
    return {
        name: PeftModel.from_pretrained(base, str(home / f"{name}-1")) if name else base for name, base in bases.items()
    }


def reference(speakers: Speaker, request: Request) -> list[int]:
    import torch

    ids = torch.tensor([list(request.ids)])
    kwargs = {"max_new_tokens": request.max_tokens, "do_sample": False, "use_cache": False}
    out = speakers[request.adapter].eval().generate(input_ids=ids, attention_mask=torch.ones_like(ids), **kwargs)
    return [int(token) for token in out[0, ids.shape[1] :]]


def tied(speakers: Speaker, request: Request, expected: list[int], said: Completion) -> bool:
    """Whether the two part at an exact tie: they say the two likeliest tokens, whose logits are less than TIE apart."""
    import torch

    at = next(at for at, pair in enumerate(zip(expected, said.tokens, strict=False)) if len(set(pair)) == 2)
    with torch.inference_mode():
        logits = speakers[request.adapter](torch.tensor([[*request.ids, *expected[:at]]])).logits[0, -1]
    best = logits.topk(2)
    return bool(best.values[0] - best.values[1] < TIE) and {expected[at], said.tokens[at]} == set(best.indices.tolist())


def test_200_random_mixes_say_token_by_token_what_each_request_says_alone(engine: Engine, speakers: Speaker) -> None:
    asked = pool(60)
    expected = [reference(speakers, request) for request in asked]
    draw, ties = random.Random(1), 0
    for _ in range(MIXES):
        mix = [draw.randrange(len(asked)) for _ in range(draw.randrange(2, 9))]
        futures = []
        for number in mix:
            futures.append(engine.submit(asked[number]))
            time.sleep(draw.choice([0, 0, 0.002]))
        for number, future in zip(mix, futures, strict=True):
            said = future.result(timeout=60)
            if list(said.tokens) != expected[number]:
                assert tied(speakers, asked[number], expected[number], said)
                ties += 1
    assert ties <= MIXES // 100


@pytest.mark.parametrize("prefix_bytes", [0, 1 << 30])
def test_prompts_of_several_passes_say_in_any_mix_what_each_says_alone(
    home: Path, speakers: Speaker, bound: int, prefix_bytes: int
) -> None:
    draw = random.Random(2)
    root = [draw.randrange(5, 300) for _ in range(300)]
    asked = [
        Request(
            [*root[: draw.choice([0, 30, 300])], *(draw.randrange(5, 300) for _ in range(draw.choice([5, 90, 180])))],
            draw.choice(ADAPTERS),
            draw.randrange(1, 12),
        )
        for _ in range(40)
    ]
    assert sum(len(request.ids) > bound for request in asked) > 20
    adapters = {role: home / f"{role}-1" for role in ADAPTERS if role}
    engine = Engine(str(home / "base"), adapters, threads=1, prefix_bytes=prefix_bytes)
    said = [future.result(timeout=60).tokens for future in [engine.submit(request) for request in asked]]
    engine.close()
    assert [list(tokens) for tokens in said] == [reference(speakers, request) for request in asked]


def test_each_adapter_says_something_else(speakers: Speaker) -> None:
    said = partial(reference, speakers)
    assert len({tuple(said(Request([9, 10, 11], adapter, 12))) for adapter in ADAPTERS}) == 4
