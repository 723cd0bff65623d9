"""The four nodes of group planning as pure functions over the state, in shells that call models and tools.

    nodes = Nodes(setup)
    graph.add_node("plan", nodes.plan())

Every node has a sync and an async shell over the same functions, so `invoke` and `ainvoke` both run natively.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph._internal._runnable import RunnableCallable  # as langgraph-supervisor; a test guards it
from langgraph.errors import NodeError
from langgraph.graph import END
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite

from autoact.agents import plan, reflect, tool
from autoact.core.errors import UserError
from autoact.core.records import FINISH, REFLECT, ROLES, Step, to_json
from autoact.core.seeds import seed_of
from autoact.core.text import line_of
from autoact.graph.acting import Act, action
from autoact.graph.calling import Caller
from autoact.graph.context import Context
from autoact.graph.review import pending_of, reviewed
from autoact.graph.setup import Setup
from autoact.graph.speaking import Asked, address_of
from autoact.graph.state import VERSION, State, check_version, entered, question_of, steps_of
from autoact.models.failures import too_long
from autoact.models.load import sampled
from autoact.models.tokens import shorten
from autoact.prompts.grammar import plan_regex, reflect_regex
from autoact.prompts.render import Brief

WAITS = {"waits": True, "next": "executor"}
Update = dict[str, Any]
Ask = Callable[[State, Brief, list[Step]], list[BaseMessage]]
Read = Callable[[State, AIMessage, str, Context], Update]


class Nodes:
    """The nodes over one setup."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.caller = Caller(setup.tools)

    # ── plan ──

    def plan(self) -> Runnable[Any, Any]:
        """State → thought and tool."""

        def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
            return plan.ask(brief, question_of(state), steps)

        return self._speaking("plan", ask, self.planned, lambda brief: plan_regex(brief.names()))

    def planned(self, state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        """The update after the plan's turn; on a thread whose last episode has ended, a fresh episode."""
        brief = self.setup.brief(settings)
        turn = plan.read(brief, str(reply.text))
        fresh = _fresh() if state.get("status") else {}
        begun = {} if steps_of(state) else self._begun(state, settings)
        pending = {"thought": turn.thought, "tool": turn.tool, "argument": "", "wrote": {"plan": wrote}, "waits": False}
        onward = {"next": "tool" if turn.tool in brief.names() else "executor"}
        return {**fresh, **begun, **pending, **onward}

    def _begun(self, state: State, settings: Context) -> Update:
        asked = {name: value for name, value in to_json(question_of(state)).items() if value}
        return {"version": VERSION, "settings": settings.beyond(self.setup.defaults), "asked": asked}

    # ── tool ──

    def tool(self) -> Runnable[Any, Any]:
        """State → the tool's input."""

        def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
            return tool.ask(brief, question_of(state), steps, state["thought"], state["tool"])

        return self._speaking("tool", ask, self.filled_in, lambda _: "")

    def filled_in(self, state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
        """The update after the tool's turn."""
        return {"argument": tool.read(str(reply.text)), "wrote": {**state["wrote"], "tool": wrote}, "next": "executor"}

    # ── executor ──

    def executor(self) -> Runnable[Any, Any]:
        """State → a step."""

        def run(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            act = self._act(state, runtime)
            if act and act.call:
                act = self._ran(act, self.caller.call(_sent(act.call, state), config, act.settings.tool_timeout))
            return self._told(state, act, runtime) if act else dict(WAITS)

        async def arun(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            act = self._act(state, runtime)
            if act and act.call:
                sent = _sent(act.call, state)
                act = self._ran(act, await self.caller.acall(sent, config, act.settings.tool_timeout))
            return self._told(state, act, runtime) if act else dict(WAITS)

        return RunnableCallable(run, arun, name="executor")

    def _act(self, state: State, runtime: Runtime[Any]) -> Act | None:
        """What is to be done; None to note first that it waits for a human, then an interrupt for their word.

        Once it is noted, no resume under other settings, or none, gets past the human.
        """
        settings = self._opened(state, runtime)
        names, pending = self.setup.brief(settings).names(), pending_of(state)
        if state.get("waits"):
            pending = reviewed(pending, names)
        elif pending.tool in settings.approve_tools and pending.tool in names:
            return None
        act = action(pending, settings, names, self.setup.fields, steps_of(state))
        if act.call:
            runtime.stream_writer({"event": "action", "tool": pending.tool, "input": pending.argument})
        return act

    def _ran(self, act: Act, message: ToolMessage | None) -> Act:
        """The action with what its tool gave."""
        plans, text = self.setup.model("plan", act.settings), str(message.text) if message else ""
        return act.with_result(message, shorten(plans, text, act.settings.observation_tokens))

    def _told(self, state: State, act: Act, runtime: Runtime[Any]) -> Update:
        """The update after an action, told to whoever follows the run."""
        if act.outcome.text:
            seen = {"tool": act.pending.tool, "ok": act.outcome.ok, "observation": act.outcome.text}
            runtime.stream_writer({"event": "observation", **seen, "seconds": round(act.seconds, 6)})
        return _told_of_end(state, self.executed(state, act), runtime)

    def executed(self, state: State, act: Act) -> Update:
        """The update after the action: the step, the memory, and where to go."""
        pending, outcome = act.pending, act.outcome
        step = Step(pending.thought, pending.tool, pending.argument, outcome.text, outcome.ok, pending.wrote)
        update: Update = {"tool": pending.tool, "argument": pending.argument, "waits": False, "steps": [to_json(step)]}
        if outcome.memory is not None:
            update["memory"] = outcome.memory
        if pending.tool == FINISH and outcome.ok:
            update["answer"] = pending.argument
            return update | ({"next": "reflect"} if act.settings.reflect else _ended("answered"))
        if len(state.get("steps", [])) + 1 >= act.settings.max_steps:
            return update | _ended("halted")
        return update | {"next": "plan"}

    # ── reflect ──

    def reflect(self) -> Runnable[Any, Any]:
        """State → a verdict."""

        def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
            return reflect.ask(brief, question_of(state), steps)

        return self._speaking("reflect", ask, self.reflected, lambda _: reflect_regex())

    def reflected(self, state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        """The update after a verdict: done, or back to the plan while the budgets last."""
        turn = reflect.read(str(reply.text))
        step = Step(turn.thought, REFLECT, turn.verdict, ok=bool(turn.verdict), wrote={"reflect": wrote})
        doubts = state.get("reflections", 0) + (turn.verdict == "wrong")
        update: Update = {"steps": [to_json(step)], "reflections": doubts}
        if turn.verdict == "right":
            return update | _ended("answered")
        spent = doubts > settings.max_reflections or len(state["steps"]) + 1 >= settings.max_steps
        if spent or not turn.verdict:
            return update | _ended("unsure")
        return update | {"next": "plan"}

    # ── shells ──

    def _speaking(self, role: str, ask: Ask, read: Read, form: Callable[[Brief], str]) -> Runnable[Any, Any]:
        """A node that asks a role's model and reads its reply."""

        def run(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            state = entered(state, role)
            settings = self._opened(state, runtime)
            model = self._sampled(role, state, settings, form)
            asked = Asked()
            for messages in asked.prompts(steps_of(state), partial(ask, state, self.setup.brief(settings))):
                with asked:
                    asked.reply = model.invoke(messages, config)
            return heard(state, asked, settings, runtime)

        async def arun(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            state = entered(state, role)
            settings = self._opened(state, runtime)
            model = self._sampled(role, state, settings, form)
            asked = Asked()
            for messages in asked.prompts(steps_of(state), partial(ask, state, self.setup.brief(settings))):
                with asked:
                    asked.reply = await model.ainvoke(messages, config)
            return heard(state, asked, settings, runtime)

        def heard(state: State, asked: Asked, settings: Context, runtime: Runtime[Any]) -> Update:
            wrote = asked.name(self.setup.model(role, settings))
            update = read(state, asked.reply, wrote, settings)
            counted = {role: asked.usage()}
            update["usage"] = Overwrite(counted) if isinstance(update.get("usage"), Overwrite) else counted
            return _told_of_end(state, update, runtime)

        return RunnableCallable(run, arun, name=role)

    def _opened(self, state: State, runtime: Runtime[Any]) -> Context:
        """The settings of this run, for a state that this graph can go on from."""
        check_version(state)
        return self.setup.settings(runtime.context, None if state.get("status") else state.get("settings"))

    def _sampled(self, role: str, state: State, settings: Context, form: Callable[[Brief], str]) -> Runnable[Any, Any]:
        turn = len(steps_of(state))
        return sampled(
            self.setup.model(role, settings),
            temperature=settings.temperature,
            seed=None if settings.seed is None else seed_of(settings.seed, role, turn),
            max_tokens=settings.max_tokens,
            regex=form(self.setup.brief(settings)) if settings.constrain else "",
        )

    def failed(self, state: State, error: NodeError, runtime: Runtime[Any]) -> Command[Any]:
        """A model or our own code failed: the episode ends with status error and no answer is made up.

        A prompt that no longer fits, however shortened, halts the episode instead; bad input is raised to the caller.
        """
        if isinstance(error.error, UserError):
            raise error.error
        where, state = error.node, entered(state, error.node)
        settings = self._opened(state, runtime)
        if where in ROLES:
            where = address_of(self.setup.model(where, settings))
        cause = f"{where}: {type(error.error).__name__}: {line_of(error.error)}"
        fresh = _fresh() | self._begun(state, settings) if state.get("status") else {}
        status = "halted" if too_long(error.error) else "error"
        answer = {"answer": ""} if status == "error" else {}
        update = fresh | _ended(status) | {"error": cause} | answer
        return Command(update=_told_of_end(state, update, runtime), goto=END)


def _sent(call: dict[str, Any], state: State) -> dict[str, Any]:
    """A call with the state that a tool may look into: what came beside the question is there again."""
    shown = {**state, **to_json(question_of(state))}
    return {"__type": "tool_call_with_context", "tool_call": call, "state": shown}


def _ended(status: str) -> Update:
    return {"next": END, "status": status}


def _fresh() -> Update:
    cleared = {"memory": None, "answer": "", "reflections": 0, "status": "", "error": ""}
    return cleared | {"steps": Overwrite([]), "usage": Overwrite({})}


def _told_of_end(state: State, update: Update, runtime: Runtime[Any]) -> Update:
    """The update; whoever follows the run is told when it ends the episode."""
    if update.get("status"):
        after = {**state, **update}
        runtime.stream_writer({"event": "end", "status": after["status"], "answer": after.get("answer", "")})
    return update
