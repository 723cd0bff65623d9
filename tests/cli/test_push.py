"""A team pushed to a hub on the loopback by the hub's own client: what arrives, what stays at home, what is refused."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoact.cli.hub_files import HubFile, pushed_run
from autoact.cli.push import refuse_secrets
from autoact.core.errors import UserError
from autoact.core.records import ROLES, Example, Message, QAPair, Team, from_json, to_json
from autoact.core.store import Store, write_json
from autoact.core.task import check_task
from autoact.models.weights import adapter_hash, model_hash, weights_hash
from autoact.tools.library import build_tools
from autoact.training.provenance import provenance
from tests.cli.loopback_hub import TOKEN, LoopbackHub

Push = Callable[..., subprocess.CompletedProcess[str]]
REPO = "me/team"
HOSTILE = "Sums | `x` <script>\x1b[2J"
REPORT: dict[str, Any] = {
    "questions": {"kept": 9},
    "trajectories": {"played": 18, "kept": 5, "mean_reward": 0.25},
    "examples": {role: {"trained_on": 5, "held_out": 1} for role in ROLES},
    "held_out_losses": {role: {"base": 1.5, role: 0.5} for role in ROLES},
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with real adapters, and the base that they are of beside it."""
    home = tmp_path_factory.mktemp("pushed")
    runpy.run_path(str(Path(__file__).parents[1] / "tiny_llama.py"))["make_home"](home)
    run, paths = home / "run", {}
    for role in ROLES:
        paths[role] = f"adapters/{role}-{weights_hash(home / f'{role}-1')[:12]}"
        shutil.copytree(home / f"{role}-1", run / paths[role])
    data = {
        "name": HOSTILE,
        "description": 'Add "numbers".',
        "model": f"transformers:{home}/base",
        "tools": ["Calculator"],
        "examples": [{"question": "1+1?", "answer": "2"}],
        "learn": {"deepspeed": f"{home}/zero9.json"},
    }
    task = check_task(data, run / "task.yaml")
    write_json(run / "task.json", {"task": data, "file": str(run / "task.yaml")})
    write_json(run / "report.json", REPORT)
    Store(run / "questions.jsonl", QAPair).append(QAPair("q0", "A question at home?", "2"))
    chat = (Message("system", "Add numbers.\n```\n"), Message("user", "Question: A question at home?"))
    Store(run / "rounds/00/plan.jsonl", Example).append(Example("q0/0", "plan", chat))
    noted = provenance(run, task, str(home / "base"), paths.values(), build_tools(("Calculator",), None), REPORT)
    settings = task.learn.model_dump(mode="json")
    base = str(home / "base")
    team = Team(base, model_hash(base), paths, ("Calculator",), task.name, settings, provenance=noted)
    write_json(run / "team.json", to_json(team))
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture(scope="module")
def open_hub() -> Iterator[LoopbackHub]:
    """A hub for the tests that only read what one push has left."""
    hub = LoopbackHub()
    yield hub
    hub.close()


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    """A hub of the test's own."""
    hub = LoopbackHub()
    yield hub
    hub.close()


@pytest.fixture
def push(program: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Push:
    """Calls the command as somebody with a token for that hub."""

    def call(hub: LoopbackHub, *words: object, token: str = TOKEN, **more: str) -> subprocess.CompletedProcess[str]:
        return program("push", *words, env=environment(hub, tmp_path, token) | more)

    return call


def environment(hub: LoopbackHub, home: Path, token: str = TOKEN) -> dict[str, str]:
    ours = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home / "hf"), "HF_TOKEN": token}
    return {**os.environ, **ours}


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refused push."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("push ")]
    assert len(lines) == 1, done.stderr
    return lines[0].removeprefix("autoact: ")


