"""Playing many questions: each ends once, what failed is missing and can be played later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.tools import StructuredTool, ToolException

from autoact.core.budget import Spending
from autoact.core.errors import EndpointError, RunError, UserError
from autoact.core.learning import Budget
from autoact.core.progress import Silent
from autoact.core.records import QAPair, Scored, Step, Trajectory
from autoact.core.store import Store
from autoact.graph.context import Context
from autoact.graph.group import group_planning
from autoact.graph.run import Batch, Job, jobs_for, play, play_into, temperatures, trajectory_of
from autoact.graph.run_folder import Planner
from autoact.graph.tool_report import tool_report
from autoact.graph.watch import FAILURES_IN_A_ROW, Watch
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.failures import ToolFailure

SETTINGS = Context(reflect=False)


def pairs(*questions: str) -> list[QAPair]:
    return [QAPair(f"q{number}", question, "gold") for number, question in enumerate(questions)]


def reply(messages: list[BaseMessage]) -> str:
    """Finish with the question's words; a question that says `dead` finds no model."""
    if "dead" in str(messages[1].text):
        raise EndpointError("server is down")
    return str(messages[1].text) if str(messages[-1].text).startswith("Input") else "Thought: t\nAction: Finish"


def jobs(asked: Iterable[QAPair]) -> list[Job]:
    return list(jobs_for(asked, 1, seed=0, stage="test"))


def played(asked: Iterable[QAPair], workers: int = 1) -> tuple[list[Trajectory], ScriptedChatModel, str]:
    """What was handed on, the model, and what was complained of."""
    model, done = ScriptedChatModel(replies=reply), list[Trajectory]()
    try:
        play(group_planning(model, (), "Answer.").compile(), jobs(asked), SETTINGS, workers, Watch(done.append))
    except EndpointError as problem:
        return done, model, str(problem)
    return done, model, ""


def test_every_question_is_sampled_with_a_seed_of_its_own() -> None:
    made = list(jobs_for(pairs("a", "b"), 2, seed=0, stage="s"))
    assert [(job.id, job.question_id) for job in made] == [
        ("q0/0", "q0"),
        ("q0/1", "q0"),
        ("q1/0", "q1"),
        ("q1/1", "q1"),
    ]
    assert len({job.seed for job in made}) == 4
    assert made == list(jobs_for(pairs("a", "b"), 2, seed=0, stage="s"))
    assert made[0].seed != next(jobs_for(pairs("a"), 1, seed=0, stage="other")).seed


@pytest.mark.parametrize("workers", [1, 3, 64])
def test_each_job_is_handed_on_once(workers: int) -> None:
    done, model, complaint = played(pairs(*"abcdefgh"), workers)
    assert sorted(trajectory.id for trajectory in done) == [f"q{i}/0" for i in range(8)]
    assert (complaint, len(model.calls)) == ("", 16)


def test_what_is_handed_on_is_the_trajectory() -> None:
    done, _, _ = played(pairs("a"))
    step = Step("t", "Finish", "Question: a", wrote={"plan": "scripted", "tool": "scripted"})
    assert (done[0].steps, done[0].answer, done[0].status) == ((step,), "Question: a", "answered")
    assert done[0].usage["plan"]["calls"] == 1


def test_no_job_is_no_work() -> None:
    assert played([])[0] == []


def test_what_failed_is_complained_of_after_everything_else_was_played() -> None:
    done, _, complaint = played(pairs("dead", "b", "dead", "d"))
    assert [trajectory.id for trajectory in done] == ["q1/0", "q3/0"]
    assert complaint.startswith("2 questions could not be played (scripted: EndpointError: server is down)")
    assert "run the same command again" in complaint


def test_many_failures_in_a_row_stop_the_play() -> None:
    done, model, complaint = played(pairs("a", *["dead"] * 20, "z"))
    assert [trajectory.id for trajectory in done] == ["q0/0"]
    assert len(model.calls) == 2 + FAILURES_IN_A_ROW
    assert complaint.startswith(f"{FAILURES_IN_A_ROW} questions could not be played")


