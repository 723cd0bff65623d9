"""Threads: where questions are asked, one at a time on each.

    threads = Threads(team, saver, Runs(256))
    async with threads.asked(Ask(question="…")) as play:
        answer = await play.answer()

That a thread is busy is known to this process alone: two servers over one database do not see each other's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END
from langgraph.types import Command, StateSnapshot

from autoact.serve.metrics import Meter
from autoact.serve.playing import Play, answer_of, config_of
from autoact.serve.refusal import Refusal
from autoact.serve.runs import Run, Runs
from autoact.serve.schema import Answer, Ask, Decisions, Edit, Thread
from autoact.serve.team import ServedTeam

BESIDE = ("choices", "context", "caption", "ocr")


class Threads:
    """The threads of one team in one database."""

    def __init__(self, team: ServedTeam, saver: BaseCheckpointSaver[Any], runs: Runs) -> None:
        self.team = team
        self.meter = Meter(team.setup.models)
        self._graph = team.builder().compile(name="autoact", checkpointer=saver)
        self._saver = saver
        self._runs = runs
        self._busy: set[str] = set()

    @asynccontextmanager
    async def asked(self, ask: Ask) -> AsyncIterator[Play]:
        """The question, ready to be played. Raises Refusal when it cannot be asked there now, or not so."""
        self.team.check(ask.settings)
        thread = ask.thread or uuid4().hex
        async with AsyncExitStack() as held:
            run = await held.enter_async_context(self._held(thread))
            found = await self._graph.aget_state(config_of(thread))
            if found.interrupts:
                raise Refusal(409, f"thread {thread} waits for a decision on its last question; resume it first")
            if found.next:
                await self._close(thread)
            given = ask.model_dump(include={"question", *BESIDE})
            settings = ask.settings.model_dump(mode="json", exclude_unset=True)
            yield Play(self._graph, run, thread, given, settings, self.meter, held.aclose)

    @asynccontextmanager
    async def resumed(self, thread: str, decisions: Decisions) -> AsyncIterator[Play]:
        """What the thread waits for, decided, ready to be played on under the settings that it was asked with.

        Raises Refusal when it waits for nothing.
        """
        for decision in decisions.decisions:
            if isinstance(decision, Edit):
                self.team.check_edit(decision.edited_action.name)
        async with AsyncExitStack() as held:
            run = await held.enter_async_context(self._held(thread))
            found = await self._found(thread)
            if not found.interrupts:
                raise Refusal(409, f"thread {thread} waits for no decision")
            yield Play(self._graph, run, thread, Command(resume=decisions.model_dump()), {}, self.meter, held.aclose)

    async def look(self, thread: str, last: int) -> Thread:
        """The thread's last questions. Raises Refusal on a thread that is not there."""
        answers: list[Answer] = []
        async for snapshot in self._graph.aget_state_history(config_of(thread)):
            ended = snapshot.values.get("status") and not snapshot.next
            if ended or not answers:
                answers.append(answer_of(thread, snapshot.values, snapshot.interrupts))
            if len(answers) == last:
                break
        if not answers:
            raise _unknown(thread)
        return Thread(thread=thread, playing=thread in self._busy, questions=answers[::-1])

    async def forget(self, thread: str) -> None:
        """Delete a thread. Raises Refusal on one that is not there, or in play."""
        with self._alone(thread):
            await self._found(thread)
            await self._saver.adelete_thread(thread)

    @asynccontextmanager
    async def _held(self, thread: str) -> AsyncIterator[Run]:
        """A run, which is over before the thread is free again."""
        with self._alone(thread):
            async with self._runs.one() as run:
                yield run

    @contextmanager
    def _alone(self, thread: str) -> Iterator[None]:
        if thread in self._busy:
            raise Refusal(409, f"thread {thread} is playing a question; wait for it, or ask on another", again=True)
        self._busy.add(thread)
        try:
            yield
        finally:
            self._busy.remove(thread)

    async def _found(self, thread: str) -> StateSnapshot:
        found = await self._graph.aget_state(config_of(thread))
        if not found.values:
            raise _unknown(thread)
        return found

    async def _close(self, thread: str) -> None:
        """End a question whose client went away, so that the next one starts clean."""
        ended = {"status": "error", "error": "the client went away, or the server ended", "next": END}
        await self._graph.aupdate_state(config_of(thread), ended, as_node="reflect")


def _unknown(thread: str) -> Refusal:
    return Refusal(404, f"there is no thread {thread}")
