"""What is claimed of Atlas's META-AGENT beside rewards: the questions that it writes, and the tools that it selects."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from autoact.core.contamination import question_keys
from autoact.core.progress import Silent
from autoact.core.records import QAPair
from autoact.examples.atlas.atlas import atlas
from autoact.examples.atlas.lessons import known_pairs
from autoact.examples.atlas.world import question_of, questions
from autoact.graph.run_folder import RunFolder
from autoact.models.load import close_model, load_model
from autoact.tools.toolbox import offered_tools
from autoact.training.selection import select_tools

SUFFICIENT, AT_MOST = {"Retrieve", "Lookup", "Search"}, 4
SHUFFLES = 10


def question_facts(written: Sequence[QAPair]) -> dict[str, int]:
    """How many questions were written, have the right answer, and are not in the seed model's text."""
    seen = frozenset[str]().union(*(_plain(pair) for choice in (False, True) for pair in known_pairs(choice)))
    return {
        "questions": len(written),
        "right": sum(map(is_right, written)),
        "unseen": sum(not _plain(pair) & seen for pair in written),
    }


def is_right(pair: QAPair) -> bool:
    """Whether a question that the META-AGENT wrote has the right answer, by the facts of Atlas."""
    world = atlas()
    if group := pair.question.removeprefix("Which of these lies in ").removesuffix("?") if pair.choices else "":
        groups = {thing.name: thing.group for thing in world.things}
        if group in groups.values():
            return [name for name in pair.choices if groups.get(name) == group] == [pair.answer]
    return pair.answer in _answers().get(pair.question, ())


@cache
def _answers() -> Mapping[str, set[str]]:
    world, answers = atlas(), dict[str, set[str]]()
    for thing in world.things:
        for asked in questions(world, thing):
            answers.setdefault(question_of(world, asked), set()).add(asked.answer)
    return answers


def _plain(pair: QAPair) -> frozenset[str]:
    """What makes a question the same as another: its words, and its choices where it says nothing without them."""
    shown = pair.shown()
    member = pair.question.startswith("Which of these")
    return question_keys([shown if member else replace(shown, choices=(), context="")])


def usable_selections(run: RunFolder) -> int:
    """How often the META-AGENT selects all that is needed from the tools on offer, shuffled."""
    offered = offered_tools(run.task)
    model = load_model(run.task.model_spec())
    found = 0
    try:
        for number in range(SHUFFLES):
            tools = random.Random(number).sample(offered.tools, len(offered.tools))
            with TemporaryDirectory() as folder:
                chosen = select_tools(run.task, model, tools, Path(folder), Silent()).tools
            found += set(chosen) >= SUFFICIENT and len(chosen) <= AT_MOST
    finally:
        close_model(model)
    return found
