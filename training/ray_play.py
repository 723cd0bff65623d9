"""Synthesis by the processes of a Ray cluster, on this machine or on many; this process stores what they play.

    synthesize_on_ray(task, "local", tools, questions, folder, progress)              # a cluster of this machine
    synthesize_on_ray(task, "local:2", tools, questions, folder, progress)            # with two processes
    synthesize_on_ray(task, "10.0.0.5:6379", tools, questions, folder, progress)      # one that is there

A play is one task to Ray, and is stored as soon as it has ended. What a killed process had at play is played again, to
the same record, since its draws come from its seed. Questions go out without their answers.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.tools import BaseTool

from autoact.core.budget import Meter, cost_of
from autoact.core.errors import EndpointError, UserError
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored, Team, Trajectory, from_json
from autoact.core.task import Task
from autoact.core.text import line_of
from autoact.graph.run import Batch, Job
from autoact.graph.watch import Watch
from autoact.tools.log import ToolLog
from autoact.training.player import Player, order_of
from autoact.training.synthesis import played

# Read when Ray is imported. A cluster of our own listens on 127.0.0.1 alone, which Ray does where it believes that
# machines do not join; only who has its token is heard; nothing is told to Ray's makers.
ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "AUTOSCALER_METRIC_PORT": "0",
}
LOCAL = re.compile(r"local(?::([1-9][0-9]{0,3}))?")
STORE_BYTES = 100 << 20  # what goes to and fro is small
DEATHS = 10  # of processes under one play, after which it is given up


@dataclass(frozen=True, slots=True)
class Crew:
    """The processes that play: Ray's handles of Players, and how many questions each has in flight."""

    players: Sequence[Any]
    in_flight: int


def synthesize_on_ray(
    task: Task,
    address: str,
    tools: Sequence[BaseTool],
    questions: Sequence[QAPair],
    folder: Path,
    progress: Progress,
    number: int = 0,
    meter: Meter | None = None,
    team: Team | None = None,
    run: Path = Path(),
) -> list[Scored]:
    """`synthesize` (training/synthesis.py), played by the META-AGENT or by a team of `run` on a Ray cluster.

    A GPU is taken for each process whose model runs in it, where the cluster has some. Raises UserError when Ray is not
    installed, no cluster answers or it cannot use the task, and as `synthesize` does.
    """
    require_ray(address)
    order = order_of(task, [tool.name for tool in tools], team, run)
    inside = team is not None or task.model.startswith("transformers:")
    return played(partial(_play, address, order, inside), task, tools, questions, folder, progress, number, meter)


def require_ray(address: str) -> None:
    """Raises UserError when an address is none, Ray is not installed, or nobody answers: Ray would wait for minutes."""
    local, found = LOCAL.fullmatch(address), re.fullmatch(r"(?!local:)(?:ray://)?(\S+):([0-9]{1,5})", address)
    if not (local or found):
        raise UserError(f"--ray {address} is no cluster: write local, local:4 for four processes, or HOST:PORT")
    if find_spec("ray") is None:
        raise UserError("--ray needs ray: pip install 'langgraph-autoact[ray]'")
    if found and not local:
        try:
            socket.create_connection((found[1], int(found[2])), timeout=10).close()
        except (OSError, OverflowError) as problem:
            raise UserError(f"--ray {address}: nobody answers there ({line_of(problem)})") from None


def _play(
    address: str, order: str, inside: bool, batch: Batch, jobs: Iterator[Job], watch: Watch, meter: Meter
) -> None:
    """Play every job that `meter` allows; raises as graph/run.py's `play` does."""
    with _cluster(address) as ray:
        try:
            _deal(ray, _crew(ray, order, inside, batch), batch, jobs, watch, meter)
        except ray.exceptions.RayTaskError as problem:
            raise problem.cause from problem
        except ray.exceptions.RayError as problem:
            raise EndpointError(
                f"the Ray cluster failed ({line_of(problem)}); see to it and run the same command again"
            ) from problem
    watch.close()


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Ray, connected to the cluster at an address, or to one that is started here and ends with the block."""
    local = LOCAL.fullmatch(address)
    if local:
        os.environ.update(ALONE)
    import ray

    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        options: dict[str, Any] = {"address": address}
        if local:
            count = int(local[1]) if local[1] else None
            options = {"address": "local", "num_cpus": count, "include_dashboard": False, "_temp_dir": folder}
            options["object_store_memory"] = STORE_BYTES
        try:
            ray.init(**options, log_to_driver=False, configure_logging=False)
        except (ConnectionError, OSError, RuntimeError, ValueError) as problem:
            raise UserError(
                f"--ray {address}: the cluster cannot be used ({line_of(problem)}); if it asks for a token, set "
                "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
            ) from problem
        try:
            yield ray
        finally:
            ray.shutdown()


def _crew(ray: Any, order: str, inside: bool, batch: Batch) -> Crew:
    """As many processes as the cluster has room for. `batch.workers` is in flight in each, or in all of them together
    where they ask one server.
    """
    has = ray.cluster_resources()
    gpus = int(has.get("GPU", 0)) if inside else 0
    count = max(1, min(gpus or int(has.get("CPU", 1)), batch.workers, len(batch.pairs) * batch.samples))
    in_flight = batch.workers if inside else max(1, batch.workers // count)
    hired = ray.remote(Player).options(
        num_cpus=1,
        num_gpus=1 if gpus else 0,
        max_restarts=-1,
        max_task_retries=DEATHS,
        max_concurrency=in_flight,
    )
    return Crew([hired.remote(order) for _ in range(count)], in_flight)


def _deal(ray: Any, crew: Crew, batch: Batch, jobs: Iterator[Job], watch: Watch, meter: Meter) -> None:
    """Give every player that is ready as many jobs as it takes, and another for each that has ended."""
    settings = batch.settings.model_dump_json()
    starting = {player.ready.remote(): player for player in crew.players}
    playing: dict[Any, Any] = {}
    more = True
    while playing or (more and starting):
        ended, _ = ray.wait([*playing, *starting])
        for ref in ended:
            said = ray.get(ref)
            if ref in starting:
                player, free = starting.pop(ref), crew.in_flight
                if said:
                    raise UserError(f"a process of the Ray cluster cannot play: {said}")
            else:
                player, free = playing.pop(ref), 1
                _take(said, watch, meter)
            for _ in range(free):
                job = next(jobs, None) if more else None
                more = job is not None and not (watch.stopped or meter.stop())
                if job is None or not more:
                    break
                playing[player.play.remote(json.dumps(asdict(job)), settings)] = player


def _take(said: str, watch: Watch, meter: Meter) -> None:
    """A play has ended."""
    data = json.loads(said)
    trajectory = from_json(Trajectory, data["trajectory"])
    meter.add(**cost_of(trajectory.usage))
    watch.ended(trajectory, ToolLog.from_json(data["tools"]))
