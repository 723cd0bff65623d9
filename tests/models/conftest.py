"""The tiny Llama of tests/tiny_llama.py, and one engine for all."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autoact.models.engine import Engine

TINY = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "tiny_llama.py")))


@pytest.fixture(scope="session", name="make_tokenizer")
def tokenizer_factory() -> Callable[..., Any]:
    """`make_tokenizer(template)`: a fresh tokenizer each time."""
    made: Callable[..., Any] = TINY.make_tokenizer
    return made


@pytest.fixture
def make_base() -> Callable[..., None]:
    """`make_base(folder, template=…, added=…)`: a base model whose turns close otherwise."""

    def save(folder: Path, template: str, added: list[Any]) -> None:
        tokenizer = TINY.make_tokenizer(template)
        tokenizer.add_tokens(added)
        tokenizer.save_pretrained(folder)
        TINY.make_model(tokenizer).save_pretrained(folder)

    return save


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `base/`, `plan-1/`, `tool-1/` and `reflect-1/`."""
    made: Path = TINY.make_home(tmp_path_factory.mktemp("models"))
    return made


@pytest.fixture(scope="session")
def engine(home: Path) -> Iterator[Engine]:
    """One engine for all tests: base and three adapters."""
    names = {"plan": "plan-1", "tool": "tool-1", "reflect": "reflect-1"}
    engine = Engine(str(home / "base"), {role: home / name for role, name in names.items()}, threads=1)
    yield engine
    engine.close()


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> int:
    """The most tokens of a prompt that a pass computes, made few."""
    for module in ("decoding", "prefill"):
        monkeypatch.setattr(f"autoact.models.{module}.MAX_TOKENS", 48)
    return 48
