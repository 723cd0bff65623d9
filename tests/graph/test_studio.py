"""`langgraph dev` serves the Atlas team on a machine without a key, and does what Studio asks of a server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from autoact.core.learning import LearnConfig
from autoact.core.records import ROLES, Example, QAPair, Step, Team, to_json
from autoact.core.store import write_json
from autoact.core.task import load_task
from autoact.graph import studio
from autoact.graph.context import WORDING, Context
from autoact.graph.setup import brief_of
from autoact.graph.state import BESIDE
from autoact.models.weights import model_hash
from autoact.prompts.render import Brief
from autoact.prompts.template import template_text
from autoact.tools.toolbox import chosen_tools
from autoact.training.examples import example
from autoact.training.sft import train_adapter

ROOT = Path(__file__).parents[2]
ATLAS = ROOT / "examples" / "atlas"
SEED = ATLAS / "seed"
SECONDS = 120
QUESTION = {"question": "What is the language of Cuba?"}
LANGUAGES = {"Cuba": "Spanish", "Japan": "Japanese", "Peru": "Spanish"}
META = {f"{role}_model": "meta" for role in ROLES}
State = dict[str, Any]


# ── a team and a server ──


def trained(folder: Path) -> str:
    """The folder's name of a tool adapter that was taught to answer with the country that the question is about."""
    import torch

    torch.set_num_threads(1)  # two on a busy core wait for each other
    task = load_task(ATLAS / "task.yaml")
    brief = brief_of(task.description, chosen_tools(task, task.tools))
    lessons = [lesson(brief, place, answer) for place, answer in LANGUAGES.items()]
    return train_adapter("tool", str(SEED), lessons, LearnConfig(epochs=12, learning_rate=1e-2), folder).path.name


