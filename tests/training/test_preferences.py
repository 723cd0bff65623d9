"""DPO and KTO of one role, on a random model: what is trained on, from where, and what is left behind."""

from __future__ import annotations

import json
import math
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autoact.core.budget import Meter
from autoact.core.errors import RunError
from autoact.core.learning import Budget, LearnConfig
from autoact.core.progress import Silent
from autoact.core.records import Message, Preference
from autoact.models.chat_format import to_ids
from autoact.training.base_model import Base, load_base
from autoact.training.preferences import Method, pair_rows, prefer_adapter, prefer_adapters, single_rows

METHODS: Sequence[Method] = ("dpo", "kto")
CONFIG = LearnConfig(batch_size=4, prefer_epochs=2, prefer_learning_rate=1e-2, checkpoint_steps=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = runpy.run_path(str(Path(__file__).parents[1] / "tiny_llama.py"))
    made: Path = tiny["make_home"](tmp_path_factory.mktemp("tiny"))
    return made


@pytest.fixture(scope="module")
def base(home: Path) -> Base:
    return load_base(str(home / "base"))


def some_pairs(count: int) -> list[Preference]:
    return [
        Preference(
            f"q{n}/0/1",
            "plan",
            (Message("system", "Say."), Message("user", f"What is {n}?")),
            f"Thought: {n}.\nAction: Finish",
            "Thought: no.\nAction: Look",
        )
        for n in range(count)
    ]


PAIRS = some_pairs(8)


def train(
    method: Method,
    base: Base,
    home: Path,
    out: Path,
    pairs: Any = PAIRS,
    step: Any = None,
    meter: Any = None,
    **changes: Any,
) -> Any:
    config = CONFIG.model_copy(update=changes)
    return prefer_adapter(method, "plan", pairs, base, home / "plan-1", config, out, step, meter)


def test_the_ids_are_those_of_the_run_time_prompt_and_of_the_turns_with_their_end(base: Base) -> None:
    for pair, row in zip(PAIRS, pair_rows(base.tokenizer, PAIRS, 4096), strict=True):
        chat = [{"role": message.role, "content": message.content} for message in pair.prompt]
        assert row["prompt_ids"] == to_ids(base.tokenizer, chat, generate=True)
        for name, said in (("chosen_ids", pair.chosen), ("rejected_ids", pair.rejected)):
            whole = to_ids(base.tokenizer, [*chat, {"role": "assistant", "content": said}], generate=False)
            ours = row["prompt_ids"] + row[name]
            assert whole[: len(ours)] == ours
            assert ours[-1] == base.tokenizer.eos_token_id
            assert base.tokenizer.decode(row[name][:-1]) == said


@pytest.mark.parametrize("method", METHODS)
def test_the_batches_that_trl_makes_are_of_these_ids(method: Method, base: Base, home: Path, tmp_path: Path) -> None:
    from autoact.training.base_model import adapted
    from autoact.training.drafts import open_draft
    from autoact.training.preferences import _trainer
    from autoact.training.watching import watching

    rows = pair_rows(base.tokenizer, PAIRS, 4096)
    rows = rows if method == "dpo" else single_rows(rows, 8, seed=0)
    names = ("chosen_ids", "rejected_ids") if method == "dpo" else ("completion_ids",)
    meant = {(tuple(row["prompt_ids"]), tuple(row[name])) for row in rows for name in names}
    draft = open_draft(tmp_path / "draft", {})
    with adapted(base, CONFIG, 0, home / "plan-1") as peft:
        watch = watching("plan", CONFIG, draft, None)
        loader = _trainer(method, "plan", base, peft, rows, CONFIG, draft, watch).get_train_dataloader()
        found = set()
        for batch in loader:
            for ids, attended, said in zip(
                batch["input_ids"], batch["attention_mask"], batch["completion_mask"], strict=True
            ):
                prompt, turn = ids[(attended == 1) & (said == 0)], ids[said == 1]
                found.add((tuple(prompt.tolist()), tuple(turn.tolist())))
    assert found == meant


@pytest.mark.parametrize("method", METHODS)
def test_the_better_turn_gains_and_what_was_trained_on_stays(
    method: Method, base: Base, home: Path, tmp_path: Path
) -> None:
    before = (home / "plan-1" / "adapter_model.safetensors").read_bytes()
    made = train(method, base, home, tmp_path, prefer_epochs=4)
    assert made.margin > 0.1
    assert made.rows == {"dpo": 8, "kto": 16}[method]
    assert sorted(file.name for file in made.path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert [path.name for path in tmp_path.iterdir()] == [made.path.name]
    assert (home / "plan-1" / "adapter_model.safetensors").read_bytes() == before


@pytest.mark.parametrize(("method", "loss"), [("dpo", math.log(2)), ("kto", 0.5)])
def test_it_begins_at_the_adapter_that_it_is_held_to(
    method: Method, loss: float, base: Base, home: Path, tmp_path: Path
) -> None:
    losses: list[float] = []
    train(method, base, home, tmp_path, step=lambda *told: losses.append(told[2]))
    assert losses[0] == pytest.approx(loss, abs=1e-4)
    assert losses[-1] < loss - 0.01


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_training_goes_on_to_the_same_adapter(method: Method, base: Base, home: Path, tmp_path: Path) -> None:
    def stop(at: int, *_: float) -> None:
        if at == 4:  # the first step's rate is nought, and would hide weights that were not gone on from
            raise KeyboardInterrupt

    whole = train(method, base, home, tmp_path / "whole")
    steps: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        train(method, base, home, tmp_path, step=stop)
    made = train(method, base, home, tmp_path, step=lambda at, *_: steps.append(at))
    assert steps == [4]
    assert made.path.name == whole.path.name
    assert (made.loss, made.margin) == (whole.loss, whole.margin)


def spent_after(last: int) -> tuple[Meter, Any]:
    """A budget, and what is to be told of each step, which spends it at one of them; the next is the last then."""
    meter = Meter("preferences", Budget(requests=1))
    return meter, lambda at, *_: meter.add(requests=at == last)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("last", [1, 2])
def test_a_budget_stops_it_and_a_larger_one_goes_on_from_there_to_the_same_adapter(
    method: Method, last: int, base: Base, home: Path, tmp_path: Path
) -> None:
    whole, steps = train(method, base, home, tmp_path / "whole", checkpoint_steps=100), list[int]()
    meter, step = spent_after(last)
    line = r"^the budget of 1 requests for preferences is spent before the plan adapter .* raise learn\.budgets of pref"
    with pytest.raises(RunError, match=line):
        train(method, base, home, tmp_path, step=step, meter=meter, checkpoint_steps=100)
    made = train(method, base, home, tmp_path, step=lambda at, *_: steps.append(at), checkpoint_steps=100)
    assert steps[0] == last + 2
    assert (made.path.name, made.loss, made.margin) == (whole.path.name, whole.loss, whole.margin)


def test_a_budget_that_lasts_to_the_end_is_enough(base: Base, home: Path, tmp_path: Path) -> None:
    meter, step = spent_after(3)
    made = train("dpo", base, home, tmp_path, step=step, meter=meter)
    assert made.path.name == train("dpo", base, home, tmp_path / "whole").path.name
    assert not meter.stopped


def test_the_seed_and_the_strength_make_other_adapters_and_deepspeed_does_not(
    base: Base, home: Path, tmp_path: Path
) -> None:
    names = [
        train("dpo", base, home, tmp_path, **changes).path.name for changes in ({}, {"seed": 1}, {"prefer_beta": 0.5})
    ]
    assert len(set(names)) == 3
    assert train("dpo", base, home, tmp_path, deepspeed="zero2").path.name == names[0]


def test_what_explodes_is_said_and_leaves_nothing(base: Base, home: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"plan adapter's .* lower learn\.prefer_learning_rate"):
        train("dpo", base, home, tmp_path, prefer_learning_rate=1e30)
    assert list(tmp_path.iterdir()) == []


def test_pairs_that_are_too_long_are_left_out_and_counted(base: Base, home: Path, tmp_path: Path) -> None:
    long = Preference("q9/0/1", "plan", (Message("user", "word " * 200),), "a", "b")
    assert train("dpo", base, home, tmp_path, [*PAIRS, long], max_length=128).dropped == 1
    with pytest.raises(RunError, match="none of the 1 plan pairs fits"):
        train("dpo", base, home, tmp_path, [long], max_length=128)


def test_kto_is_given_as_many_good_turns_as_bad_and_the_turn_before_in_the_batch(base: Base) -> None:
    rows = single_rows(pair_rows(base.tokenizer, some_pairs(10), 4096), 8, seed=0)
    assert [row["label"] for row in rows] == [True, False] * 10
    for first in (0, 8, 16):
        batch = rows[first : first + 8]
        ids = [row["completion_ids"] for row in batch]
        assert [row["KL_completion_ids"] for row in batch] == [ids[-1], *ids[:-1]]
    assert rows == single_rows(pair_rows(base.tokenizer, some_pairs(10), 4096), 8, seed=0)


class Heard(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_roles_are_trained_once_and_those_with_few_pairs_are_left_as_they_are(home: Path, tmp_path: Path) -> None:
    run, record, heard = tmp_path, tmp_path / "preferred.json", Heard()
    for name in ("plan-1", "tool-1"):
        (run / "adapters" / name).mkdir(parents=True)
        for file in (home / name).iterdir():
            (run / "adapters" / name / file.name).write_bytes(file.read_bytes())
    begun = {role: {"path": f"adapters/{role}-1", "loss": 1.0} for role in ("plan", "tool")}
    pairs = {"plan": PAIRS, "tool": PAIRS[:2]}
    done = prefer_adapters("dpo", pairs, str(home / "base"), begun, CONFIG, run, record, heard)
    assert done["tool"] == begun["tool"]
    assert heard.lines == ["tool: 2 pairs are too few to prefer by (8 are needed); it stays as it is"]
    assert done["plan"]["began_as"] == "adapters/plan-1" != done["plan"]["path"]
    assert (run / done["plan"]["path"] / "adapter_model.safetensors").is_file()
    assert json.loads(record.read_text()) == done
    assert prefer_adapters("dpo", pairs, "nowhere", begun, CONFIG, run, record, heard) == done
