"""A trained team answers with one engine, or says what is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from autoact.core.errors import ModelError, RunError
from autoact.core.records import Team
from autoact.models.local import LocalChatModel
from autoact.models.served import VllmChatModel
from autoact.models.team import served_models, team_models
from autoact.models.weights import adapter_hash, model_hash, template_hash


def team(home: Path, **changes: object) -> Team:
    fields = {
        "base": "base",
        "base_hash": model_hash(home / "base"),
        "adapters": {"plan": "plan-1", "tool": "tool-1"},
        "tools": ("Retrieve",),
        "task": "atlas",
    }
    return Team(**{**fields, **changes})  # type: ignore[arg-type]


def test_each_role_speaks_with_its_adapter_and_the_rest_as_the_base(home: Path) -> None:
    models = team_models(team(home), home)
    said = {role: model.invoke("Which castle?", max_tokens=8) for role, model in models.items()}
    names = {role: reply.response_metadata["model_name"] for role, reply in said.items()}
    assert names == {"plan": "plan-1", "tool": "tool-1", "reflect": "base", "meta": "base"}
    assert said["meta"].text == said["reflect"].text
    assert len({reply.text for reply in said.values()}) == 3
    plan, tool = models["plan"], models["tool"]
    assert isinstance(plan, LocalChatModel)
    assert isinstance(tool, LocalChatModel)
    assert plan.engine is tool.engine
    plan.engine.close()


def test_at_an_endpoint_each_role_asks_for_the_name_of_its_folder(home: Path) -> None:
    models = served_models(team(home), home, "http://127.0.0.1:1/v1")
    names = {role: getattr(model, "model_name", None) for role, model in models.items()}
    assert names == {"plan": "plan-1", "tool": "tool-1", "reflect": "base", "meta": "base"}
    assert all(isinstance(model, VllmChatModel) for model in models.values())


def test_a_role_may_have_a_server_of_its_own_and_the_others_another_or_none(home: Path) -> None:
    own, all_others = "http://127.0.0.1:1/v1?a=b", "http://127.0.0.1:2/v1"
    models = served_models(team(home), home, f"{all_others}; reflect={own}")
    places = {role: getattr(model, "base_url", None) for role, model in models.items()}
    assert places == {"plan": all_others, "tool": all_others, "reflect": own, "meta": all_others}
    models = served_models(team(home), home, f"tool = {own}")
    assert isinstance(models["tool"], VllmChatModel)
    plan = models["plan"]
    assert isinstance(plan, LocalChatModel)
    plan.engine.close()


@pytest.mark.parametrize(
    ("endpoint", "line"),
    [
        ("critic=http://127.0.0.1:1/v1", "--endpoint critic=… is for no role of this team; it has plan, tool, reflect"),
        ("plan=127.0.0.1", "the endpoint '127.0.0.1' is no address"),
        ("127.0.0.1", "the endpoint '127.0.0.1' is no address"),
        ("plan", "the endpoint 'plan' is no address"),
    ],
)
def test_an_endpoint_that_is_none_is_a_line(home: Path, endpoint: str, line: str) -> None:
    with pytest.raises(ModelError, match=line):
        served_models(team(home), home, endpoint)


def test_a_changed_base_is_named_with_both_hashes(home: Path) -> None:
    with pytest.raises(RunError, match=f"its hash is {model_hash(home / 'base')}, team.json says 0000"):
        team_models(team(home, base_hash="0000"), home)


def test_a_missing_adapter_folder_is_named(home: Path) -> None:
    with pytest.raises(RunError, match="gone-2 of role 'plan' is missing"):
        team_models(team(home, adapters={"plan": "gone-2"}), home)


def damaged(home: Path, folder: Path, without: str) -> Team:
    """A team in `folder` whose plan adapter has lost a file."""
    shutil.copytree(home / "base", folder / "base")
    shutil.copytree(home / "plan-1", folder / "plan-1")
    (folder / "plan-1" / without).unlink()
    return team(home, adapters={"plan": "plan-1"})


@pytest.mark.parametrize("file", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_that_has_lost_a_file_is_one_clear_line(home: Path, tmp_path: Path, file: str) -> None:
    with pytest.raises(RunError, match=f"role 'plan' cannot be used: .*{file}") as caught:
        team_models(damaged(home, tmp_path, file), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_pickled_adapter_is_refused(home: Path, tmp_path: Path) -> None:
    broken = damaged(home, tmp_path, "adapter_model.safetensors")
    (tmp_path / "plan-1" / "adapter_model.bin").write_bytes(b"")
    with pytest.raises(RunError, match="holds a pickle"):
        team_models(broken, tmp_path)


def test_an_adapter_outside_the_run_folder_is_refused(home: Path) -> None:
    for path in ("../plan-1", str(home.parent), "plan-1/../../plan-1", "/"):
        with pytest.raises(RunError, match="lies outside the run folder"):
            team_models(team(home, adapters={"plan": path}), home)


def test_an_adapter_named_by_its_hash_is_checked_against_its_name(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "base", tmp_path / "base")
    shutil.copytree(home / "plan-1", tmp_path / "plan-1a2b3c4d5e6f")
    with pytest.raises(RunError, match="of role 'plan' is not the one that was trained: its files have changed"):
        team_models(team(home, adapters={"plan": "plan-1a2b3c4d5e6f"}), tmp_path)


def test_where_the_base_was_does_not_make_another_adapter(home: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(home / "plan-1", tmp_path / "plan-1"))
    settings = json.loads((moved / "adapter_config.json").read_text("utf-8"))
    (moved / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": "/elsewhere"}))
    assert adapter_hash(moved) == adapter_hash(home / "plan-1")
    (moved / "adapter_config.json").write_text(json.dumps(settings | {"lora_alpha": 1}))
    assert adapter_hash(moved) != adapter_hash(home / "plan-1")


def test_a_chat_template_has_a_hash_wherever_it_is_kept(home: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(home / "base", tmp_path / "base"))
    own = template_hash(base)
    (base / "chat_template.jinja").unlink()
    assert template_hash(base) != own
    config = json.loads((base / "tokenizer_config.json").read_text("utf-8"))
    ours = template_hash(base)
    (base / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": "{{ messages }}"}))
    assert template_hash(base) not in (own, ours)