def test_failures_with_a_success_between_do_not_stop_the_play() -> None:
    done, _, complaint = played(pairs(*(["dead"] * (FAILURES_IN_A_ROW - 1) + ["a"]) * 3))
    assert len(done) == 3
    assert complaint.startswith(f"{3 * (FAILURES_IN_A_ROW - 1)} questions")


def test_the_same_call_later_plays_what_is_missing(tmp_path: Path) -> None:
    asked, down = pairs("a", "b", "c"), {"Question: b"}

    def moody(messages: list[BaseMessage]) -> str:
        if str(messages[1].text) in down:
            raise EndpointError("down")
        return reply(messages)

    model = ScriptedChatModel(replies=moody)

    def call() -> list[str]:
        store = Store(tmp_path / "trajectories.jsonl", Trajectory)
        missing = [job for job in jobs(asked) if job.id not in store]
        play(
            group_planning(model, (), "Answer.").compile(), missing, SETTINGS, 2, Watch(store.append, played=len(store))
        )
        return sorted(trajectory.id for trajectory in store)

    with pytest.raises(EndpointError, match="1 questions could not be played"):
        call()
    down.clear()
    assert call() == ["q0/0", "q1/0", "q2/0"]
    assert len(model.calls) == 1 + 2 * 3


def test_a_full_disk_stops_the_play_with_its_own_error() -> None:
    def full(trajectory: Trajectory) -> None:
        raise RunError(f"no room for {trajectory.id}")

    graph = group_planning(ScriptedChatModel(replies=reply), (), "Answer.").compile()
    with pytest.raises(RunError, match="no room for q0/0"):
        play(graph, jobs(pairs("a", "b", "c")), SETTINGS, 2, Watch(full))


def test_a_question_that_is_none_stops_the_play_with_its_own_error() -> None:
    with pytest.raises(UserError, match="'question' is empty"):
        played(pairs(" "))


def test_no_more_questions_are_in_flight_than_there_are_workers() -> None:
    flying, most = 0, 0

    async def wait(query: str) -> str:
        nonlocal flying, most
        flying, most = flying + 1, max(most, flying + 1)
        await asyncio.sleep(0.01)
        flying -= 1
        return query

    def wait_first(messages: list[BaseMessage]) -> str:
        return reply(messages) if len(messages) > 4 else reply(messages).replace("Finish", "wait")

    tools = (StructuredTool.from_function(coroutine=wait, name="wait", description="waits."),)
    graph = group_planning(ScriptedChatModel(replies=wait_first), tools, "Answer.").compile()
    done = list[Trajectory]()
    play(graph, jobs(pairs(*"abcdefghij")), SETTINGS, 3, Watch(done.append))
    assert (len(done), most) == (10, 3)


def test_each_turn_draws_its_own_seed_and_the_same_in_every_run() -> None:
    class Seeds(BaseCallbackHandler):
        def __init__(self) -> None:
            self.drawn: list[tuple[int, float]] = []

        def on_chat_model_start(self, *_: Any, **details: Any) -> None:
            asked_with = details["invocation_params"]
            self.drawn.append((asked_with["seed"], asked_with["temperature"]))

    def seeds() -> list[tuple[int, float]]:
        recorder = Seeds()
        graph: Any = group_planning(ScriptedChatModel(replies=reply), (), "Answer.").compile()
        graph = graph.with_config(callbacks=[recorder])
        settings = Context(temperature=0.7, reflect=False)
        play(graph, jobs_for(pairs("a"), 2, seed=0, stage="s"), settings, 1, Watch(lambda _: None))
        return recorder.drawn

    assert seeds() == seeds()
    assert len({seed for seed, _ in seeds()}) == 4
    assert {temperature for _, temperature in seeds()} == {0.7}


