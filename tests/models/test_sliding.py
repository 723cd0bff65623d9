"""A model whose attention reaches back a few tokens only says in a mixed batch what it says alone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import ModelError, PromptTooLong
from autoact.models.engine import Engine, Request


@pytest.fixture
def saved(tmp_path: Path, make_tokenizer: Callable[[], Any]) -> Callable[..., Any]:
    """`saved(kind, **own)`: a tiny random model of a configuration, saved in the test's folder with its tokenizer."""

    def save(kind: str, **own: Any) -> Any:
        import torch
        import transformers

        tokenizer = make_tokenizer()
        tokenizer.save_pretrained(tmp_path)
        torch.manual_seed(0)
        config = getattr(transformers, kind)(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            initializer_range=0.4,
            **own,
        )
        model = transformers.AutoModelForCausalLM.from_config(config).eval()
        model.save_pretrained(tmp_path)
        return model

    return save


@pytest.fixture
def mistral(saved: Callable[..., Any]) -> Any:
    """One that looks back twelve tokens."""
    return saved("MistralConfig", head_dim=8, sliding_window=12)


def said_alone(model: Any, request: Request) -> list[int]:
    import torch

    ids = torch.tensor([list(request.ids)])
    settings = {"max_new_tokens": request.max_tokens, "do_sample": False, "use_cache": False}
    return list(
        map(int, model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **settings)[0, ids.numel() :])
    )


def requests(longest: int) -> list[Request]:
    draw = random.Random(0)
    return [
        Request([draw.randrange(5, 300) for _ in range(draw.randrange(1, longest))], max_tokens=draw.randrange(1, 30))
        for _ in range(24)
    ]


def said_together(folder: Path, asked: list[Request]) -> list[list[int]]:
    draw, engine = random.Random(1), Engine(str(folder), threads=1)
    futures = []
    for request in asked:
        futures.append(engine.submit(request))
        time.sleep(draw.choice([0, 0, 0.003]))
    said = [list(future.result(timeout=60).tokens) for future in futures]
    engine.close()
    return said


def test_a_mixed_batch_says_what_each_says_alone(mistral: Any, tmp_path: Path) -> None:
    asked = requests(longest=60)
    assert said_together(tmp_path, asked) == [said_alone(mistral, one) for one in asked]


def test_prompts_of_several_passes_say_what_each_says_alone(mistral: Any, tmp_path: Path, bound: int) -> None:
    asked = requests(longest=4 * bound)
    assert said_together(tmp_path, asked) == [said_alone(mistral, one) for one in asked]


def test_what_is_kept_of_a_request_is_gone_on_from(mistral: Any, tmp_path: Path) -> None:
    draw, engine = random.Random(2), Engine(str(tmp_path), threads=1)
    asked = requests(longest=60)
    for _ in range(3):
        said = [future.result(timeout=60) for future in [engine.submit(request) for request in asked]]
        assert [list(each.tokens) for each in said] == [said_alone(mistral, request) for request in asked]
        more = [[draw.randrange(5, 300) for _ in range(draw.randrange(1, 20))] for _ in asked]
        asked = [
            replace(request, ids=[*request.ids, *each.tokens, *new])
            for request, each, new in zip(asked, said, more, strict=True)
        ]
    assert engine.profile()["spent"][tmp_path.name]["reused"] > 1000
    engine.close()


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("Llama4TextConfig", {"head_dim": 8, "attention_chunk_size": 12, "num_local_experts": 2}),
        ("FalconConfig", {"alibi": True}),
    ],
)
def test_other_attention_that_needs_to_know_each_rows_beginning(
    saved: Callable[..., Any], tmp_path: Path, kind: str, own: dict[str, Any]
) -> None:
    model, asked = saved(kind, **own), requests(longest=60)
    assert said_together(tmp_path, asked) == [said_alone(model, one) for one in asked]


def test_a_model_of_which_some_layers_keep_a_state_is_refused(saved: Callable[..., Any], tmp_path: Path) -> None:
    saved("Lfm2Config", layer_types=["conv", "full_attention", "conv"])
    with pytest.raises(ModelError, match="keeps a recurrent state, which the engine cannot batch: use vLLM for it"):
        Engine(str(tmp_path))


def test_positions_that_a_longer_row_would_change_are_beyond_the_window(
    saved: Callable[..., Any], tmp_path: Path
) -> None:
    rope = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4, "long_factor": [8.0] * 4}
    model = saved("Phi3Config", rope_parameters=rope, original_max_position_embeddings=64)
    asked = requests(longest=34)
    assert said_together(tmp_path, asked) == [said_alone(model, one) for one in asked]
    with closing(Engine(str(tmp_path), threads=1)) as engine, pytest.raises(PromptTooLong, match="window is 64"):
        engine.submit(Request([5] * 60, max_tokens=5))