@pytest.fixture(scope="module")
def arrived(made: Path, open_hub: LoopbackHub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a repository after a push."""
    command = [sys.executable, "-c", "from autoact.cli.main import app; app()", "push", str(made), REPO]
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        command, env=environment(open_hub, home), text=True, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{open_hub.url}/{REPO}/commit/")
    return open_hub.files[REPO]


def test_what_arrives_is_adapters_team_and_card_and_nothing_else(arrived: dict[str, bytes], made: Path) -> None:
    folders = [Path(path).name for path in json.loads((made / "team.json").read_text())["adapters"].values()]
    files = {
        f"adapters/{name}/{file}" for name in folders for file in ("adapter_config.json", "adapter_model.safetensors")
    }
    assert arrived.keys() == {"README.md", "team.json", *files}
    assert not any(b"A question at home" in content for content in arrived.values())


def test_weights_arrive_byte_for_byte_and_the_adapters_are_the_trained_ones(
    arrived: dict[str, bytes], made: Path, tmp_path: Path
) -> None:
    noted = json.loads((made / "team.json").read_text())["provenance"]["adapters"]
    for path, value in noted.items():
        assert arrived[f"{path}/adapter_model.safetensors"] == (made / path / "adapter_model.safetensors").read_bytes()
        (tmp_path / path).mkdir(parents=True)
        for file in ("adapter_config.json", "adapter_model.safetensors"):
            (tmp_path / path / file).write_bytes(arrived[f"{path}/{file}"])
        assert adapter_hash(tmp_path / path) == value


def test_no_path_of_this_machine_is_told(arrived: dict[str, bytes], made: Path) -> None:
    for name, content in arrived.items():
        assert str(made.parent).encode() not in content, name
    team = from_json(Team, json.loads(arrived["team.json"]))
    assert (team.base, team.settings["deepspeed"]) == ("base", "zero9.json")


def test_a_new_repository_is_private_and_the_client_says_who_it_is(
    arrived: dict[str, bytes], open_hub: LoopbackHub
) -> None:
    assert arrived
    assert open_hub.private == {REPO: True}
    assert open_hub.commits == ["Team trained by AutoAct"]
    assert any(agent.startswith("autoact/") for agent in open_hub.agents)


def test_the_card_has_metadata_and_the_figures_of_the_report(arrived: dict[str, bytes]) -> None:
    _, metadata, body = arrived["README.md"].decode().split("---\n", 2)
    found = yaml.safe_load(metadata)
    assert (found["library_name"], found["tags"][:2]) == ("peft", ["autoact", "lora"])
    assert "base_model" not in found  # the hub has no model called "base"
    assert "Questions written: 9; trajectories played: 18, mean reward 0.250, kept 5" in body
    assert re.search(r"\| `plan` \| `plan-\w{12}` \| 5 \| 1\.500 \| 0\.500 \|", body)
    assert "````text\nAdd numbers.\n```\n\n````" in body


def test_hostile_names_are_text_in_the_card(arrived: dict[str, bytes]) -> None:
    card = arrived["README.md"].decode()
    assert "# `Sums ❘ 'x' <script>\\x1b[2J`" in card
    assert "\x1b" not in card


def python_blocks(card: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", card, re.DOTALL)


def test_the_team_is_loaded_as_the_card_says(
    arrived: dict[str, bytes], open_hub: LoopbackHub, made: Path, tmp_path: Path
) -> None:
    shutil.copytree(made.parent / "base", tmp_path / "team" / "base")
    ours, peft = python_blocks(arrived["README.md"].decode())
    code = "\n".join(
        (
            "from autoact.tools.library import build_tools",
            "tools = build_tools(('Calculator',), None)",
            ours,
            "assert state['status'] in ('answered', 'unsure', 'halted')",
            "import os; os.chdir('team')",
            peft,
            "assert model.active_adapters == ['default']",
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(open_hub, tmp_path),
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(arrived) == 8


def test_a_base_of_the_hub_and_a_licence_are_named(made: Path, call: Any) -> None:
    words = ("--base", "org/seed", "--license", "mit", "--public", "--dry-run", "--json")
    shown = json.loads(call("push", made, REPO, *words).stdout)
    metadata = yaml.safe_load(shown["card"].split("---\n")[1])
    assert (metadata["base_model"], metadata["license"], shown["public"]) == ("org/seed", "mit", True)
    assert "the base is in team" not in shown["card"]


def test_a_base_that_is_named_as_a_hub_would_and_is_a_folder_here_is_not_said_to_be_on_the_hub(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    team = json.loads((run / "team.json").read_text())
    write_json(run / "team.json", team | {"base": "models/seed"})
    assert pushed_run(run, REPO).base_is_on_hub
    (tmp_path / "models" / "seed").mkdir(parents=True)
    assert pushed_run(run, REPO).team.base == "seed"


def test_a_dry_run_lists_what_would_go_and_asks_nobody(made: Path, hub: LoopbackHub, call: Any) -> None:
    words = ("push", made, REPO, "--endpoint", hub.url, "--dry-run")
    shown = call(*words).stdout
    assert "Nothing is sent." in shown
    assert "README.md" in shown
    with_data = json.loads(call(*words, "--json", "--with-data").stdout)["files"]
    assert {"questions.jsonl", "rounds/00/plan.jsonl"} <= with_data.keys()
    assert hub.asked == []


def test_data_goes_along_only_when_asked_and_is_taken_out_by_the_next_push(
    made: Path, hub: LoopbackHub, push: Push
) -> None:
    assert push(hub, made, REPO, "--with-data").returncode == 0
    assert hub.files[REPO]["questions.jsonl"] == (made / "questions.jsonl").read_bytes()
    hub.files[REPO]["mine.txt"] = b"the user's own"
    assert push(hub, made, REPO).returncode == 0
    assert {"questions.jsonl", "rounds/00/plan.jsonl"}.isdisjoint(hub.files[REPO])
    assert "mine.txt" in hub.files[REPO]
    assert sum(line.startswith("PUT /lfs/") for line in hub.asked) == 3  # what is up already is not sent again


@pytest.mark.long
def test_a_connection_that_is_cut_while_weights_go_up_leaves_no_half_team(
    made: Path, hub: LoopbackHub, push: Push
) -> None:
    hub.fails["PUT /lfs/"] = None
    assert "cannot be reached" in refused(push(hub, made, REPO))
    assert hub.files[REPO] == {}
    hub.fails.clear()
    assert push(hub, made, REPO).returncode == 0
    assert len(hub.files[REPO]) == 8


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("team",), "team has no owner; write OWNER/NAME, such as me/team"),
        (("me/te am",), "OWNER/NAME: 'me/te am' is no name of a repository"),
        (("a/b/c",), "OWNER/NAME: 'a/b/c' is no name of a repository"),
        (("me/team", "--base", "x y"), "--base: 'x y' is no name of a repository"),
        (("me/team", "--license", "MIT License"), "--license MIT License is no identifier of a licence"),
    ],
)
def test_a_name_that_is_none_is_one_line(words: tuple[str, ...], says: str, made: Path, call: Any) -> None:
    result = call("push", made, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_an_unfinished_run_a_pickle_and_a_changed_adapter_are_not_pushed(run: Path, call: Any) -> None:
    plan = run / json.loads((run / "team.json").read_text())["adapters"]["plan"]
    (plan / "adapter_model.bin").write_bytes(b"")
    assert "holds a pickle" in call("push", run, REPO, "--dry-run").stderr
    (plan / "adapter_model.bin").unlink()
    config = json.loads((plan / "adapter_config.json").read_text())
    write_json(plan / "adapter_config.json", config | {"lora_alpha": 999})
    assert "is not the one that was trained" in call("push", run, REPO, "--dry-run").stderr
    (run / "team.json").unlink()
    assert "is not finished" in call("push", run, REPO, "--dry-run").stderr


def test_a_file_that_holds_a_secret_of_the_environment_is_not_pushed(made: Path) -> None:
    files = [HubFile("card", b"all well"), HubFile("questions.jsonl", made / "questions.jsonl")]
    refuse_secrets(files, {"MY_API_KEY": "all", "KEYBOARD": "all well", "HF_TOKEN": "hf_another"})
    with pytest.raises(UserError, match=r"questions\.jsonl holds the value of MY_API_KEY, a secret; take it out"):
        refuse_secrets(files, {"MY_API_KEY": "A question at home?"})