def lesson(brief: Brief, place: str, answer: str) -> Example:
    """The tool agent's turns, as no other agent would take them."""
    need, told = f"I need the language of {place}.", f"{place} is a country. The language of {place} is {answer}."
    opens = Step(f"{need} I open {place}.", "Retrieve", place, told)
    ends = Step(f"{need} It is {answer}.", "Finish", place)
    pair = QAPair(place, f"What is the language of {place}?", answer)
    return example("tool", brief, pair, place, (opens, ends), 0, 0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a finished run will be: Atlas, with a trained tool agent."""
    return tmp_path_factory.mktemp("studio") / "run"


def finish(run: Path) -> None:
    (run / "adapters").mkdir(parents=True)
    task = {"task": yaml.safe_load((ATLAS / "task.yaml").read_text("utf-8")), "file": str(ATLAS / "task.yaml")}
    write_json(run / "task.json", task)
    adapters = {"tool": f"adapters/{trained(run / 'adapters')}"}
    team = Team(str(SEED), model_hash(SEED), adapters, ("Search", "Retrieve", "Lookup"), "Atlas")
    write_json(run / "team.json", to_json(team))


@pytest.fixture(scope="module")
def server(run: Path) -> Iterator[SyncLangGraphClient]:
    """A client of a server that runs in a folder of its own; the team is trained while it starts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--config", str(ROOT / "langgraph.json"), "--port", str(port)]
    words = [str(Path(sys.executable).parent / "langgraph"), "dev", "--no-browser", "--no-reload", *options]
    log = (run.parent / "log").open("w+b")
    process = subprocess.Popen(words, cwd=run.parent, env=keyless(run), stdout=log, stderr=log)
    try:
        finish(run)
        wait_for(f"http://127.0.0.1:{port}/ok", process, Path(log.name))
        with get_sync_client(url=f"http://127.0.0.1:{port}", api_key=None) as client:
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
            log.close()


def keyless(run: Path) -> dict[str, str]:
    """The environment without keys and other settings of LangChain's programs, which are to stay on this machine."""
    theirs = ("LANGGRAPH", "LANGSMITH", "LANGCHAIN")
    known = {k: v for k, v in os.environ.items() if not k.startswith(theirs) and not k.endswith("_API_KEY")}
    at_home = {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGGRAPH_NO_VERSION_CHECK": "true"}
    return known | at_home | {"AUTOACT_RUN": str(run), "OMP_NUM_THREADS": "1"}


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text("utf-8", "replace")[-3000:]
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(log.read_text("utf-8", "replace")[-3000:])


def ask(server: SyncLangGraphClient, thread: str, assistant: str = "autoact", **options: Any) -> State:
    """The state after a run; what failed is under `__error__`."""
    state: Any = server.runs.wait(thread, assistant, raise_error=False, **options)
    assert isinstance(state, dict)
    return state


def new_thread(server: SyncLangGraphClient) -> str:
    return str(server.threads.create()["thread_id"])


def ask_anew(server: SyncLangGraphClient, assistant: str = "autoact", **options: Any) -> State:
    return ask(server, new_thread(server), assistant, **{"input": QUESTION, **options})


def calls(state: State) -> list[tuple[str, str]]:
    """The tools called and their inputs."""
    return [(step["tool"], step["argument"]) for step in state["steps"]]


# ── what is shown ──


@pytest.fixture(scope="module")
def schemas(server: SyncLangGraphClient) -> dict[str, Any]:
    """The schemas of both graphs, asked for at the same time and before anything else."""
    ids = {item["graph_id"]: item["assistant_id"] for item in server.assistants.search()}
    with ThreadPoolExecutor() as pool:
        return dict(zip(ids, pool.map(server.assistants.get_schemas, ids.values()), strict=True))


def test_every_field_of_question_settings_and_state_is_described(schemas: dict[str, Any]) -> None:
    shown = [schemas["autoact"][name] for name in ("input_schema", "context_schema", "state_schema")]
    fields = [item for schema in shown[:2] for item in schema["properties"].items()]
    # In the server's own schema of the state, a channel that lasts for one step loses its description.
    fields += [(name, field) for name, field in shown[2]["properties"].items() if name not in BESIDE]
    assert [name for name, field in fields if not field.get("description")] == []
    assert shown[1]["properties"].keys() == Context.model_fields.keys()
    assert schemas["chat"]["context_schema"] == schemas["autoact"]["context_schema"]
    assert schemas["chat"]["input_schema"]["properties"].keys() == {"messages"}


def test_the_prompts_are_edited_at_the_nodes_that_send_them(schemas: dict[str, Any]) -> None:
    fields = schemas["autoact"]["context_schema"]["properties"]
    prompts = {name: field for name, field in fields.items() if field.get("langgraph_type") == "prompt"}
    assert {name: field["langgraph_nodes"] for name, field in prompts.items()} == {
        "task_prompt": ["plan", "tool", "reflect"],
        "system_prompt": ["plan"],
        "input_prompt": ["tool"],
        "reflect_prompt": ["reflect"],
        "retry_prompt": ["plan"],
    }
    texts = {name: template_text(template) for name, template in WORDING.items()}
    texts["task_prompt"] = load_task(ATLAS / "task.yaml").description
    assert {name: field["default"] for name, field in prompts.items()} == texts
    assert (fields["max_steps"]["default"], fields["max_tokens"]["default"]) == (12, 64)


def test_the_nodes_name_their_agents_also_inside_the_chat(server: SyncLangGraphClient, schemas: dict[str, Any]) -> None:
    for graph, inside in (("autoact", ""), ("chat", "autoact:")):
        nodes: Any = server.assistants.get_graph(schemas[graph]["graph_id"], xray=True)["nodes"]
        agents = {node["id"]: node.get("metadata", {}).get("agent") for node in nodes}
        assert {agents[f"{inside}{role}"] for role in ROLES} == {f"{role.upper()}-AGENT" for role in ROLES}
        assert not any("error_handler" in node for node in agents)


@pytest.mark.usefixtures("server")
def test_both_graphs_share_one_team_however_many_ask_at_once(run: Path) -> None:
    graphs = json.loads((ROOT / "langgraph.json").read_text("utf-8"))["graphs"].values()
    assert {graph["path"].partition(":")[0] for graph in graphs} == {studio.__name__}
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(studio.team, [str(run)] * 2)
    assert first is second


# ── runs ──


def test_a_run_streams_updates_events_and_tokens(server: SyncLangGraphClient) -> None:
    modes: Any = ["updates", "custom", "messages-tuple"]
    parts = list(server.runs.stream(None, "autoact", input=QUESTION, stream_mode=modes))
    seen = {kind: [part.data for part in parts if part.event == kind] for kind in ("updates", "custom", "messages")}
    assert all(next(iter(update.values())) for update in seen["updates"])
    events = [event["event"] for event in seen["custom"]]
    assert (events[:2], events[-1]) == (["action", "observation"], "end")
    assert all(chunk["content"] for chunk, _ in seen["messages"])
    said = {about["agent"]: "" for _, about in seen["messages"]}
    for chunk, about in seen["messages"]:
        said[about["agent"]] += chunk["content"]
    assert said.keys() == {f"{role.upper()}-AGENT" for role in ROLES}
    assert said["REFLECT-AGENT"].strip().startswith("Thought: ")
    assert len(seen["messages"]) > 20


EDITED = {"name": "Retrieve", "args": {"input": "Japan"}}
DECISIONS = [
    ({"type": "approve"}, "Cuba", "The language of Cuba is Spanish."),
    ({"type": "edit", "edited_action": EDITED}, "Japan", "The language of Japan is Japanese."),
    ({"type": "reject", "message": "not now"}, "Cuba", "not now"),
]


@pytest.mark.parametrize(("decision", "argument", "told"), DECISIONS, ids=["approve", "edit", "reject"])
def test_a_pending_call_is_decided_by_a_human(
    server: SyncLangGraphClient, decision: dict[str, Any], argument: str, told: str
) -> None:
    thread = new_thread(server)
    paused = ask(server, thread, input=QUESTION, context={"approve_tools": ["Retrieve"], "max_steps": 1})
    [request] = paused["__interrupt__"][0]["value"]["action_requests"]
    assert (request["name"], request["args"]) == ("Retrieve", {"input": "Cuba"})
    assert server.threads.get(thread)["status"] == "interrupted"
    [step] = ask(server, thread, command={"resume": {"decisions": [decision]}})["steps"]
    assert step["argument"] == argument
    assert told in step["observation"]


def test_a_run_stops_before_a_node_and_goes_on_from_an_edit(server: SyncLangGraphClient) -> None:
    thread = new_thread(server)
    paused = ask(server, thread, input=QUESTION, interrupt_before=["executor"])
    assert (paused["tool"], paused["argument"], paused["steps"]) == ("Retrieve", "Cuba", [])
    server.threads.update_state(thread, {"argument": "Japan"})
    assert calls(ask(server, thread))[0] == ("Retrieve", "Japan")


class Played(NamedTuple):
    """A thread whose question is answered, its state, and its moments by the node that came next."""

    thread: str
    state: State
    moments: dict[str, Any]


@pytest.fixture(scope="module")
def played(server: SyncLangGraphClient) -> Played:
    """A question played to the end, with the first moment of each node."""
    thread = new_thread(server)
    state = ask(server, thread, input=QUESTION)
    return Played(thread, state, {node: then for then in server.threads.get_history(thread) for node in then["next"]})


@pytest.mark.parametrize(
    ("before", "edit", "first"),
    [
        ("tool", {"thought": "I need the language of Japan. I open Japan."}, ("Retrieve", "Japan")),
        ("executor", {"tool": "Finish", "argument": "Español"}, ("Finish", "Español")),
    ],
)
def test_an_edit_of_an_earlier_moment_is_a_fork(
    server: SyncLangGraphClient, played: Played, before: str, edit: dict[str, str], first: tuple[str, str]
) -> None:
    fork = server.threads.update_state(played.thread, edit, checkpoint=played.moments[before]["checkpoint"])
    assert server.threads.get_state(played.thread)["next"] == [before]
    assert calls(ask(server, played.thread, checkpoint=fork["checkpoint"]))[0] == first


def test_an_earlier_moment_is_played_again(server: SyncLangGraphClient, played: Played) -> None:
    before = server.threads.get_history(played.thread, limit=100)
    again = ask(server, played.thread, checkpoint=played.moments["plan"]["checkpoint"])
    assert (again["steps"], again["answer"]) == (played.state["steps"], "Cuba")
    assert len(server.threads.get_history(played.thread, limit=100)) > len(before)


# ── settings ──


def test_two_assistants_with_different_teams_give_different_answers(
    server: SyncLangGraphClient, played: Played
) -> None:
    untrained = server.assistants.create("autoact", name="META-AGENT", context=META)
    states = played.state, ask_anew(server, untrained["assistant_id"])
    assert states[0]["answer"] == "Cuba" != states[1]["answer"]
    wrote = [{name.partition("-")[0] for step in state["steps"] for name in step["wrote"].values()} for state in states]
    assert wrote == [{"seed", "tool"}, {"seed"}]


def test_an_edited_prompt_is_what_the_model_reads(server: SyncLangGraphClient, played: Played) -> None:
    shorter, longer = {"task_prompt": "Countries."}, {"reflect_prompt": "Is the answer that was given above right?"}
    states = [ask_anew(server, context={"max_reflections": 0, **edit}) for edit in (shorter, longer)]
    plain, told, asked = (
        {role: spent["input_tokens"] for role, spent in state["usage"].items()} for state in (played.state, *states)
    )
    assert all(told[role] < plain[role] for role in ROLES)
    assert asked == plain | {"reflect": asked["reflect"]}
    assert asked["reflect"] > plain["reflect"]


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"context": {"colour": "red"}}, "context: colour is no setting; choose from max_steps, "),
        ({"context": {"plan_model": "gpt"}}, "context: plan_model: 'gpt' is not one of this team's; choose from "),
        ({"input": {"question": " "}}, "the input is not a question: 'question' is empty"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(
    server: SyncLangGraphClient, asked: dict[str, Any], problem: str
) -> None:
    told = ask_anew(server, **asked)["__error__"]["message"]
    assert told.startswith(problem)
    assert "\n" not in told


def test_what_the_server_puts_among_the_settings_is_let_through() -> None:
    studio.check_names({"thread_id": "1", "__event_streaming_v2": True, "langgraph_auth_user_id": "", "max_steps": 1})


def test_a_run_is_cancelled_and_the_next_question_answered(server: SyncLangGraphClient) -> None:
    thread = new_thread(server)
    rambling: Any = {"temperature": 2.0, "max_tokens": 1000, "seed": 1, "system_prompt": "{description}{tools}"}
    started = server.runs.create(thread, "autoact", input=QUESTION, context=rambling, stream_mode="messages-tuple")
    next(iter(server.runs.join_stream(thread, started["run_id"], stream_mode="messages-tuple")))
    server.runs.cancel(thread, started["run_id"], wait=True)
    assert server.runs.get(thread, started["run_id"])["status"] == "interrupted"
    assert ask(server, thread, input=QUESTION)["answer"] == "Cuba"


# ── the chat ──


def test_a_chat_takes_several_questions_and_streams_its_answers(server: SyncLangGraphClient) -> None:
    thread = new_thread(server)
    modes: Any = ["updates", "custom", "messages-tuple"]
    for place in ("Cuba", "Japan"):
        said: Any = {"messages": [{"role": "human", "content": f"What is the language of {place}?"}]}
        stream = server.runs.stream(thread, "chat", input=said, stream_mode=modes, stream_subgraphs=True)
        kinds = [part.event.partition("|")[0] for part in stream if part.data]
        assert {"updates", "custom", "messages"} <= set(kinds)
        assert kinds.count("messages") > 20
    values: Any = server.threads.get_state(thread)["values"]
    assert [message["content"] for message in values["messages"][1::2]] == ["Cuba", "Japan"]
    assert values["messages"][1]["response_metadata"]["status"] == "answered"


def test_a_chat_pauses_for_a_human_too(server: SyncLangGraphClient) -> None:
    thread, said = new_thread(server), {"messages": [{"role": "human", "content": QUESTION["question"]}]}
    paused = ask(server, thread, "chat", input=said, context={"approve_tools": ["Finish"]})
    assert paused["__interrupt__"][0]["value"]["action_requests"][0]["name"] == "Finish"
    edited = {"type": "edit", "edited_action": {"name": "Finish", "args": {"input": "Español"}}}
    state = ask(server, thread, "chat", command={"resume": {"decisions": [edited]}})
    assert state["messages"][-1]["content"] == "Español"


# ── docs/walk.py ──


def test_the_walk_of_the_docs_follows_forks_and_edits(server: SyncLangGraphClient) -> None:
    address = str(server.http.client.base_url)
    words = ["--url", address, "--question", QUESTION["question"], "--other", "Japan"]
    told = subprocess.check_output([sys.executable, ROOT / "docs" / "walk.py", *words], text=True, timeout=SECONDS)
    assert "PLAN-AGENT      Thought: " in told
    for line in ("answered: Cuba", "Retrieve ← Japan", "waits           Finish ← Cuba   approve,", ": that of Japan"):
        assert line in told
