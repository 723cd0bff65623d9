"""Several adapters of a run: what is said of them, what is not done twice, what is read back."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from autoact.core.budget import Meter
from autoact.core.errors import RunError
from autoact.core.learning import Budget, LearnConfig
from autoact.core.progress import Silent
from autoact.core.records import Example, Message
from autoact.training.adapters import Shares, train_adapters
from autoact.training.launch import train_on_gpu

TINY = runpy.run_path(str(Path(__file__).parents[1] / "tiny_llama.py"))
CONFIG = LearnConfig(epochs=1, batch_size=2, early_stopping=0)
# Of earlier turns it shows the last line only, as templates do that strip what a model thought.
STRIPPING = TINY["TEMPLATE"].replace("m['content']", "(m['content'] if loop.last else m['content'].split('\\n')[-1])")


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.advanced: list[tuple[int, int]] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def advance(self, done: int, total: int, note: str = "") -> None:
        del note
        self.advanced.append((done, total))


def base_with(template: str, folder: Path) -> str:
    """A tiny model whose chats are written by a template."""
    tokenizer = TINY["make_tokenizer"](template)
    tokenizer.save_pretrained(folder)
    TINY["make_model"](tokenizer).save_pretrained(folder)
    return str(folder)


def example(name: str, held_out: bool = False) -> Example:
    chat = (
        Message("user", "Question: which?"),
        Message("assistant", "Thought: I look.\nAction: Retrieve", learn=True),
        Message("user", "Observation: an island."),
        Message("assistant", "Thought: done.\nAction: Finish", learn=True),
    )
    return Example(name, "plan", chat, held_out)


def examples() -> dict[str, list[Example]]:
    items = [example("a"), example("b"), example("c", held_out=True)]
    return {"plan": items, "tool:Retrieve": items, "reflect": []}


@pytest.mark.parametrize(
    ("template", "rows", "says"),
    [
        (TINY["TEMPLATE"], 2, []),
        (STRIPPING, 4, ["one row a turn, since the chat template is not prefix-stable: message 3 changes the tokens"]),
    ],
)
def test_a_template_that_strips_thoughts_gets_a_row_a_turn_and_it_is_said(
    template: str, rows: int, says: list[str], tmp_path: Path
) -> None:
    told, run = Told(), tmp_path / "run"
    trained = train_adapters(examples(), base_with(template, tmp_path / "base"), CONFIG, run, run / "a.json", told)
    assert {name: adapter["rows"] for name, adapter in trained.items()} == {"plan": rows, "tool:Retrieve": rows}
    expected = ["reflect: there is no example to learn from, so the base speaks in this role"]
    expected += [f"{name}: {line}" for name in ("plan", "tool:Retrieve") for line in says]
    assert [line[: len(begin)] for line, begin in zip(told.lines, expected, strict=True)] == expected


def test_what_is_trained_is_on_disk_and_not_trained_again(tmp_path: Path) -> None:
    run, base = tmp_path / "run", base_with(TINY["TEMPLATE"], tmp_path / "base")
    trained = train_adapters(examples(), base, CONFIG, run, run / "rounds/00/adapters.json", Silent())
    assert json.loads((run / "rounds/00/adapters.json").read_text()) == trained
    assert trained["tool:Retrieve"]["path"].startswith("adapters/tool-Retrieve-")
    assert [point["step"] for point in trained["plan"]["curve"]["steps"]] == [1]
    first = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert train_adapters(examples(), "nowhere", CONFIG, run, run / "rounds/00/adapters.json", Silent()) == trained
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == first


def test_rounds_may_end_with_the_same_adapter(tmp_path: Path) -> None:
    base, only = base_with(TINY["TEMPLATE"], tmp_path / "base"), {"plan": examples()["plan"]}
    made: list[dict[str, Any]] = [
        train_adapters(only, base, CONFIG, tmp_path, tmp_path / f"rounds/{number}/adapters.json", Silent())
        for number in range(2)
    ]
    assert made[0]["plan"]["path"] == made[1]["plan"]["path"]


def test_side_by_side_the_adapters_are_those_of_one_after_the_other(tmp_path: Path) -> None:
    base, told = base_with(TINY["TEMPLATE"], tmp_path / "base"), Told()
    record = tmp_path / "a" / "adapters.json"
    one = train_adapters(examples(), base, CONFIG, tmp_path / "a", record, Silent())
    record = tmp_path / "b" / "adapters.json"
    two = train_adapters(examples(), base, CONFIG, tmp_path / "b", record, told, gpus=("", ""))
    assert {name: made["path"] for name, made in two.items()} == {name: made["path"] for name, made in one.items()}
    assert json.loads(record.read_text()) == two
    assert told.advanced[-1] == (200, 200)
    assert sorted(told.advanced) == told.advanced


def test_a_process_of_its_own_trains_on_every_row_also_where_some_share_an_id(tmp_path: Path) -> None:
    base, items = base_with(TINY["TEMPLATE"], tmp_path / "base"), [example("1"), example("1"), example("1")]
    assert train_on_gpu("", "plan", base, items, CONFIG, tmp_path / "adapters").rows == 3


def test_a_role_whose_examples_are_all_held_out_is_the_bases(tmp_path: Path) -> None:
    base, told = base_with(TINY["TEMPLATE"], tmp_path / "base"), Told()
    items = {"plan": examples()["plan"], "reflect": [example("c", held_out=True)]}
    trained = train_adapters(items, base, CONFIG, tmp_path / "run", tmp_path / "adapters.json", told)
    assert trained.keys() == {"plan"}
    assert told.lines == ["reflect: there is no example to learn from, so the base speaks in this role"]


def test_a_role_without_examples_takes_no_part_of_the_budget(tmp_path: Path) -> None:
    parts = []

    class Asked(Meter):
        def stop(self, part: float = 1.0) -> bool:
            parts.append(part)
            return super().stop(part)

    base, run = base_with(TINY["TEMPLATE"], tmp_path / "base"), tmp_path / "run"
    train_adapters(examples(), base, CONFIG, run, run / "adapters.json", Silent(), meter=Asked())
    assert sorted(set(parts)) == [0.5, 1.0]


def test_side_by_side_they_stop_when_the_budget_is_spent_and_what_it_left_nothing_for_is_said(tmp_path: Path) -> None:
    base, told, run = base_with(TINY["TEMPLATE"], tmp_path / "base"), Told(), tmp_path / "run"
    config, meter = CONFIG.model_copy(update={"epochs": 500}), Meter("training", Budget(seconds=1))
    items = examples() | {"tool:Finish": examples()["plan"]}
    # Two processes need longer than that to begin, and the third adapter has to wait for one of them.
    trained = train_adapters(items, base, config, run, run / "adapters.json", told, ("", ""), meter)
    assert {name: len(made["curve"]["steps"]) for name, made in trained.items()} == {"plan": 1, "tool:Retrieve": 1}
    assert all(made["note"] == "the budget ended its training in epoch 1" for made in trained.values())
    assert told.lines[-1] == "tool:Finish: the budget left nothing to train it with, so the base speaks in this role"
    assert (meter.stopped, meter.exhausted) == (True, "1 seconds")


@pytest.mark.parametrize(
    ("count", "done", "at_once", "parts"),
    [
        (3, 0, 1, [1 / 3, 2 / 3, 1]),
        (3, 1, 1, [2 / 3, 1]),
        (3, 0, 2, [0.5, 0.5, 1]),
        (3, 1, 2, [1, 1]),
        (2, 0, 4, [1, 1]),
    ],
)
def test_each_has_a_part_of_the_budget_with_those_beside_it(
    count: int, done: int, at_once: int, parts: list[float]
) -> None:
    shares = Shares(Silent(), count, done)
    assert [shares.part(number, at_once) for number in range(1, count - done + 1)] == pytest.approx(parts)


def test_one_that_fails_beside_another_costs_the_other_nothing(tmp_path: Path) -> None:
    base, record = base_with(TINY["TEMPLATE"], tmp_path / "base"), tmp_path / "adapters.json"
    mute = [Example("a", "tool:Retrieve", (Message("user", "Hi"), Message("assistant", "Hi")))]
    broken = {"tool:Retrieve": mute, "plan": examples()["plan"]}
    with pytest.raises(RunError, match="none of the 1 tool-Retrieve examples can be trained on: 1 mark no turn"):
        train_adapters(broken, base, CONFIG, tmp_path, record, Silent(), gpus=("", ""))
    assert json.loads(record.read_text()).keys() == {"plan"}