@pytest.mark.parametrize(
    ("middle", "spread", "samples", "expected"),
    [
        (0.9, 0.0, 3, [0.9, 0.9, 0.9]),
        (1.0, 0.5, 1, [1.0]),
        (1.0, 0.5, 3, [0.5, 1.0, 1.5]),
        (0.2, 0.5, 2, [0.0, 0.7]),
        (1.8, 0.5, 2, [1.3, 2.0]),
        (None, 0.5, 2, [None, None]),
    ],
)
def test_the_temperatures_of_samples_lie_evenly_around_the_middle(
    middle: float | None, spread: float, samples: int, expected: list[float | None]
) -> None:
    assert temperatures(middle, spread, samples) == expected


def test_each_sample_is_played_at_its_own_temperature(tmp_path: Path) -> None:
    asked: list[float] = []

    class Recorder(BaseCallbackHandler):
        def on_chat_model_start(self, *_: Any, **details: Any) -> None:
            asked.append(details["invocation_params"]["temperature"])

    graph: Any = group_planning(ScriptedChatModel(replies=reply), (), "Answer.").compile()
    batch = Batch(pairs("a"), 3, 0, "s", Context(temperature=1.0, reflect=False), 1, spread=0.5)
    play_into(Store(tmp_path / "p", Scored), lambda: graph.with_config(callbacks=[Recorder()]), batch, Silent())
    assert asked == [0.5, 0.5, 1.0, 1.0, 1.5, 1.5]


# ── budgets ──


