"""256 questions against a stub endpoint that takes 50 ms a call: ours, one question at a time, and the critical path.

    python benchmarks/orchestration.py [--questions 256] [--processes 1 2] [--json FILE]

A question makes seven calls, one after the other, so the critical path is 350 ms however many are in flight. The
one-at-a-time loop makes the same calls with OpenAI's client and nothing else, as the reference does; it is timed
on a few questions and the time multiplied. The stub runs in a process of its own; questions are dealt to worker
processes by their number, and the clock runs from when all of them are ready.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from framework import ASKED, CALLS, LATENCY, TURNS, team
from rich.console import Console
from rich.table import Table

from autoact.core.records import QAPair, Trajectory
from autoact.graph.context import Context
from autoact.graph.run import jobs_for, play
from autoact.graph.watch import Watch
from autoact.models.load import load_model

FEW = 8
OPENING = "Thought: I open Peru.\nAction: Retrieve"
PATH = CALLS * LATENCY


@dataclass(frozen=True, slots=True)
class Measure:
    """How long so many questions took, and the CPU of the processes that played them."""

    way: str
    questions: int
    seconds: float
    cpu: float


def answer(body: bytes) -> bytes:
    """The completion of a request: the next turn, told from the last message."""
    text = TURNS.get(json.loads(body)["messages"][-1]["content"], OPENING)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    said = {"id": "1", "object": "chat.completion", "created": 0, "model": "stub", "choices": [choice], "usage": usage}
    return json.dumps(said).encode()


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, kept alive: a request, 50 ms, an answer, and so on."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(line.split(b": ", 1) for line in head.lower().splitlines()[1:] if line)
            said = answer(await reader.readexactly(int(fields[b"content-length"])))
            await asyncio.sleep(LATENCY)
            told = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(said)
            writer.write(told + said)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def stub(told: Connection) -> None:
    """Serve until the process is ended; `told` hears the port."""

    async def serve() -> None:
        server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=512)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def endpoint() -> Iterator[str]:
    """The stub's address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=stub, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()


def work(url: str, share: int, processes: int, questions: int, ready: Barrier, told: Connection) -> None:
    """Play the questions of one share, all at once."""
    model: Any = load_model("openai:stub", url)
    graph = team(model)
    pairs = [QAPair(f"q{number}", ASKED["question"], "sol") for number in range(share, questions, processes)]
    answers: list[str] = []

    def done(trajectory: Trajectory) -> None:
        answers.append(trajectory.answer)

    play(graph, jobs_for(pairs[:FEW], 1, 0, "warm"), Context(), FEW, Watch(done))
    ready.wait()
    cpu = time.process_time()
    play(graph, jobs_for(pairs, 1, 0, "played"), Context(), len(pairs), Watch(done))
    assert set(answers) == {"sol"}
    told.send(time.process_time() - cpu)


def ours(url: str, questions: int, processes: int) -> Measure:
    """So many worker processes, all questions in flight."""
    ready, (ours, theirs) = multiprocessing.Barrier(processes + 1), multiprocessing.Pipe()
    shares = [(url, share, processes, questions, ready, theirs) for share in range(processes)]
    workers = [multiprocessing.Process(target=work, args=share) for share in shares]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    cpu = sum(ours.recv() for _ in workers)
    seconds = time.perf_counter() - began
    for worker in workers:
        worker.join()
    return Measure(f"ours, processes: {processes}", questions, seconds, cpu)


def one_at_a_time(url: str, questions: int) -> Measure:
    """The same calls by OpenAI's client, each after the one before."""
    from openai import OpenAI

    client = OpenAI(base_url=url, api_key="none")
    said = [ASKED["question"], *TURNS]
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(FEW):
        for text in said:
            client.chat.completions.create(model="stub", messages=[{"role": "user", "content": text}])
    scale = questions / FEW
    return Measure(
        "one at a time", questions, (time.perf_counter() - began) * scale, (time.process_time() - cpu) * scale
    )


def table_of(rows: list[Measure]) -> Table:
    """Each way beside the loop and the critical path."""
    table = Table("", "questions", "seconds", "× one at a time", "over the critical path", "CPU ms a question")
    for row in rows:
        table.add_row(
            row.way,
            str(row.questions),
            f"{row.seconds:.2f}",
            f"{rows[0].seconds / row.seconds:.1f}",
            f"{row.seconds / PATH:.2f}",
            f"{row.cpu / row.questions * 1000:.1f}",
        )
    return table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--questions", type=int, default=256)
    options.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    options.add_argument("--json", type=Path, help="also write the figures here")
    given = options.parse_args()
    multiprocessing.set_start_method("spawn")
    with endpoint() as url:
        rows = [one_at_a_time(url, given.questions), *(ours(url, given.questions, count) for count in given.processes)]
    Console().print(table_of(rows))
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
