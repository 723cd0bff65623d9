"""The four nodes of group planning as pure functions over the state, in shells that call models and tools.

    node = speaking("plan", models["plan"], ask=…, read=…, defaults=Context())

Every node has a sync and an async shell over the same functions, so `invoke` and `ainvoke` both run natively.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from langgraph._internal._runnable import RunnableCallable  # as langgraph-supervisor; a test guards it
from langgraph.errors import NodeError
from langgraph.graph import END
from langgraph.prebuilt import ToolNode
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite

from autoact.agents import plan, reflect, tool
from autoact.core.errors import PromptTooLong, UserError
from autoact.core.records import FINISH, REFLECT, Step, to_json
from autoact.core.seeds import seed_of
from autoact.graph.state import Context, State, question_of, steps_of
from autoact.models.load import sampled
from autoact.prompts.render import Brief
from autoact.prompts.template import fill, load_all
from autoact.tools.library import input_fields, takes_text
from autoact.tools.memory import Memory

OBSERVATION_LIMIT = 4000
BESIDE = ("choices", "context", "caption", "ocr", "image")
Update = dict[str, Any]


class Nodes:
    """The nodes of one team over one set of tools."""

    def __init__(self, models: dict[str, BaseChatModel], brief: Brief, tools: Sequence[BaseTool], defaults: Context):
        self.models = models
        self.brief = brief
        self.defaults = defaults
        self.fields = {tool.name: input_fields(tool) for tool in tools}
        load_all()
        self.tool_node = ToolNode(list(tools), handle_tool_errors=_as_observation)

    def settings(self, runtime: Runtime[Any]) -> Context:
        """The run's context; inside a parent graph with a context of its own, the team's defaults."""
        return runtime.context if isinstance(runtime.context, Context) else self.defaults

    # ── plan ──

    def plan(self) -> Runnable[Any, Any]:
        """State → thought and tool."""

        def ask(state: State) -> list[BaseMessage]:
            return plan.ask(self.brief, question_of(state), steps_of(state))

        return self._speaking("plan", ask, self.planned)

    def planned(self, state: State, reply: AIMessage, _settings: Context) -> Update:
        """The update after the plan's turn; on a thread whose last episode has ended, a fresh episode."""
        turn = plan.read(self.brief, str(reply.text))
        fresh = _fresh() if state.get("status") else {}
        wrote = {"plan": _name(reply, self.models["plan"])}
        known = turn.tool in self.brief.names()
        pending = {"thought": turn.thought, "tool": turn.tool, "argument": "", "wrote": wrote}
        return {**fresh, **pending, "next": "tool" if known else "executor"}

    # ── tool ──

    def tool(self) -> Runnable[Any, Any]:
        """State → the tool's input."""

        def ask(state: State) -> list[BaseMessage]:
            return tool.ask(self.brief, question_of(state), steps_of(state), state["thought"], state["tool"])

        return self._speaking("tool", ask, self.filled_in)

    def filled_in(self, state: State, reply: AIMessage, _settings: Context) -> Update:
        """The update after the tool's turn."""
        wrote = {**state["wrote"], "tool": _name(reply, self.models["tool"])}
        return {"argument": tool.read(str(reply.text)), "wrote": wrote, "next": "executor"}

    # ── executor ──

    def executor(self) -> Runnable[Any, Any]:
        """State → a step."""

        def run(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            call = self._call(state)
            result = self.tool_node.invoke([call], config)["messages"][0] if call else None
            return self.executed(state, result, self.settings(runtime))

        async def arun(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            call = self._call(state)
            result = (await self.tool_node.ainvoke([call], config))["messages"][0] if call else None
            return self.executed(state, result, self.settings(runtime))

        return RunnableCallable(run, arun, name="executor")

    def _call(self, state: State) -> dict[str, Any] | None:
        """The pending action as a tool call; None when there is nothing to run."""
        if state["tool"] not in self.fields:
            return None
        inputs = _inputs(self.fields[state["tool"]], state["argument"])
        if inputs is None:
            return None
        return {"type": "tool_call", "id": "call", "name": state["tool"], "args": inputs}

    def executed(self, state: State, result: ToolMessage | None, settings: Context) -> Update:
        """The update after the action ran: the step, the memory, and where to go."""
        finished = state["tool"] == FINISH
        ok = finished or (result is not None and result.status != "error")
        observation = "" if finished else self._observation(state, result)
        step = Step(state["thought"], state["tool"], state["argument"], observation, ok, state["wrote"])
        update: Update = {"steps": [to_json(step)]}
        if result is not None and result.artifact is not None and _is_memory(result.artifact):
            update["memory"] = result.artifact
        if finished:
            update["answer"] = state["argument"]
            return update | ({"next": "reflect"} if settings.reflect else _ended(state, "answered"))
        if len(state.get("steps", [])) + 1 >= settings.max_steps:
            return update | _ended(state, "halted")
        return update | {"next": "plan"}

    def _observation(self, state: State, result: ToolMessage | None) -> str:
        name = state["tool"]
        if result is not None:
            return str(result.text)[:OBSERVATION_LIMIT].strip() or fill("no_output")
        if not name:
            return fill("no_action")
        if name in self.fields:
            return fill("bad_input", tool=name, fields=", ".join(self.fields[name]) or "nothing in it")
        return fill("unknown_tool", tool=name[:100], names=", ".join(self.brief.names()))

    # ── reflect ──

    def reflect(self) -> Runnable[Any, Any]:
        """State → a verdict."""

        def ask(state: State) -> list[BaseMessage]:
            return reflect.ask(self.brief, question_of(state), steps_of(state))

        return self._speaking("reflect", ask, self.reflected)

    def reflected(self, state: State, reply: AIMessage, settings: Context) -> Update:
        """The update after a verdict: done, or back to the plan while the budgets last."""
        turn = reflect.read(str(reply.text))
        wrote = {"reflect": _name(reply, self.models["reflect"])}
        step = Step(turn.thought, REFLECT, turn.verdict, ok=bool(turn.verdict), wrote=wrote)
        doubts = state.get("reflections", 0) + (turn.verdict == "wrong")
        update: Update = {"steps": [to_json(step)], "reflections": doubts}
        if turn.verdict == "right":
            return update | _ended(state, "answered")
        spent = doubts > settings.max_reflections or len(state["steps"]) + 1 >= settings.max_steps
        if spent or not turn.verdict:
            return update | _ended(state, "unsure")
        return update | {"next": "plan"}

    # ── shells ──

    def _speaking(
        self,
        role: str,
        ask: Callable[[State], list[BaseMessage]],
        read: Callable[[State, AIMessage, Context], Update],
    ) -> Runnable[Any, Any]:
        def update(state: State, reply: AIMessage, settings: Context) -> Update:
            counted = {role: _usage(reply)}
            change = read(state, reply, settings)
            return change | {"usage": Overwrite(counted) if isinstance(change.get("usage"), Overwrite) else counted}

        def run(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            settings = self.settings(runtime)
            model = self._sampled(role, state, settings)
            return update(state, model.invoke(ask(state), config), settings)

        async def arun(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            settings = self.settings(runtime)
            model = self._sampled(role, state, settings)
            return update(state, await model.ainvoke(ask(state), config), settings)

        return RunnableCallable(run, arun, name=role)

    def _sampled(self, role: str, state: State, settings: Context) -> Runnable[Any, Any]:
        turn = len(steps_of(state))
        seed = None if settings.seed is None else seed_of(settings.seed, role, turn)
        return sampled(self.models[role], temperature=settings.temperature, seed=seed, max_tokens=settings.max_tokens)

    def failed(self, state: State, error: NodeError) -> Command[Any]:
        """A model or our own code failed: the episode ends with status error and no answer is made up.

        A prompt that no longer fits halts the episode instead; bad input is raised to the caller.
        """
        if isinstance(error.error, UserError):
            raise error.error
        status = "halted" if isinstance(error.error, PromptTooLong | ContextOverflowError) else "error"
        where = _address(self.models[error.node]) if error.node in self.models else error.node
        cause = f"{where}: {type(error.error).__name__}: {error.error}"
        fresh = _fresh() if state.get("status") else {}
        return Command(update=fresh | _ended(state, status) | {"error": cause}, goto=END)


def _as_observation(problem: Exception) -> str:
    """What a planner reads of a tool that failed, in whatever way."""
    return str(problem) if isinstance(problem, ToolException) else f"{type(problem).__name__}: {problem}"


def _address(model: BaseChatModel) -> str:
    """The name of a model, and where it is served."""
    name = str(getattr(model, "model_name", None) or getattr(model, "model", None) or model.get_name())
    server = getattr(model, "openai_api_base", None)
    return f"{name} at {server}" if server else name


def _ended(state: State, status: str) -> Update:
    """The episode's end; what came with the question goes, or the next question would be shown it."""
    blank = {name: [] if name == "choices" else "" for name in BESIDE if state.get(name)}
    return {"next": END, "status": status, **blank}


def _fresh() -> Update:
    cleared = {"memory": None, "answer": "", "reflections": 0, "status": "", "error": ""}
    return cleared | {"steps": Overwrite([]), "usage": Overwrite({})}


def _inputs(fields: dict[str, str], argument: str) -> dict[str, Any] | None:
    """A tool with one text field gets the text raw; any other gets the JSON object that the text must be."""
    if takes_text(fields):
        return dict.fromkeys(fields, argument)
    try:
        data = json.loads(argument)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) and data.keys() <= fields.keys() else None


def _is_memory(artifact: Any) -> bool:
    return isinstance(artifact, dict) and artifact.keys() == Memory.__annotations__.keys()


def _name(reply: AIMessage, model: BaseChatModel) -> str:
    return str(reply.response_metadata.get("model_name") or model.get_name())


def _usage(reply: AIMessage) -> dict[str, int]:
    spent = reply.usage_metadata or {"input_tokens": 0, "output_tokens": 0}
    return {"calls": 1, "input_tokens": spent["input_tokens"], "output_tokens": spent["output_tokens"]}
