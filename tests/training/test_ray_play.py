"""Processes of a Ray cluster play a round; killed, cut off or stopped, they lose nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from autoact.core.budget import Spending
from autoact.core.errors import EndpointError, UserError
from autoact.core.learning import Budget
from autoact.core.progress import Silent
from autoact.core.records import QAPair, Scored
from autoact.core.store import Store
from autoact.core.task import Task
from autoact.models.load import load_model
from autoact.tools.toolbox import chosen_tools
from autoact.training.ray_play import require_ray, synthesize_on_ray
from autoact.training.synthesis import synthesize
from tests.models.endpoints.loopback import Loopback

pytestmark = pytest.mark.long
TWO = "local:2"


@pytest.fixture
def task(town: ModuleType, town_server: str, tmp_path: Path) -> Task:
    made: Task = town.town_task(tmp_path, samples=2).model_copy(
        update={"model": "openai:town", "endpoint": town_server}
    )
    return made


@pytest.fixture
def questions(town: ModuleType) -> list[QAPair]:
    return [QAPair(f"q{i}", f"Who is the mayor of {name}?", town.mayor(name)) for i, name in enumerate(town.TOWNS[:20])]


class At(Silent):
    """Does something once, when so many plays are stored."""

    def __init__(self, number: int, does: Callable[[], object]) -> None:
        self._number, self._does = number, does

    def advance(self, done: int, total: int, note: str = "") -> None:
        del total, note
        if done == self._number:
            self._does()


def processes(name: str = "") -> list[psutil.Process]:
    return [each for each in psutil.Process().children(recursive=True) if each.name().startswith(name)]


@contextmanager
def nothing_left() -> Iterator[None]:
    """No process that a test started outlives it."""
    before = {each.pid for each in processes()}
    yield
    assert {each.pid for each in processes()} <= before


def on_ray(task: Task, questions: list[QAPair], folder: Path, progress: Silent) -> list[Scored]:
    tools = chosen_tools(task, ["Retrieve"])
    with nothing_left():
        return synthesize_on_ray(task, TWO, tools, questions, folder, progress)


def here(task: Task, questions: list[QAPair], folder: Path) -> list[Scored]:
    model = load_model(task.model, task.endpoint)
    return synthesize(task, model, chosen_tools(task, ["Retrieve"]), questions, folder, Silent())


def test_a_cluster_plays_what_one_process_plays_and_listens_to_this_machine_alone(
    task: Task, questions: list[QAPair], tmp_path: Path
) -> None:
    heard: list[str] = []
    players: list[psutil.Process] = []

    def look() -> None:
        players.extend(processes("ray::Player"))
        sockets = [each for process in (psutil.Process(), *processes()) for each in process.net_connections()]
        heard.extend(each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN)

    played = on_ray(task, questions, tmp_path / "ray", At(5, look))
    assert played == here(task, questions, tmp_path / "here")
    assert len(players) == 2
    assert {ip.removeprefix("::ffff:") for ip in heard} == {"127.0.0.1"}


def test_a_killed_process_loses_nothing_and_repeats_nothing(
    task: Task, questions: list[QAPair], tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill() -> None:
        victim = processes("ray::Player")[0]
        killed.append(victim.pid)
        victim.kill()

    played = on_ray(task, questions, tmp_path / "ray", At(10, kill))
    assert killed
    assert played == here(task, questions, tmp_path / "here")
    assert len((tmp_path / "ray" / "trajectories.jsonl").read_bytes().splitlines()) == 40


def test_ctrl_c_stops_the_cluster_and_the_same_call_plays_the_rest(
    task: Task, questions: list[QAPair], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        on_ray(task, questions, tmp_path / "ray", At(10, lambda: os.kill(os.getpid(), signal.SIGINT)))
    first = list(Store(tmp_path / "ray" / "trajectories.jsonl", Scored))
    assert len(first) >= 10
    played = on_ray(task, questions, tmp_path / "ray", Silent())
    assert played == here(task, questions, tmp_path / "here")
    assert list(Store(tmp_path / "ray" / "trajectories.jsonl", Scored))[: len(first)] == first


def test_a_dead_model_server_is_no_answer(
    task: Task, questions: list[QAPair], town_loopback: Loopback, tmp_path: Path
) -> None:
    with pytest.raises(EndpointError, match="questions could not be played"):
        on_ray(task, questions, tmp_path / "ray", At(10, town_loopback.close))
    stored = list(Store(tmp_path / "ray" / "trajectories.jsonl", Scored))
    assert 10 <= len(stored) < 40
    assert {scored.trajectory.status for scored in stored} <= {"answered", "unsure", "halted"}


def test_a_budget_ends_the_round(task: Task, questions: list[QAPair], tmp_path: Path) -> None:
    spending = Spending(tmp_path / "spent.json", {"synthesis": Budget(requests=30)})
    with spending.stage("synthesis", Silent()) as meter:
        tools = chosen_tools(task, ["Retrieve"])
        played = synthesize_on_ray(task, TWO, tools, questions, tmp_path / "ray", Silent(), meter=meter)
    assert 0 < len(played) < 40
    assert spending.spent("synthesis").closed == "30 requests"


def test_a_task_that_cannot_be_played_there_is_one_line(
    town: ModuleType, questions: list[QAPair], tmp_path: Path
) -> None:
    task = town.town_task(tmp_path)  # its model is no folder
    with pytest.raises(UserError, match=r"a process of the Ray cluster cannot play: .*scripted"):
        on_ray(task, questions, tmp_path / "ray", Silent())


@pytest.mark.parametrize("address", ["127.0.0.1:9", "127.0.0.1:99999", "nowhere.invalid:6379"])
def test_a_cluster_that_is_not_there_is_one_line(address: str) -> None:
    with pytest.raises(UserError, match=f"--ray {address}: nobody answers there"):
        require_ray(address)
