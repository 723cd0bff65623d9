"""Reflexion: a ReAct agent that learns from a try which failed, in words, and tries again (Shinn et al. 2023).

    START → act ⇄ executor → END                        one trial, as graph/react.py
    START → lesson → act …                              after one that failed: `tried` are its steps
                     executor → judge → END             in the fair variant the agent judges for itself …
                                judge → lesson → act …  … and goes on, TRIALS times at most

Whether a trial failed is, in the paper, told by the gold answer: that loop is not here but in eval/trials.py, and
calls this graph once a trial. The lessons stand above the question of every later trial.
"""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.channels import EphemeralValue
from langgraph.graph import END, START, StateGraph
from pydantic import Field

from autoact.agents import reflect
from autoact.agents.chat import to_messages
from autoact.core.records import REFLECT, Step, from_json, to_json
from autoact.graph.context import Context
from autoact.graph.episode import Episode, Update, ended, onward
from autoact.graph.react import act_form, acted, filled_in
from autoact.graph.setup import Setup
from autoact.graph.state import Input, State, question_of, steps_of
from autoact.prompts.grammar import reflect_regex
from autoact.prompts.react import input_chat, react_chat
from autoact.prompts.reflexion import lesson_chat, parse_lesson
from autoact.prompts.render import Brief

TRIALS = 2


class Again(Input, total=False):
    """A question, and when it is tried again the steps of the trials that failed."""

    tried: Annotated[list[dict[str, Any]], Field(description="The steps of the trials that failed."), EphemeralValue]


class ReflexionState(State, Again, total=False):
    """The state of a trial and of those before it."""


class Trials(Episode):
    """The shells; a role sees the steps of its own trial only. `trials` is how often the graph itself may try."""

    def __init__(self, setup: Setup, trials: int) -> None:
        super().__init__(setup, "act", "lesson")
        self.trials = trials

    def played(self, state: State) -> list[Step]:
        """The steps of the trial that is on; of the one that failed, while there is no other."""
        tried: Any = state.get("tried", [])
        steps = steps_of(state) or [from_json(Step, step) for step in tried]
        last = max((number for number, step in enumerate(steps) if step.tool == REFLECT), default=-1)
        return steps[last + 1 :]

    def finished(self, _settings: Context) -> Update:
        """To the judge, if there is one."""
        return {"next": "judge"} if self.trials > 1 else ended("answered")

    def spent(self, state: State) -> Update:
        """A trial that came to no end has failed."""
        return {"next": "lesson"} if self.may_retry(state) else ended("halted")

    def may_retry(self, state: State) -> bool:
        """Whether the graph itself may try once more."""
        return 1 + sum(step.tool == REFLECT for step in steps_of(state)) < self.trials

    def judged(self, state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
        """The update after the agent's verdict on its own answer."""
        turn = reflect.read(str(reply.text))
        if turn.verdict == "wrong" and self.may_retry(state):
            return {"next": "lesson"}
        step = Step(turn.thought, REFLECT, turn.verdict, ok=bool(turn.verdict), wrote={"judge": wrote})
        return {"steps": [to_json(step)], **ended("answered" if turn.verdict == "right" else "unsure")}

    def learned(self, state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
        """The update after a lesson: a new trial begins, and the steps say why."""
        lesson = parse_lesson(str(reply.text))
        begun: Any = [] if steps_of(state) else state.get("tried", [])
        step = to_json(Step(lesson, REFLECT, "wrong", wrote={"lesson": wrote}))
        return {"steps": [*begun, step], "answer": "", "memory": None, "next": "act"}


def reflexion(setup: Setup, trials: int = 1) -> StateGraph[Any, Any, Any, Any]:
    """The uncompiled graph of one trial; with more, of an agent that judges for itself whether to try again."""
    episode = Trials(setup, trials)
    graph = episode.graph(ReflexionState, Again)
    graph.add_node("act", episode.speaking("act", ask, acted(setup), act_form), error_handler=episode.failed)
    graph.add_node("input", episode.speaking("input", ask_for_input, filled_in), error_handler=episode.failed)
    graph.add_node("executor", episode.executor(), error_handler=episode.failed)
    graph.add_node("lesson", episode.speaking("lesson", ask_for_lesson, episode.learned), error_handler=episode.failed)
    graph.add_conditional_edges(START, _first, ["act", "lesson"])
    graph.add_conditional_edges("act", onward(), ["input", "executor"])
    graph.add_edge("input", "executor")
    graph.add_edge("lesson", "act")
    if trials > 1:
        judge = episode.speaking("judge", ask_for_verdict, episode.judged, lambda _: reflect_regex(), "reflect")
        graph.add_node("judge", judge, error_handler=episode.failed)
        graph.add_conditional_edges("judge", onward(), ["lesson", END])
    after = ["act", "executor", "lesson", *(["judge"] if trials > 1 else []), END]
    graph.add_conditional_edges("executor", onward(), after)
    return graph


def reflexion_fair(setup: Setup) -> StateGraph[Any, Any, Any, Any]:
    """Reflexion without gold: as many trials as the paper's, each judged by the agent itself."""
    return reflexion(setup, TRIALS)


def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the agent is sent: its lessons, the question, and this trial."""
    return to_messages(react_chat(brief, question_of(state), steps, _lessons(state)))


def ask_for_input(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the agent is sent when its turn had no input."""
    chat = input_chat(brief, question_of(state), steps, state["thought"], state["tool"], _lessons(state))
    return to_messages(chat)


def ask_for_lesson(state: State, _brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the agent is sent after a trial that failed."""
    return to_messages(lesson_chat(question_of(state), steps))


def ask_for_verdict(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the agent is sent when it judges for itself."""
    return reflect.ask(brief, question_of(state), steps)


def _lessons(state: State) -> list[str]:
    return [step.thought for step in steps_of(state) if step.tool == REFLECT]


def _first(state: dict[str, Any]) -> str:
    return "lesson" if state.get("tried") else "act"
