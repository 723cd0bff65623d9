"""`autoact judge`: the page until Ctrl-C, a model as a judge, the results; a line when there is nothing to judge."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from autoact.core.records import QAPair, Reward, Scored, Step, Trajectory
from autoact.core.store import Store
from autoact.prompts.judging import ASPECTS
from autoact.serve.judging.cases import drawn_poll
from autoact.serve.judging.votes import Votes

AUTOACT = str(Path(sys.executable).parent / "autoact")
COUNTRIES = ("peru", "cuba", "chad")
METHODS = ("cot", "react")

Call = Callable[..., Result]


class Completions(BaseHTTPRequestHandler):
    """A model that always prefers the first it is shown, and has nothing to say on Cuba until it is told to."""

    asked: list[str]
    seeds: list[int]
    silent: bool

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        question = body["messages"][1]["content"].partition("?")[0]
        self.asked.append(question)
        self.seeds.append(body["seed"])
        reply = "\n".join(f"{aspect.id.capitalize()}: A" for aspect in ASPECTS)
        text = "Well." if self.silent and "cuba" in question else reply
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
        told = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def model() -> Iterator[tuple[str, type[Completions]]]:
    """Where the model is served, and what it was asked."""

    class Handler(Completions):
        asked: list[str] = []  # noqa: RUF012 - one of its own for each test
        seeds: list[int] = []  # noqa: RUF012
        silent = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", Handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """An evaluation of two methods on three questions."""
    folder = tmp_path / "run" / "eval" / "toy"
    Store(folder / "questions.jsonl", QAPair).append(*(QAPair(name, f"Where is {name}?", "x") for name in COUNTRIES))
    for method in METHODS:
        plays = (Trajectory(f"{n}/0", n, (Step("I know.", "Finish", method),), method, "answered") for n in COUNTRIES)
        Store(folder / f"{method}.jsonl", Scored).append(*(Scored(play, Reward(0.0, False)) for play in plays))
    return folder


@pytest.fixture
def voted(trial: Path) -> Path:
    """The same, with a poll of two judges who agree on one question."""
    votes = Votes(trial / "judging.sqlite")
    votes.begin(drawn_poll(trial, METHODS, None, judges=2, seed=0))
    for judge in ("Ann", "Ben"):
        votes.cast(votes.poll(), judge, "peru", {aspect.id: "react" for aspect in ASPECTS})
    return trial


def test_the_page_is_served_until_ctrl_c_and_the_same_command_goes_on(trial: Path) -> None:
    command = [AUTOACT, "judge", str(trial.parents[1]), *METHODS, "--port", "0"]
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout
            said = process.stdout.readline()
            assert said.startswith("Judging at http://127.0.0.1:")
            assert "Who judges?" in httpx.get(said.split()[2], timeout=20).text
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (130, "autoact: stopped; the same command goes on where it stopped\n")
    assert (trial / "judging.sqlite").is_file()


def test_the_results_are_a_table(voted: Path, call: Call) -> None:
    told = call("judge", voted, "--export").stdout
    assert "2 judges, 1 of 3 questions closed" in told
    rounds = next(line for line in told.splitlines() if line.strip().startswith("rounds"))
    assert rounds.split() == ["rounds", "0%", "100%", "0%", "0%", "2", "–"]


def test_the_results_are_json_without_the_methods_named_again(voted: Path, call: Call) -> None:
    results = json.loads(call("judge", voted, "--export", "--json").stdout)
    assert (results["poll"]["methods"], results["poll"]["judges"], results["closed"]) == (list(METHODS), 2, 1)
    assert results["aspects"][0]["won"] == {"cot": 0, "react": 1, "no difference": 0}
    assert results["aspects"][0]["alpha"] is None


def test_a_model_judges_what_is_left_to_it_and_stands_apart(
    voted: Path, call: Call, model: tuple[str, type[Completions]]
) -> None:
    endpoint, served = model
    words = ("judge", voted, "--llm", "openai:m", "--endpoint", endpoint)
    first = call(*words)
    assert first.stdout == (
        "openai:m has judged 2 of 3 questions; what it said on 1 could not be read, and the same command asks again\n"
    )
    served.silent = False
    assert call(*words).stdout == "openai:m has judged 3 of 3 questions\n"
    assert sorted(question.rpartition(" ")[2] for question in served.asked) == ["chad", "cuba", "cuba", "peru"]
    assert len(set(served.seeds)) == 2
    results = json.loads(call("judge", voted, "--export", "--json").stdout)
    assert results["aspects"][0]["votes"] == {"cot": 0, "react": 2, "no difference": 0}
    assert [(row["judge"], sum(row["votes"].values()), row["compared"]) for row in results["models"]] == [
        ("openai:m", 3, 1)
    ] * len(ASPECTS)
    assert "Models as judges" in call("judge", voted, "--export").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cot", "nope"], "no trajectories of 'nope'"),
        (["cot"], "name between 2 and 26 methods"),
        ([], "there are no votes in"),
        (["--export"], "there are no votes in"),
        (["cot", "react", "--export"], "there are no votes in"),
        (["cot", "react", "--json"], "--json prints results: give --export too"),
        (["cot", "react", "--questions", 4], "has 3 questions, too few to judge 4"),
        (["cot", "react", "--host", "0.0.0.0"], "can be reached from other machines, and this server has no key"),
        (["cot", "react", "--llm", "gpt"], "'gpt' is not a model"),
        (["cot", "react", "--votes", "/proc/votes"], "the votes in /proc/votes cannot be used"),
    ],
)
def test_what_cannot_be_judged_is_a_line(trial: Path, call: Call, words: list[object], told: str) -> None:
    result = call("judge", trial, "--port", 0, *words)
    assert (result.exit_code, told in result.stderr, result.stderr.count("\n")) == (2, True, 1)


def test_a_poll_is_not_changed_on_the_way(voted: Path, call: Call) -> None:
    result = call("judge", voted, *METHODS, "--judges", 3, "--export")
    assert (result.exit_code, "has votes on cot, react (3 questions, 2 judges, seed 0)" in result.stderr) == (2, True)


@pytest.mark.parametrize(("option", "kept"), [("--judges", 2), ("--questions", 3), ("--seed", 0)])
def test_an_option_that_the_poll_contradicts_is_a_line(voted: Path, call: Call, option: str, kept: int) -> None:
    told = call("judge", voted, "--export", option, 9)
    assert (told.exit_code, f"the votes on disk have {option} {kept}" in told.stderr) == (2, True)
    assert call("judge", voted, "--export", option, kept).exit_code == 0


def test_a_folder_that_is_no_evaluation_is_a_line(tmp_path: Path, call: Call) -> None:
    result = call("judge", tmp_path, *METHODS)
    assert (result.exit_code, "is no evaluation" in result.stderr, result.stderr.count("\n")) == (2, True, 1)


def test_a_port_in_use_is_a_line(trial: Path, call: Call) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as busy:
        result = call("judge", trial, *METHODS, "--port", busy.getsockname()[1])
    assert (result.exit_code, "Address already in use" in result.stderr, result.stderr.count("\n")) == (2, True, 1)
