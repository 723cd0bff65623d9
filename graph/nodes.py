"""The nodes of group planning: who is asked what, and what the state is after their replies.

nodes = Nodes(setup)
graph.add_node("plan", nodes.plan())
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable

from autoact.agents import plan, reflect, tool
from autoact.core.records import REFLECT, Step, to_json
from autoact.graph.context import Context
from autoact.graph.episode import Episode, Update, ended
from autoact.graph.setup import Setup
from autoact.graph.state import State, question_of
from autoact.prompts.grammar import plan_regex, reflect_regex
from autoact.prompts.render import Brief


class Nodes(Episode):
    """The nodes over one setup."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, entry="plan")

    # ── plan ──

    def plan(self) -> Runnable[Any, Any]:
        """State → thought and tool."""

        def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
            return plan.ask(brief, question_of(state), steps)

        return self.speaking("plan", ask, self.planned, lambda brief: plan_regex(brief.names()))

    def planned(self, _state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        """The update after the plan's turn."""
        brief = self.setup.brief(settings)
        turn = plan.read(brief, str(reply.text))
        pending = {"thought": turn.thought, "tool": turn.tool, "argument": "", "wrote": {"plan": wrote}, "waits": False}
        onward = {"next": "tool" if turn.tool in brief.names() else "executor"}
        return {**pending, **onward}

    # ── tool ──

    def tool(self) -> Runnable[Any, Any]:
        """State → the tool's input."""

        def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
            return tool.ask(brief, question_of(state), steps, state["thought"], state["tool"])

        return self.speaking("tool", ask, self.filled_in, speaker="tool")

    def filled_in(self, state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
        """The update after the tool's turn."""
        return {"argument": tool.read(str(reply.text)), "wrote": {**state["wrote"], "tool": wrote}, "next": "executor"}

    # ── reflect ──

    def finished(self, settings: Context) -> Update:
        """On to reflection, if there is any."""
        return {"next": "reflect"} if settings.reflect else ended("answered")

    def reflect(self) -> Runnable[Any, Any]:
        """State → a verdict."""

        def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
            return reflect.ask(brief, question_of(state), steps)

        return self.speaking("reflect", ask, self.reflected, lambda _: reflect_regex(), "reflect")

    def reflected(self, state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        """The update after a verdict: done, or back to the plan while the budgets last."""
        turn = reflect.read(str(reply.text))
        step = Step(turn.thought, REFLECT, turn.verdict, ok=bool(turn.verdict), wrote={"reflect": wrote})
        doubts = state.get("reflections", 0) + (turn.verdict == "wrong")
        update: Update = {"steps": [to_json(step)], "reflections": doubts}
        if turn.verdict == "right":
            return update | ended("answered")
        spent = doubts > settings.max_reflections or len(state["steps"]) + 1 >= settings.max_steps
        if spent or not turn.verdict:
            return update | ended("unsure")
        return update | {"next": "plan"}
