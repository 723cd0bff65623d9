"""A record is what it is on disk; what is not that record is refused with one clear reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.records import QAPair, Question, Reward, Scored, Step, Team, Trajectory, from_json, to_json

STEP = Step("I read.", "Retrieve", "Lima", "Lima is …", wrote={"plan": "p-1", "tool": "t-1"})
TRAJECTORY = Trajectory("q/0", "q", (STEP,), "sol", "answered", usage={"plan": {"calls": 2}})


def through_json(record: Any) -> Any:
    return json.loads(json.dumps(to_json(record)))


@pytest.mark.parametrize(
    "record",
    [
        QAPair("1", "q", "a", ("x", "y"), level="hard", origin="synthetic"),
        Scored(TRAJECTORY, Reward(0.8, False)),
        Team("seed", "ab12", {"plan": "adapters/plan"}, ("Search",), "Atlas", {"rank": 8}),
    ],
)
def test_a_record_survives_the_disk(record: Any) -> None:
    assert from_json(type(record), through_json(record)) == record


@given(st.builds(Step, st.text(), st.text(), st.text(), st.text(), st.booleans()))
def test_any_step_survives_the_disk(step: Step) -> None:
    assert from_json(Step, through_json(step)) == step


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": 1}, "field 'id' has a value of the wrong type: 1; put a text in quotes"),
        ({"id": None}, "field 'id' has a value of the wrong type: None"),
        ({"steps": "none"}, "field 'steps' has a value"),
        ({"steps": [1]}, r"field 'steps\[0\]' has a value"),
        ({"steps": [{"thought": ""}]}, "field 'tool' is missing"),
        ({"steps": [{"thought": "", "tool": "", "argument": "", "ok": 1}]}, "field 'ok' has a value"),
        ({"status": "fine"}, "field 'status' has a value"),
        ({"status": ["answered"]}, "field 'status' has a value"),
        ({"usage": []}, "field 'usage' has a value"),
        ({"gold": "x"}, "unknown field 'gold'"),
    ],
)
def test_an_ill_typed_field_is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        from_json(Trajectory, through_json(TRAJECTORY) | change)


@pytest.mark.parametrize("value", [None, 3, "text", [], [["id", "1"]]])
def test_what_is_no_object_is_no_record(value: Any) -> None:
    with pytest.raises(ValueError, match="a Trajectory must be an object"):
        from_json(Trajectory, value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ValueError, match="field 'exact' is missing"):
        from_json(Reward, {"value": 1})


def test_a_whole_number_is_a_reward_but_a_truth_value_is_not() -> None:
    assert from_json(Reward, {"value": 1, "exact": True}) == Reward(1.0, True)
    with pytest.raises(ValueError, match="'value'"):
        from_json(Reward, {"value": True, "exact": True})


def test_what_is_shown_holds_no_answer() -> None:
    shown = QAPair("1", "q", "GOLD", ("x",), "c", "p", "o", "i.png", "hard").shown()
    assert shown == Question("q", ("x",), "c", "p", "o", "i.png")
    assert "answer" not in Question.__dataclass_fields__


def test_a_scored_trajectory_goes_by_its_trajectory() -> None:
    assert Scored(TRAJECTORY, Reward(1.0, True)).id == "q/0"
