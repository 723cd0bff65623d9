"""What an agent is trained on is byte for byte what it is sent at run time, and the loss is on its turns only."""

from __future__ import annotations

import random
import runpy
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autoact.core.records import REFLECT, ROLES, Example, QAPair, Question, Scored, Step
from autoact.core.store import Store
from autoact.examples.atlas.atlas import FOLDER, atlas, split
from autoact.examples.atlas.choice import put_plainly
from autoact.examples.atlas.play import play
from autoact.examples.atlas.world import questions
from autoact.graph.run_folder import open_run
from autoact.models.chat_format import as_chat, to_ids
from autoact.models.engine import load_tokenizer
from autoact.prompts.render import Brief, Turn, plan_chat, reflect_chat, tool_chat
from autoact.tools.library import FINISH_CARD, build_tools, card
from autoact.training.examples import example
from autoact.training.rows import UNLABELLED, to_rows
from autoact.training.variants import brief_for

CORPUS = FOLDER / "corpus.jsonl"
TINY = runpy.run_path(str(Path(__file__).parents[1] / "tiny_llama.py"))

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
    for item in examples(learned):
        for number, message in enumerate(item.messages):
            if message.learn:
                assert as_pairs(item.messages[:number]) in prompts
                checked += 1
    assert checked > 100


def test_the_trained_turns_are_those_of_the_role(learned: Any) -> None:
    opening = {"plan": "Thought:", "reflect": "Thought:"}
    for item in examples(learned):
        for number, message in enumerate(item.messages):
            before = item.messages[number - 1].content
            role = (
                "reflect" if before == "Is this answer right?" else "tool" if before.startswith("Input for") else "plan"
            )
            assert message.learn == (message.role == "assistant" and role == item.role)
            if message.learn:
                assert message.content.startswith(opening.get(role, ""))


def prompts_of(role: str, brief: Brief, question: Question, steps: Sequence[Step]) -> Iterator[list[Turn]]:
    """What the agent of a role is sent, state after state of a trajectory."""
    for number, step in enumerate(steps):
        before = steps[:number]
        if role == "reflect" and step.tool == REFLECT:
            yield reflect_chat(brief, question, before)
        elif role == "plan" and step.tool != REFLECT:
            yield plan_chat(brief, question, before)
        elif role == "tool" and step.tool in brief.names():
            yield tool_chat(brief, question, before, step.thought, step.tool)


def assert_same_tokens(tokenizer: Any, item: Example, prompts: Iterable[list[Turn]]) -> int:
    """The tokens before each turn to learn are those of the prompt, the labels what is learned of it; how many."""
    row, said = to_rows(tokenizer, [item], 10_000).rows[0], [m for m in item.messages if m.learn]
    ids, labels, end = row["input_ids"], row["labels"], 0
    for prompt, turn in zip(prompts, said, strict=True):
        asked = to_ids(tokenizer, [{"role": part.role, "content": part.text} for part in prompt], generate=True)
        assert ids[: len(asked)] == asked
        assert set(labels[end : len(asked)]) <= {UNLABELLED}
        end = len(asked) + labels[len(asked) :].index(tokenizer.eos_token_id) + 1
        learned = [label for label in labels[len(asked) : end] if label != UNLABELLED]
        assert labels[end - len(learned) : end] == learned == ids[end - len(learned) : end]
        # The seed's template opens a turn with a space, which its tokens of words have in front.
        assert tokenizer.decode(ids[len(asked) : end]).removeprefix(" ") == turn.content + tokenizer.eos_token
        assert tokenizer.decode(learned).removeprefix(" ") == turn.content[turn.given :] + tokenizer.eos_token
    assert set(labels[end:]) <= {UNLABELLED}
    return len(said)


@pytest.mark.parametrize("name", ["seed", "tiny"])
def test_the_tokens_before_every_trained_turn_are_those_of_the_agents_prompt(
    name: str, learned: Any, tokenizer: Any
) -> None:
    other = {"seed": lambda: tokenizer, "tiny": TINY["make_tokenizer"]}[name]()
    run, counted = open_run(learned.path), 0
    played = {scored.id: scored.trajectory for scored in Store(learned.path / "rounds/00/trajectories.jsonl", Scored)}
    pairs = {pair.id: pair for pair in Store(learned.path / "questions.jsonl", QAPair)}
    for item in examples(learned):
        trajectory = played[item.id]
        prompts = list(prompts_of(item.role, brief_for(run), pairs[trajectory.question_id].shown(), trajectory.steps))
        # What is to be judged ends with the verdict that is learned last.
        prompts = prompts[: sum(message.learn for message in item.messages)]
        counted += assert_same_tokens(other, item, prompts)
    assert counted > 100


def test_on_atlas_the_tokens_are_those_of_the_agents_prompts(tokenizer: Any) -> None:
    world, rng, tools = atlas(), random.Random(0), ("Search", "Retrieve", "Lookup")
    brief = Brief(world.description(), (*(card(tool) for tool in build_tools(tools, CORPUS)), FINISH_CARD))
    corpus, things, counted = world.corpus(), split(world)["test"], 0
    for number in range(20):
        put = put_plainly(world, rng.choice(list(questions(world, rng.choice(things)))))
        steps = play(world, corpus, put, tools, rng)
        pair = QAPair(str(number), put.question, "")
        for role in ROLES:
            prompts = prompts_of(role, brief, pair.shown(), steps)
            made = example(role, brief, pair, str(number), steps, 0.1, 0)
            if any(message.learn for message in made.messages):
                counted += assert_same_tokens(tokenizer, made, prompts)
    assert counted > 150


def test_the_closing_token_is_learned(learned: Any, tokenizer: Any) -> None:
    row = to_rows(tokenizer, [next(examples(learned))], 10_000).rows[0]
    assert tokenizer.eos_token_id in row["labels"]


def test_a_long_conversation_is_cut_after_a_trained_turn_and_a_hopeless_one_is_dropped(
    learned: Any, tokenizer: Any
) -> None:
    example = max(examples(learned), key=lambda item: sum(m.learn for m in item.messages))
    whole = to_rows(tokenizer, [example], 10_000).rows[0]
    data = to_rows(tokenizer, [example], len(whole["input_ids"]) - 1)
    cut = data.rows[0]
    assert (data.dropped, data.cut) == (0, 1)
    assert cut["labels"][-1] == tokenizer.eos_token_id
    assert cut["input_ids"] == whole["input_ids"][: len(cut["input_ids"])]
    hopeless = to_rows(tokenizer, [example], 20)
    assert (hopeless.dropped, hopeless.cut, hopeless.rows) == (1, 0, [])


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
