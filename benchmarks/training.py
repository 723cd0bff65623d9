"""Training on one sequence a trajectory, on one row a step, and on the reference's rows, side by side (benchmark 5).

    python benchmarks/training.py --run runs/atlas [--trajectories 24] [--steps 0] [--threads 1] [--json FILE]

one sequence      a row a trajectory and role, the loss on all turns of the role's        ours
one row a step    a row a turn: what the agent was sent, and the turn
reference         the same, the thought a row and the action (or the verdict) another     zjunlp/AutoAct

All learn the same tokens of the same trajectories of a finished run: the first so many of each role's examples that
it was trained on; or, with --steps N, the first trajectories of at least N steps, right or wrong. Each role is
trained for one epoch by training/sft.py, as `autoact learn` trains it. The loss is the base's on all labelled tokens,
summed in float64 and divided by their number; it must not differ by 1e-6.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from autoact.core.learning import LearnConfig
from autoact.core.records import ROLES, Example, QAPair, Scored
from autoact.core.store import Store
from autoact.examples.atlas.atlas import FOLDER
from autoact.graph.run_folder import open_run
from autoact.training.base_model import Base, load_base
from autoact.training.drafts import open_draft
from autoact.training.examples import example, trainable
from autoact.training.rows import UNLABELLED, Row, labelled, row_a_conversation, row_a_turn
from autoact.training.sft import fit
from autoact.training.variants import brief_for

OURS = "one sequence"
CONFIG = LearnConfig(epochs=1, early_stopping=0, checkpoint_steps=1_000_000, learning_rate=4e-3)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a layout took for all roles; tokens without padding, `loss` a token."""

    layout: str
    rows: int
    tokens: int
    learned: int
    steps: int
    cpu: float
    wall: float
    loss: float


def own_examples(run: Path, count: int) -> dict[str, list[Example]]:
    """Role → the first examples of those that a run's adapters were trained on."""
    stores = {role: Store(run / "rounds" / "00" / f"{role}.jsonl", Example) for role in ROLES}
    return {role: list(islice(trainable(store), count)) for role, store in stores.items()}


def long_examples(path: Path, count: int, steps: int) -> dict[str, list[Example]]:
    """Role → what it would learn of the first trajectories that took so many steps at least."""
    run = open_run(path)
    brief, pairs = brief_for(run), {pair.id: pair for pair in Store(path / "questions.jsonl", QAPair)}
    played = (scored.trajectory for scored in Store(path / "rounds" / "00" / "trajectories.jsonl", Scored))
    chosen = list(islice((each for each in played if len(each.steps) >= steps), count))
    return {
        role: [example(role, brief, pairs[each.question_id], each.id, each.steps, 0, 0) for each in chosen]
        for role in ROLES
    }


def layouts(tokenizer: Any, examples: Mapping[str, Sequence[Example]]) -> dict[str, dict[str, list[Row]]]:
    """Layout → role → rows."""
    turns = {role: [row for item in items for row in row_a_turn(tokenizer, item)] for role, items in examples.items()}
    return {
        OURS: {
            role: [row for item in items for row in row_a_conversation(tokenizer, item)]
            for role, items in examples.items()
        },
        "one row a step": turns,
        "reference": {
            role: rows if role == "tool" else [part for row in rows for part in in_two(tokenizer, row)]
            for role, rows in turns.items()
        },
    }


def in_two(tokenizer: Any, row: Row) -> Iterator[Row]:
    """A row of a turn as two, its first line and the rest; as it is when it has one line only."""
    ids, labels = row["input_ids"], row["labels"]
    start = next(at for at, label in enumerate(labels) if label != UNLABELLED)
    split = next((at for at in range(start, len(ids)) if "\n" in tokenizer.decode(ids[at : at + 1])), start)
    if split > start:
        yield {"input_ids": ids[:split], "labels": labels[:split]}
    yield {"input_ids": ids, "labels": [UNLABELLED] * split + labels[split:]}


def trained(base: Base, rows: Mapping[str, list[Row]], config: LearnConfig) -> tuple[int, float, float]:
    """Train every role; optimiser steps, CPU seconds and seconds."""
    steps, cpu, wall = 0, time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for role, items in rows.items():
            draft = open_draft(Path(folder) / role, of={})
            curve, _ = fit(role, base, items, [], config, draft, None)
            steps += len(curve.steps)
    return steps, time.process_time() - cpu, time.perf_counter() - wall


def loss_of(model: Any, rows: Sequence[Row]) -> float:
    """The sum of the losses of all labelled tokens over their number, of a model in float64."""
    import torch

    total = 0.0
    with torch.inference_mode():
        for row in rows:
            logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0, :-1]
            labels = torch.tensor(row["labels"][1:])
            total += float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum"))
    return total / sum(map(labelled, rows))


def measure(base: Base, examples: Mapping[str, Sequence[Example]], batch: int) -> list[Measure]:
    """Every layout, one after the other."""
    config = CONFIG.model_copy(update={"batch_size": batch})
    laid = layouts(base.tokenizer, examples)
    warm = {role: rows[:batch] for role, rows in laid[OURS].items()}
    trained(base, warm, config)  # imports, and kernels that are compiled at their first use
    taken = {name: trained(base, rows, config) for name, rows in laid.items()}
    exact = base.model.double()
    measures = []
    for name, rows in laid.items():
        flat = [row for role in rows for row in rows[role]]
        tokens, learned = sum(len(row["input_ids"]) for row in flat), sum(map(labelled, flat))
        measures.append(Measure(name, len(flat), tokens, learned, *taken[name], loss_of(exact, flat)))
    return measures


def table_of(measures: Sequence[Measure]) -> Table:
    """One line a layout; in parentheses, how many times ours."""
    table = Table("layout", "rows", "tokens", "learned", "steps", "CPU s", "wall s", "loss")
    ours = measures[0]
    for each in measures:
        table.add_row(
            each.layout,
            str(each.rows),
            f"{each.tokens:,} ({each.tokens / ours.tokens:.1f})",
            f"{each.learned:,}",
            str(each.steps),
            f"{each.cpu:.1f} ({each.cpu / ours.cpu:.1f})",
            f"{each.wall:.1f} ({each.wall / ours.wall:.1f})",
            f"{each.loss:.10f}",
        )
    return table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--run", type=Path, default=Path("runs/atlas"), help="a finished run")
    options.add_argument("--base", default=str(FOLDER / "seed"), help="the model that is trained")
    options.add_argument("--trajectories", type=int, default=24, help="examples of each role")
    options.add_argument("--steps", type=int, default=0, help="take trajectories of so many steps or more")
    options.add_argument("--batch", type=int, default=4, help="rows an optimiser step")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--json", type=Path, help="also write the figures here")
    given = options.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    if given.steps:
        examples = long_examples(given.run, given.trajectories, given.steps)
    else:
        examples = own_examples(given.run, given.trajectories)
    measures = measure(load_base(given.base), examples, given.batch)
    Console(width=110).print(table_of(measures))
    if given.json:
        given.json.write_text(json.dumps([asdict(each) for each in measures], indent=1) + "\n", "utf-8")
    spread = max(each.loss for each in measures) - min(each.loss for each in measures)
    if spread > 1e-6 or len({each.learned for each in measures}) > 1:
        raise SystemExit(f"the layouts do not learn the same: the losses differ by {spread:.2g}")


if __name__ == "__main__":
    main()
