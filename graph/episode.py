"""What the graph of every method is made of: shells that ask a model, run a tool, and end an episode that failed.

    episode = Episode(setup, entry="plan")
    graph = episode.graph()
    graph.add_node("plan", episode.speaking("plan", ask, read), error_handler=episode.failed)
    graph.add_node("executor", episode.executor(), error_handler=episode.failed)
    graph.add_conditional_edges("plan", onward(), ["executor", END])

Every node has a sync and an async shell over the same functions, so `invoke` and `ainvoke` both run natively.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph._internal._runnable import RunnableCallable  # as langgraph-supervisor; a test guards it
from langgraph.errors import NodeError
from langgraph.graph import END, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite, RetryPolicy

from autoact.core.errors import UserError
from autoact.core.records import FINISH, Step, to_json
from autoact.core.seeds import seed_of
from autoact.core.text import line_of
from autoact.graph.acting import Act, action
from autoact.graph.calling import Caller
from autoact.graph.context import Context, schema_of
from autoact.graph.review import pending_of, reviewed
from autoact.graph.setup import Setup
from autoact.graph.speaking import Asked, address_of
from autoact.graph.state import VERSION, Input, State, check_version, entered, question_of, steps_of, steps_taken
from autoact.models.failures import ATTEMPTS, is_down, is_passing, too_long
from autoact.models.load import sampled
from autoact.models.tokens import shorten
from autoact.prompts.render import Brief

WAITS = {"waits": True, "next": "executor"}
Update = dict[str, Any]
Ask = Callable[[State, Brief, list[Step]], list[BaseMessage]]
Read = Callable[[State, AIMessage, str, Context], Update]


class Episode:
    """The shells over one setup. `entry` is the node that an episode begins and goes on at; it may begin at others."""

    # LangGraph passes the error that the annotation of its handlers leaves out.
    failed: Any

    def __init__(self, setup: Setup, entry: str, *others: str) -> None:
        self.setup = setup
        self.entry = entry
        self.entries = (entry, *others)
        self.caller = Caller(setup.tools)
        self.failed = self._failed
        self._speakers: dict[str, str] = {}

    def graph(self, state: type[Any] = State, given: type[Any] = Input) -> StateGraph[Any, Any, Any, Any]:
        """A graph without nodes; its context is a `Context`, or a dict of its fields.

        Each node takes `failed` for its error handler: a default one would let the graph be compiled only once.
        """
        context = schema_of(self.setup.defaults, self.setup.description)
        graph = StateGraph(state, context_schema=context, input_schema=given)
        asked_again = RetryPolicy(max_attempts=ATTEMPTS, jitter=False, retry_on=is_passing)
        graph.set_node_defaults(retry_policy=asked_again)
        return graph

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
            return update | self.finished(act.settings)
        if len(self.played(state)) + 1 >= act.settings.max_steps:
            return update | self.spent(state)
        return update | {"next": self.entry}

    def played(self, state: State) -> list[Step]:
        """The steps that a role is shown and that the budget of steps counts."""
        return steps_of(state)

    def finished(self, _settings: Context) -> Update:
        """Where to go after a Finish."""
        return ended("answered")

    def spent(self, _state: State) -> Update:
        """Where to go when the budget of steps is spent."""
        return ended("halted")

    def speaking(
        self, node: str, ask: Ask, read: Read, form: Callable[[Brief], str] | None = None, speaker: str = "plan"
    ) -> Runnable[Any, Any]:
        """A node that asks the model of a role, `speaker`, and reads its reply; `form` is what a reply is held to.

        Calls and tokens are counted under the node's name.
        """
        self._speakers[node] = speaker

        def run(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            state = entered(state, at_entry=node in self.entries)
            settings = self._opened(state, runtime)
            model = self._sampled(node, state, settings, form)
            asked = Asked()
            for messages in asked.prompts(self.played(state), partial(ask, state, self.setup.brief(settings))):
                with asked:
                    asked.reply = model.invoke(messages, config)
            return heard(state, asked, settings, runtime)

        async def arun(state: State, config: RunnableConfig, runtime: Runtime[Any]) -> Update:
            state = entered(state, at_entry=node in self.entries)
            settings = self._opened(state, runtime)
            model = self._sampled(node, state, settings, form)
            asked = Asked()
            for messages in asked.prompts(self.played(state), partial(ask, state, self.setup.brief(settings))):
                with asked:
                    asked.reply = await model.ainvoke(messages, config)
            return heard(state, asked, settings, runtime)

        def heard(state: State, asked: Asked, settings: Context, runtime: Runtime[Any]) -> Update:
            wrote = asked.name(self._model(node, state, settings))
            update = _begun_with(self._begun(node, state, settings), read(state, asked.reply, wrote, settings))
            counted = {node: asked.usage()}
            update["usage"] = Overwrite(counted) if isinstance(update.get("usage"), Overwrite) else counted
            return _told_of_end(state, update, runtime)

        return RunnableCallable(run, arun, name=node)

    def _opened(self, state: State, runtime: Runtime[Any]) -> Context:
        """The settings of this run, for a state that this graph can go on from."""
        check_version(state)
        return self.setup.settings(runtime.context, None if state.get("status") else state.get("settings"))

    def _model(self, node: str, state: State, settings: Context) -> BaseChatModel:
        speaker = self._speakers[node]
        return self.setup.model(speaker, settings, state.get("tool", "") if speaker == "tool" else "")

    def _sampled(
        self, node: str, state: State, settings: Context, form: Callable[[Brief], str] | None
    ) -> Runnable[Any, Any]:
        turn = steps_taken(state)
        return sampled(
            self._model(node, state, settings),
            temperature=settings.temperature,
            seed=None if settings.seed is None else seed_of(settings.seed, node, turn),
            max_tokens=settings.max_tokens,
            regex=form(self.setup.brief(settings)) if form and settings.constrain else "",
            episode=f"{settings.seed}/{question_of(state).question}",
        )

    def _begun(self, node: str, state: State, settings: Context) -> Update:
        """What an episode begins with; on a thread whose last one has ended, all else is cleared."""
        if node not in self.entries or steps_taken(state):
            return {}
        asked = {name: value for name, value in to_json(question_of(state)).items() if value}
        begun = {"version": VERSION, "settings": settings.beyond(self.setup.defaults), "asked": asked}
        return (fresh() if state.get("status") else {}) | begun

    def _failed(self, state: State, error: NodeError, runtime: Runtime[Any]) -> Command[Any]:
        """A model or our own code failed: the episode ends with status error and no answer is made up.

        A prompt that no longer fits, however shortened, halts the episode instead; bad input is raised to the caller.
        """
        problem = error.error
        if isinstance(problem, UserError):
            raise problem
        where, state = error.node, entered(state, at_entry=error.node in self.entries)
        settings = self._opened(state, runtime)
        begun = self._begun(where, state, settings) if state.get("status") else {}
        if where in self._speakers:
            where = address_of(self._model(where, state, settings))
        cause = f"{where}: {type(problem).__name__}: {line_of(problem)}"
        halted = too_long(problem)
        end = ended("halted") if halted else ended("error") | {"answer": "", "down": is_down(problem)}
        return Command(update=_told_of_end(state, begun | end | {"error": cause}, runtime), goto=END)


def _sent(call: dict[str, Any], state: State) -> dict[str, Any]:
    """A call with the state that a tool may look into: what came beside the question is there again."""
    shown = {**state, **to_json(question_of(state))}
    return {"__type": "tool_call_with_context", "tool_call": call, "state": shown}


def ended(status: str) -> Update:
    """The update that ends an episode."""
    return {"next": END, "status": status}


def fresh() -> Update:
    """The update that clears an episode."""
    cleared = {"memory": None, "answer": "", "reflections": 0, "status": "", "error": "", "down": False}
    return cleared | {"steps": Overwrite([]), "usage": Overwrite({})}


def _begun_with(begun: Update, update: Update) -> Update:
    """The update of the node that an episode begins with; its steps take the place of an earlier episode's."""
    if isinstance(begun.get("steps"), Overwrite) and "steps" in update:
        update = {**update, "steps": Overwrite(update["steps"])}
    return begun | update


def _told_of_end(state: State, update: Update, runtime: Runtime[Any]) -> Update:
    """The update; whoever follows the run is told when it ends the episode."""
    if update.get("status"):
        after = {**state, **update}
        runtime.stream_writer({"event": "end", "status": after["status"], "answer": after.get("answer", "")})
    return update


def onward() -> Runnable[Any, Any]:
    """A branch that reads `state["next"]`, so that a state edited in Studio goes on from the edit."""

    def read(state: dict[str, Any]) -> str:
        return str(state["next"])

    # Without it each edge of an async run would be a trip to another thread.
    async def aread(state: dict[str, Any]) -> str:
        return read(state)

    return RunnableCallable(read, aread, name="next", trace=False)
