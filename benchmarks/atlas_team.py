"""Atlas's model with three adapters, and the prompts that its agents are sent: what benchmarks/engine.py measures with.

    adapters = adapters_of(None, folder)       # {"plan": folder/"plan-1", …}, made on the spot
    next(episodes())                           # the chats of one episode, each longer than the one before
    widened(folder, 64)                        # a model that says the same and computes for 64 times as wide a layer

Made adapters are as large as Atlas's own (rank 8 on q and v) and change nothing, so turns are as long as the seed
model's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from autoact.core.records import REFLECT, ROLES, Question, Step, Team
from autoact.core.store import read_record
from autoact.examples.atlas.atlas import FOLDER, atlas, split
from autoact.examples.atlas.choice import put_plainly
from autoact.examples.atlas.play import play
from autoact.examples.atlas.world import questions
from autoact.models.chat_format import Chat
from autoact.prompts.render import Brief, Turn, plan_chat, reflect_chat, tool_chat
from autoact.tools.library import FINISH_CARD, build_tools, card

SEED = FOLDER / "seed"
TOOLS = ("Search", "Retrieve", "Lookup")


def adapters_of(run: Path | None, folder: Path, model: Path = SEED) -> dict[str, Path]:
    """The adapters of a run by role, or new ones for `model` in `folder`."""
    if run:
        return {role: run / path for role, path in read_record(run / "team.json", Team).adapters.items()}
    return {role: _made(folder / f"{role}-1", model) for role in ROLES}


def _made(folder: Path, model: Path) -> Path:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(model), config).save_pretrained(str(folder))
    return folder


def widened(folder: Path, times: int) -> Path:
    """Atlas's model, its feed-forward layers so many times as wide by units that are zero; it says the same."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    seed = AutoModelForCausalLM.from_pretrained(SEED)
    size = times * seed.config.intermediate_size
    wide = type(seed)(type(seed.config)(**seed.config.to_dict() | {"intermediate_size": size}))
    with torch.no_grad():
        for ours, theirs in zip(wide.parameters(), seed.parameters(), strict=True):
            ours.zero_()
            ours[tuple(slice(length) for length in theirs.shape)] = theirs
    wide.save_pretrained(folder)
    AutoTokenizer.from_pretrained(SEED).save_pretrained(folder)
    return folder


def episodes() -> Iterator[list[Chat]]:
    """The prompts of scripted play on Atlas's test questions, one episode after the other; endless."""
    world, rng = atlas(), random.Random(0)
    corpus, things = world.corpus(), split(world)["test"]
    cards = (*(card(tool) for tool in build_tools(TOOLS, FOLDER / "corpus.jsonl")), FINISH_CARD)
    brief = Brief(world.description(), cards)
    while True:
        put = put_plainly(world, rng.choice(list(questions(world, rng.choice(things)))))
        steps = play(world, corpus, put, TOOLS, rng)
        yield [_chat(turns) for turns in _prompts(brief, put.shown(), steps)]


def _prompts(brief: Brief, question: Question, steps: Sequence[Step]) -> Iterator[list[Turn]]:
    for number, step in enumerate(steps):
        before = steps[:number]
        if step.tool == REFLECT:
            yield reflect_chat(brief, question, before)
            continue
        yield plan_chat(brief, question, before)
        yield tool_chat(brief, question, before, step.thought, step.tool)


def _chat(turns: Sequence[Turn]) -> Chat:
    return [{"role": turn.role, "content": turn.text} for turn in turns]