class Ear(Silent):
    """What was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def budgeted(folder: Path, workers: int = 1, **limits: float) -> tuple[list[str], int, list[str]]:
    """The plays of ten questions at two requests each, how many requests were made for them, and what was said."""
    model, ear = ScriptedChatModel(replies=reply), Ear()
    batch = Batch(pairs(*"abcdefghij"), 1, 0, "test", SETTINGS, workers)
    budgets = {"play": Budget.model_validate(limits)}
    with Spending(folder / "spent.json", budgets).stage("play", ear) as meter:
        store = Store(folder / "played.jsonl", Scored)
        played = play_into(store, lambda: group_planning(model, (), "Answer.").compile(), batch, ear, meter)
    return [scored.id for scored in played], len(model.calls), ear.said


def test_a_budget_of_requests_ends_the_batch_where_it_is_spent_and_it_is_said(tmp_path: Path) -> None:
    played, asked, said = budgeted(tmp_path, requests=6)
    assert (played, asked) == (["q0/0", "q1/0", "q2/0"], 6)
    assert said == ["play: the budget of 6 requests is spent; 3 of 10 plays are done"]


def test_what_a_budget_closed_is_not_gone_on_with_under_a_larger_one(tmp_path: Path) -> None:
    first, _, said = budgeted(tmp_path, requests=6)
    assert budgeted(tmp_path, requests=60) == (first, 0, said)


def test_a_budget_is_spent_over_all_the_times_a_batch_is_gone_on_with(tmp_path: Path) -> None:
    budgeted(tmp_path / "first", requests=4)
    (tmp_path / "first" / "spent.json").unlink()  # killed before anything was noted: the records tell
    played, asked, _ = budgeted(tmp_path / "first", requests=8)
    assert (len(played), asked) == (4, 4)


def test_plays_in_flight_end_when_a_budget_is_spent(tmp_path: Path) -> None:
    played, asked, _ = budgeted(tmp_path, workers=4, tokens=1)
    assert 1 <= len(played) <= 4
    assert asked == 2 * len(played)


def test_a_budget_that_is_large_enough_changes_nothing(tmp_path: Path) -> None:
    played, asked, said = budgeted(tmp_path, requests=20, seconds=600)
    assert (len(played), asked, said) == (10, 20, [])
    assert budgeted(tmp_path, requests=1)[1:] == (0, [])


def test_a_state_that_ended_early_is_a_trajectory_without_an_answer() -> None:
    state = {"question": "q", "status": "halted", "error": "plan: PromptTooLong: x"}
    assert trajectory_of(state, "q/0", "q") == Trajectory("q/0", "q", (), "", "halted", "plan: PromptTooLong: x")


# ── tools ──


def searching(failures: int) -> Planner:
    """A graph whose every question searches once; the first searches find the quota spent."""
    left = failures

    def search(query: str) -> str:
        nonlocal left
        left -= 1
        if left >= 0:
            raise ToolFailure("the quota is spent")
        if query == "nothing":
            raise ToolException("No page matches.")
        return query

    def say(messages: list[BaseMessage]) -> str:
        last = str(messages[-1].text)
        if last.startswith("Input for"):
            return "nothing" if "nothing" in str(messages[1].text) else "x"
        return f"Thought: t\nAction: {'Search' if last.startswith('Question') else 'Finish'}"

    tool = StructuredTool.from_function(search, name="Search", description="searches.")
    return group_planning(ScriptedChatModel(replies=say), [tool], "Answer.").compile()


def searches(messages: list[BaseMessage]) -> str:
    """Search once, then Finish."""
    last = str(messages[-1].text)
    return "x" if last.startswith("Input") else f"Thought: t\nAction: {'Search' if 'Question' in last else 'Finish'}"


def test_a_trajectory_counts_its_tool_calls() -> None:
    done: list[Trajectory] = []
    play(searching(1), jobs(pairs("a", "nothing", "c")), SETTINGS, 1, Watch(done.append))
    counted = {trajectory.question_id: trajectory.tools["Search"] for trajectory in done}
    assert counted == {
        "q0": {"calls": 1, "refused": 0, "failed": 1, "timeouts": 0},
        "q1": {"calls": 1, "refused": 1, "failed": 0, "timeouts": 0},
        "q2": {"calls": 1, "refused": 0, "failed": 0, "timeouts": 0},
    }


def test_a_tool_that_is_down_stops_the_run_and_leaves_no_answers() -> None:
    done: list[Trajectory] = []
    with pytest.raises(EndpointError, match=r"the tool Search failed in 100% of its last calls \(the quota is spent\)"):
        play(searching(1000), jobs(pairs(*"abcdefghijklmnop")), SETTINGS, 4, Watch(done.append))
    assert done == []


def test_what_was_played_before_a_tool_went_down_is_kept() -> None:
    done: list[Trajectory] = []

    def search(query: str) -> str:
        if len(done) >= 12:
            raise ToolFailure("the quota is spent")
        return query

    def say(messages: list[BaseMessage]) -> str:
        last = str(messages[-1].text)
        return (
            "x" if last.startswith("Input") else f"Thought: t\nAction: {'Search' if 'Question' in last else 'Finish'}"
        )

    tool = StructuredTool.from_function(search, name="Search", description="searches.")
    graph = group_planning(ScriptedChatModel(replies=searches), [tool], "Answer.").compile()
    with pytest.raises(EndpointError, match="the tool Search failed in"):
        play(graph, jobs(pairs(*"abcdefghijklmnopqrstuvwxyz0123456789")), SETTINGS, 1, Watch(done.append))
    assert [trajectory.tools["Search"]["failed"] for trajectory in done] == [0] * 12


def test_a_quota_that_is_spent_in_the_end_leaves_no_wrong_answers() -> None:
    done: list[Trajectory] = []

    def search(query: str) -> str:
        if len(done) >= 5:
            raise ToolFailure("the quota is spent")
        return query

    tool = StructuredTool.from_function(search, name="Search", description="searches.")
    graph = group_planning(ScriptedChatModel(replies=searches), [tool], "Answer.").compile()
    with pytest.raises(EndpointError, match=r"a tool failed in 3 of the last questions \(Search: the quota is spent\)"):
        play(graph, jobs(pairs(*"abcdefgh")), SETTINGS, 1, Watch(done.append))
    assert len(done) == 5


def test_times_lie_beside_the_records(tmp_path: Path) -> None:
    store = Store(tmp_path / "played.jsonl", Scored)
    batch = Batch(pairs("a", "nothing"), 1, 0, "test", SETTINGS, 2)
    played = play_into(store, lambda: searching(0), batch, Silent())
    told = tool_report((scored.trajectory for scored in played), store.path)["Search"]
    assert (told["calls"], told["refused"]) == (2, 1)
    assert 0 < told["p50"] <= told["p95"]
