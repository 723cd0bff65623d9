"""ReWOO: the whole plan first, then its calls without a look in between, then the answer (Xu et al. 2023).

    START → plan → executor → executor …     #E1 = Retrieve[Lima]
                   executor → llm → …        #E2 = LLM[Name the country. Read #E1], evidence in the place of its id
                              solve          the question, the plan and all evidence
                              solve → executor → END

A call of the plan is a step. The plan is cut so that the last step is left for the answer.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import END, START, StateGraph
from pydantic import Field

from autoact.agents.chat import to_messages
from autoact.core.records import FINISH, Step, from_json, to_json
from autoact.graph.acting import Act
from autoact.graph.context import Context
from autoact.graph.episode import Episode, Update, onward
from autoact.graph.setup import Setup
from autoact.graph.state import State, question_of, steps_of
from autoact.models.tokens import shorten
from autoact.prompts.parse import parse_input
from autoact.prompts.render import Brief
from autoact.prompts.rewoo import (
    LLM,
    Call,
    calls_regex,
    llm_chat,
    parse_calls,
    parse_solution,
    planner_chat,
    solver_chat,
    with_evidence,
)
from autoact.prompts.template import fill
from autoact.tools.library import takes_text


class RewooState(State, total=False):
    """The state, with the plan that is carried out."""

    plan: Annotated[list[dict[str, Any]], Field(description="The calls of the plan.")]


def rewoo(setup: Setup) -> StateGraph[Any, Any, Any, Any]:
    """The uncompiled graph; the team's plan model plans, works as LLM and solves."""
    episode = Rewoo(setup, entry="plan")
    graph = episode.graph(RewooState)
    plan = episode.speaking("plan", ask, episode.planned, lambda brief: calls_regex(brief.names()))
    graph.add_node("plan", plan, error_handler=episode.failed)
    graph.add_node("executor", episode.executor(), error_handler=episode.failed)
    graph.add_node("llm", episode.speaking("llm", ask_llm, episode.said), error_handler=episode.failed)
    graph.add_node("solve", episode.speaking("solve", ask_for_answer, solved), error_handler=episode.failed)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", onward(), ["executor", "llm", "solve"])
    graph.add_conditional_edges("executor", onward(), ["executor", "llm", "solve", END])
    graph.add_conditional_edges("llm", onward(), ["executor", "llm", "solve"])
    graph.add_edge("solve", "executor")
    return graph


class Rewoo(Episode):
    """The shells, with a plan to go through."""

    def planned(self, _state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        """The update after the plan."""
        plan = parse_calls(str(reply.text), self.setup.brief(settings).names())[: settings.max_steps - 1]
        return {"plan": [to_json(call) for call in plan], "wrote": {"plan": wrote}, **self.onto(plan, [], settings)}

    def executed(self, state: State, act: Act) -> Update:
        """The update after a call: on to the next one, unless the episode ended with it."""
        update = super().executed(state, act)
        if update["next"] != self.entry:
            return update
        done = [*steps_of(state), *(from_json(Step, step) for step in update["steps"])]
        return update | self.onto(plan_of(state), done, act.settings)

    def said(self, state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        """The update after the LLM worker's turn."""
        text = shorten(self.setup.model("plan", settings), parse_input(str(reply.text)), settings.observation_tokens)
        names = {**state["wrote"], "llm": wrote}
        step = Step(state["thought"], LLM, state["argument"], text or fill("no_output"), wrote=names)
        return {"steps": [to_json(step)], **self.onto(plan_of(state), [*steps_of(state), step], settings)}

    def onto(self, plan: list[Call], done: list[Step], settings: Context) -> Update:
        """The next call with its evidence, or the solver when there is none."""
        if len(done) >= len(plan):
            return {"next": "solve"}
        call = plan[len(done)]
        evidence = {known.id: step.observation for known, step in zip(plan, done, strict=False)}
        argument = self.given(call, evidence, settings)
        pending = {"thought": call.thought, "tool": call.tool, "argument": argument, "waits": False}
        return {**pending, "next": "llm" if call.tool == LLM and LLM not in self.setup.fields else "executor"}

    def given(self, call: Call, evidence: dict[str, str], settings: Context) -> str:
        """The argument of a call with its evidence, of bounded size."""
        fields = self.setup.fields.get(call.tool)
        if fields is not None and not takes_text(fields):  # its input is JSON, and evidence is text within it
            evidence = {name: json.dumps(text)[1:-1] for name, text in evidence.items()}
        argument = with_evidence(call.argument, evidence)
        return shorten(self.setup.model("plan", settings), argument, settings.observation_tokens)


def plan_of(state: Any) -> list[Call]:
    """The plan that the state holds."""
    return [from_json(Call, call) for call in state.get("plan", [])]


def ask(state: State, brief: Brief, _steps: list[Step]) -> list[BaseMessage]:
    """What the planner is sent."""
    return to_messages(planner_chat(brief, question_of(state)))


def ask_llm(state: State, _brief: Brief, _steps: list[Step]) -> list[BaseMessage]:
    """What the LLM worker is sent."""
    return to_messages(llm_chat(question_of(state), state["argument"]))


def ask_for_answer(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the solver is sent."""
    return to_messages(solver_chat(brief, question_of(state), plan_of(state), steps))


def solved(_state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
    """The update after the solver's turn."""
    turn = parse_solution(str(reply.text))
    pending = {"thought": turn.thought, "tool": FINISH, "argument": turn.argument or "", "waits": False}
    return {**pending, "wrote": {"solve": wrote}, "next": "executor"}
