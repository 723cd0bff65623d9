"""What an agent is trained on is byte for byte what it is sent at run time, and the loss is on its turns only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from autoact.core.records import ROLES, Example
from autoact.core.store import Store
from autoact.models.chat_format import as_chat, to_ids
from autoact.models.engine import load_tokenizer
from autoact.training.rows import UNLABELLED, to_rows

Chat = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def tokenizer(town: Any) -> Any:
    return load_tokenizer(town.SEED)


def examples(learned: Any) -> Iterator[Example]:
    for role in ROLES:
        yield from Store(learned.path / f"rounds/00/{role}.jsonl", Example)


def as_pairs(messages: Any) -> Chat:
    return tuple((message.role, message.content) for message in messages)


def sent(learned: Any) -> set[Chat]:
    """Every prompt that the graph sent while the trajectories were played."""
    chats = (as_chat(call) for call in learned.model.calls)
    return {tuple((turn["role"], turn["content"]) for turn in chat) for chat in chats}


def test_before_every_trained_turn_stands_a_prompt_that_was_sent(learned: Any) -> None:
    prompts, checked = sent(learned), 0
    for example in examples(learned):
        for number, message in enumerate(example.messages):
            if message.learn:
                assert as_pairs(example.messages[:number]) in prompts
                checked += 1
    assert checked > 100


def test_the_trained_turns_are_those_of_the_role(learned: Any) -> None:
    opening = {"plan": "Thought:", "reflect": "Thought:"}
    for example in examples(learned):
        for number, message in enumerate(example.messages):
            before = example.messages[number - 1].content
            role = (
                "reflect" if before == "Is this answer right?" else "tool" if before.startswith("Input for") else "plan"
            )
            assert message.learn == (message.role == "assistant" and role == example.role)
            if message.learn:
                assert message.content.startswith(opening.get(role, ""))


def test_the_tokens_before_a_trained_turn_are_those_of_the_run_time_prompt(learned: Any, tokenizer: Any) -> None:
    for example in examples(learned):
        row = to_rows(tokenizer, [example], 10_000).rows[0]
        chat = [{"role": m.role, "content": m.content} for m in example.messages]
        labelled: set[int] = set()
        for number, message in enumerate(example.messages):
            if message.learn:
                prompt = to_ids(tokenizer, chat[:number], generate=True)
                turn = to_ids(tokenizer, chat[: number + 1], generate=False)
                assert row["input_ids"][: len(turn)] == turn
                assert turn[: len(prompt)] == prompt
                labelled |= set(range(len(prompt), len(turn)))
        marked = {at for at, label in enumerate(row["labels"]) if label != UNLABELLED}
        assert marked == labelled
        assert all(row["labels"][at] == row["input_ids"][at] for at in marked)


def test_the_closing_token_is_learned(learned: Any, tokenizer: Any) -> None:
    row = to_rows(tokenizer, [next(examples(learned))], 10_000).rows[0]
    assert tokenizer.eos_token_id in row["labels"]


def test_a_long_conversation_is_cut_after_a_trained_turn_and_a_hopeless_one_is_dropped(
    learned: Any, tokenizer: Any
) -> None:
    example = max(examples(learned), key=lambda item: sum(m.learn for m in item.messages))
    whole = to_rows(tokenizer, [example], 10_000).rows[0]
    cut = to_rows(tokenizer, [example], len(whole["input_ids"]) - 1).rows[0]
    assert cut["labels"][-1] == tokenizer.eos_token_id
    assert cut["input_ids"] == whole["input_ids"][: len(cut["input_ids"])]
    assert to_rows(tokenizer, [example], 20).dropped == 1


def test_a_template_that_is_not_prefix_stable_gets_a_row_a_turn(learned: Any, town: Any) -> None:
    unstable = load_tokenizer(town.SEED)
    unstable.chat_template = unstable.chat_template.replace(
        "message['content']", "(message['content'] if loop.last or message['role'] != 'assistant' else '')"
    )
    example = max(examples(learned), key=lambda item: sum(m.learn for m in item.messages))
    data = to_rows(unstable, [example], 10_000)
    assert "prefix-stable" in data.note
    assert len(data.rows) == sum(message.learn for message in example.messages)
    turns = [number for number, message in enumerate(example.messages) if message.learn]
    chat = [{"role": m.role, "content": m.content} for m in example.messages]
    for row, number in zip(data.rows, turns, strict=True):
        prompt = to_ids(unstable, chat[:number], generate=True)
        assert row["input_ids"] == to_ids(unstable, chat[: number + 1], generate=False)
        assert row["labels"] == [UNLABELLED] * len(prompt) + row["input_ids"][len(prompt) :]
