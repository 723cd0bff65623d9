"""One scripted learning run, shared by the tests that look at what it left."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from autoact.core.progress import Silent
from autoact.core.records import Team
from autoact.core.task import Task
from autoact.models.scripted import ScriptedChatModel
from autoact.models.weights import model_hash
from autoact.training.learn import learn
from tests.models.endpoints.loopback import Answer, Body, Loopback, completion


def _load_town() -> ModuleType:
    spec = importlib.util.spec_from_file_location("town", Path(__file__).with_name("town.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["town"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def town() -> ModuleType:
    """The toy task."""
    return _load_town()


@dataclass
class Learned:
    """A finished run, and every prompt that was sent in it."""

    path: Path
    task: Task
    team: Team
    model: ScriptedChatModel
    base_hash: str


@pytest.fixture(scope="session")
def learned(town: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """The toy task, learned."""
    folder = tmp_path_factory.mktemp("town")
    task, model = town.town_task(folder), town.meta_agent()
    before = model_hash(town.SEED)
    team = learn(task, folder / "run", Silent(), model)
    assert team is not None
    return Learned(folder / "run", task, team, model, before)


@pytest.fixture
def town_loopback(town: ModuleType) -> Iterator[Loopback]:
    """A server whose model is the toy task's META-AGENT, for processes that load it by its name."""
    model = town.meta_agent()

    def answer(body: Body) -> Answer:
        turns = [(turn["role"], turn["content"]) for turn in body["messages"]]
        return completion(str(model.invoke(turns).text))

    server = Loopback(answer)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.close()
    thread.join()


@pytest.fixture
def town_server(town_loopback: Loopback) -> str:
    """Its address."""
    return f"{town_loopback.url}/v1"
