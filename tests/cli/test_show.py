"""What a run has brought, as tables, as JSON and as a page; also before it is finished, and whatever models wrote."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from autoact.cli.learning_page import page
from autoact.cli.overview import overview
from autoact.cli.show_tables import sparkline
from autoact.core.records import (
    Example,
    Message,
    Preference,
    Provenance,
    QAPair,
    Reward,
    Scored,
    Step,
    Team,
    Trajectory,
    to_json,
)
from autoact.core.store import Store, write_json
from autoact.core.task import load_task
from autoact.training.filtering import Dropped
from autoact.training.gate import DroppedDraft
from autoact.training.self_instruct import Round
from autoact.training.verification import Verified

Call = Callable[..., Result]
TaskFile = Callable[[Mapping[str, Any]], Path]
HOSTILE = "[red]<script>alert(1)</script>\x1b[2J\u202e"


def play(name: str, answer: str, value: float) -> Scored:
    steps = (Step("t", "Retrieve", HOSTILE, "page"), Step("t", "Finish", answer))
    tools = {"Retrieve": {"calls": 2, "refused": 1, "failed": 0, "timeouts": 0}}
    question = name.partition("/")[0]
    return Scored(Trajectory(name, question, steps, answer, "answered", tools=tools), Reward(value, value == 1))


@pytest.fixture
def begun(task_file: TaskFile, tmp_path: Path) -> Path:
    """A run that has written its questions, and no more."""
    run = tmp_path / "run"
    task = load_task(task_file({"learn": {"questions": 4, "samples": 1, "rounds": 2}}))
    write_json(run / "task.json", {"file": str(task.file), "task": task.model_dump(mode="json")})
    pairs = tuple(QAPair(f"q{i}", f"Where is {HOSTILE} {i}?", "here") for i in range(4))
    Store(run / "instruct.jsonl", Round).append(Round("0", pairs[:2], malformed=1, duplicate=2, excluded=3))
    dropped = (DroppedDraft("near_duplicate", "q0", HOSTILE), DroppedDraft("over_quota", "yes", "Is it?"))
    second = Round(
        "1", pairs[2:], malformed=0, duplicate=0, excluded=0, near_duplicate=1, over_quota=1, dropped=dropped
    )
    Store(run / "instruct.jsonl", Round).append(second)
    Store(run / "questions.jsonl", QAPair).append(*pairs)
    return run


@pytest.fixture
def played(begun: Path) -> Path:
    """The same after a first round, whose adapters are in training."""
    selection = {"tools": ["Retrieve"], "replies": [], "fallback": False, "reason": HOSTILE}
    write_json(begun / "tools.json", selection)
    spent = {"seconds": 12.5, "tokens": 900, "requests": 30, "closed": "900 tokens"}
    write_json(begun / "spent.json", {"synthesis": spent, "held-out losses": {"seconds": 1.0}})
    folder = begun / "rounds" / "00"
    plays = [play("q0/0", "here", 1), play("q1/0", "there", 0), play("q2/0", HOSTILE, 0), play("q3/0", "here", 1)]
    Store(folder / "trajectories.jsonl", Scored).append(*plays)
    verdicts = [
        Verified("q0", "here", "here", {"here": 1}, 1.0, 0.2, "confirmed"),
        Verified("q1", "there", "here", {"there": 3}, 1.0, 0.4, "replaced"),
        Verified("q2", "", "here", {HOSTILE: 1}, 0.0, 0.0, "unanswerable"),
        Verified("q3", "", "here", {}, 0.0, 0.0, "disputed"),
    ]
    Store(folder / "verified.jsonl", Verified).append(*verdicts)
    Store(folder / "kept.jsonl", Scored).append(plays[0], play("q1/0", "there", 1))
    Store(folder / "dropped.jsonl", Dropped).append(
        Dropped("q2/0", "unverified"), Dropped("q3/0", "a loop", f"Retrieve: {HOSTILE}")
    )
    examples = [Example(f"q{i}/0", "plan", (Message("user", "x"),), held_out=i == 1) for i in range(2)]
    Store(folder / "plan.jsonl", Example).append(*examples)
    return begun


def adapter(name: str) -> dict[str, Any]:
    steps = [{"step": i, "epoch": i / 4, "loss": 2.0 / i, "learning_rate": 1e-4, "grad_norm": 1.0} for i in range(1, 9)]
    curve = {"steps": steps, "held_out": [0.8, 0.7]}
    return {
        "role": "plan",
        "path": f"adapters/{name}",
        "rows": 1,
        "tokens": 77,
        "loss": 0.5,
        "epoch": 2,
        "curve": curve,
    }


@pytest.fixture
def finished(played: Path) -> Path:
    """The same after two rounds, of which the first has the better team."""
    first, second = played / "rounds" / "00", played / "rounds" / "01"
    write_json(first / "adapters.json", {"plan": adapter("plan-0123456789ab")})
    Store(first / "dev.jsonl", Scored).append(play("q1/0", "here", 1))
    Store(second / "trajectories.jsonl", Scored).append(play("q2/1", "here", 0.5))
    Store(second / "dev.jsonl", Scored).append(play("q1/0", "there", 0.25))
    Store(second / "plan.pairs.jsonl", Preference).append(Preference("p", "plan", (), "a", "b"))
    write_json(second / "adapters.json", {"plan": adapter("plan-ba9876543210")})
    preferred = {"path": "adapters/plan-cccccccccccc", "method": "dpo", "margin": 0.125}
    write_json(second / "preferred.json", {"plan": preferred})
    noted = Provenance(template="ab" * 32, seeds={"run": 7}, tools={"Retrieve": "cd" * 32}, packages={"torch": "0.0"})
    team = Team("none", "00" * 32, {"plan": "adapters/plan-0123456789ab"}, ("Retrieve",), "Toy", provenance=noted)
    write_json(played / "team.json", to_json(team))
    losses = {role: {"base": 1.0, "plan": 0.5, "tool": float("nan")} for role in ("plan", "tool")}
    write_json(played / "report.json", {"held_out_losses": losses})
    method = {"method": "autoact", "reward": 0.875, "interval": [0.8, 0.95]}
    evaluated = {"benchmark": "toy", "split": "dev", "questions": 40, "contaminated": ["x"], "methods": [method]}
    write_json(played / "eval" / "toy-dev-1" / "report.json", evaluated)
    return played


def seen(call: Call, run: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call("show", run, "--json", *words).stdout)
    return found


def test_a_run_that_has_just_begun_is_shown(call: Call, begun: Path) -> None:
    (begun / "questions.jsonl").unlink()
    (begun / "instruct.jsonl").unlink()
    shown = seen(call, begun)
    assert (shown["task"], shown["finished"], shown["tools"], shown["rounds"]) == ("Toy", False, [], [])
    assert shown["trajectories"] == {"wanted": 0, "played": 0, "reward": None, "kept": 0}
    assert call("show", begun).exit_code == 0


def test_every_step_says_how_many_questions_it_let_through(call: Call, played: Path) -> None:
    asked = seen(call, played)["questions"]
    assert {step: asked[step] for step in ("generated", "parsed", "unique", "written", "verified")} == {
        "generated": 12,
        "parsed": 11,
        "unique": 5,
        "written": 4,
        "verified": 2,
    }
    assert {why: asked[why] for why in ("malformed", "excluded", "duplicate")} == {
        "malformed": 1,
        "excluded": 3,
        "duplicate": 2,
    }


def test_a_question_that_is_played_again_counts_once_with_its_last_verdict(call: Call, finished: Path) -> None:
    again = Verified("q2", "here", "here", {"here": 2}, 1.0, 0.4, "confirmed")
    Store(finished / "rounds" / "01" / "verified.jsonl", Verified).append(again)
    asked = seen(call, finished)["questions"]
    assert asked["verdicts"] == {"confirmed": 2, "replaced": 1, "disputed": 1}
    assert (asked["taken"], asked["verified"], asked["solved"]) == (4, 3, 2)


def test_a_round_says_what_became_of_its_answers_and_plays(call: Call, played: Path) -> None:
    (first,) = seen(call, played)["rounds"]
    assert first["verified"] == {"confirmed": 1, "replaced": 1, "unanswerable": 1, "disputed": 1}
    assert first["dropped"] == {"unverified": 1, "a loop": 1}
    assert (first["played"], first["reward"], first["kept"]) == (4, 0.5, 2)
    assert first["examples"] == {"plan": {"trained_on": 1, "held_out": 1}}


def test_what_was_dropped_is_shown_with_its_reason(call: Call, played: Path) -> None:
    samples = seen(call, played)["samples"]
    assert [item["reason"] for item in samples["trajectories"]["dropped"]] == ["unverified", "a loop"]
    reasons = ["near_duplicate", "over_quota", "unanswerable", "disputed"]
    assert [item["reason"] for item in samples["questions"]["dropped"]] == reasons
    assert [item["answer"] for item in samples["questions"]["kept"]] == ["here", "there"]
    assert [item["id"] for item in samples["trajectories"]["kept"]] == ["q0/0", "q1/0"]
    few = seen(call, played, "--samples", "0")["samples"]
    assert few == {kind: {"kept": [], "dropped": []} for kind in ("questions", "trajectories")}


def test_a_play_is_shown_with_the_answer_that_holds_and_its_reward_against_that(call: Call, played: Path) -> None:
    (played / "rounds" / "00" / "kept.jsonl").unlink()
    dropped = played / "rounds" / "00" / "dropped.jsonl"
    dropped.unlink()
    Store(dropped, Dropped).append(Dropped("q1/0", "a loop"))
    (item,) = seen(call, played)["samples"]["trajectories"]["dropped"]
    assert (item["wanted"], item["answer"], item["reward"]) == ("there", "there", 1.0)


def test_diversity_is_told_against_the_number_of_drafts(call: Call, begun: Path) -> None:
    curve = seen(call, begun)["diversity"]
    assert [(point["generated"], point["kept"], point["answers"]) for point in curve] == [(8, 2, 1), (12, 4, 1)]


def test_all_rounds_count_and_the_teams_own_is_marked(call: Call, finished: Path) -> None:
    shown = seen(call, finished)
    assert [(each["reward"], each["dev"]) for each in shown["rounds"]] == [(0.5, 1.0), (0.5, 0.25)]
    assert shown["trajectories"] == {"wanted": 5, "played": 5, "reward": 0.5, "kept": 2}
    assert shown["tool_calls"] == {"Retrieve": {"calls": 10, "refused": 5, "failed": 0, "timeouts": 0}}
    assert shown["adapters"] == {"plan": "adapters/plan-0123456789ab"}
    printed = call("show", finished).stdout
    assert "round 0 ← the team" in printed
    assert "dpo on 1 pairs, margin 0.125" in printed


def test_a_round_that_wrote_too_few_questions_wants_no_plays_of_those_of_the_next(call: Call, begun: Path) -> None:
    written = begun / "instruct.jsonl"
    first, second = Store(written, Round)
    written.unlink()
    Store(written, Round).append(first, replace(second, learning=1))
    assert seen(call, begun)["trajectories"]["wanted"] == len(first.pairs)


def test_a_stage_of_several_rounds_has_one_line_with_what_all_cost(call: Call, finished: Path) -> None:
    write_json(finished / "spent.json", {"dev reward": {"seconds": 20.0}, "dev reward, round 1": {"seconds": 51.0}})
    lines = [line.split() for line in call("show", finished).stdout.splitlines() if "dev reward" in line]
    assert lines == [["dev", "reward", "71"]]


def test_a_round_that_was_laid_aside_is_none_of_the_run(call: Call, finished: Path) -> None:
    shutil.copytree(finished / "rounds" / "00", finished / "rounds" / "00.old")
    assert len(seen(call, finished)["rounds"]) == 2


def test_losses_evaluations_costs_and_provenance_are_printed(call: Call, finished: Path) -> None:
    printed = call("show", finished).stdout
    assert "Toy, " in printed
    assert ": finished" in printed
    assert re.search(r"plan-0123456789ab +1 +77 +2 +█▄▃▂▂▁▁▁ 0\.250 +0\.800 0\.700", printed)
    assert "Held-out loss" in printed
    assert "toy dev" in printed
    assert "1 of them learned from" in printed
    assert "ended by its budget of 900 tokens" in printed
    assert "differs now: torch " in printed


def test_a_team_of_an_older_version_is_said_to_note_nothing(call: Call, finished: Path) -> None:
    write_json(finished / "team.json", to_json(Team("none", "00" * 32, {}, ("Retrieve",), "Toy")))
    assert "by an older version, which noted nothing" in call("show", finished).stdout


@pytest.mark.parametrize("state", ["begun", "played", "finished"])
def test_whatever_was_written_is_shown_as_text_within_the_width(
    state: str, program: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    done = program("show", request.getfixturevalue(state), env={"COLUMNS": "100"})
    assert done.returncode == 0, done.stderr
    assert not set(done.stdout) & {"\x1b", "\u202e"}
    tables = done.stdout.partition("Made of")[0].partition("question kept")[0].splitlines()
    assert max(len(line) for line in tables if not line.startswith("Tools:")) <= 100


def test_show_tells_what_the_engine_computed(call: Call, finished: Path) -> None:
    spent = {"requests": 8, "prefilled": 900, "reused": 3100, "decoded": 120, "queued": 0.02}
    write_json(finished / "engine.json", {"steps": 20, "rows": 50, "spent": {"seed": spent}})
    shown = call("show", finished).stdout
    assert "Engine: 2.5 rows a step" in shown
    assert any(line.split() == ["seed", "8", "900", "3100", "120", "2.5"] for line in shown.splitlines())


class Outline(HTMLParser):
    """The tags of a page, what it links to, and what was closed without being open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href") and value]
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(tag)


@pytest.mark.parametrize("state", ["begun", "played", "finished"])
def test_the_page_is_well_formed_loads_nothing_and_runs_nothing(state: str, request: pytest.FixtureRequest) -> None:
    text = page(overview(request.getfixturevalue(state)))
    outline = Outline(text)
    assert (outline.open, outline.wrong) == ([], [])
    assert "script" not in outline.tags
    assert all(re.match(r"#|data:,$", link) for link in outline.links)
    assert "default-src 'none'" in text
    assert not set(text) & {"\x1b", "\u202e"}


def test_the_page_shows_the_figures_the_charts_and_the_samples(finished: Path) -> None:
    text = page(overview(finished))
    assert re.findall(r'data-step="(?:trajectories|kept)">(\d+)<', text) == ["5", "2"]
    assert [name for name in ("yields", "diversity", "losses", "rounds", "tools") if f'id="{name}-title"' in text] == [
        "yields",
        "diversity",
        "losses",
        "rounds",
        "tools",
    ]
    assert text.count('<article class="case">') == 10
    assert "a loop" in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_same_run_gives_the_same_page(finished: Path) -> None:
    assert page(overview(finished)) == page(overview(finished))


def test_the_page_is_written_where_it_is_asked_for(call: Call, finished: Path, tmp_path: Path) -> None:
    result = call("show", finished, "--html", tmp_path / "new" / "page.html")
    assert result.stdout.splitlines() == [str(tmp_path / "new" / "page.html")]
    assert (tmp_path / "new" / "page.html").read_text("utf-8").startswith("<!doctype html>")
    refused = call("show", finished, "--html", tmp_path)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "is a folder; name a file" in refused.stderr


def test_a_curve_is_drawn_in_a_few_letters() -> None:
    assert sparkline([3.0, 2.0, 1.0]) == "█▅▁"
    assert len(sparkline([float(i) for i in range(1000)])) <= 16
    assert sparkline([1.0]) == ""
    assert sparkline([1.0, 1.0]) == "▁▁"


@pytest.mark.long
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_the_screen_and_breaks_no_rule_of_its_own(
    width: int, scheme: Any, finished: Path, tmp_path: Path
) -> None:
    import shutil

    from playwright.sync_api import sync_playwright

    (tmp_path / "page.html").write_text(page(overview(finished)), "utf-8")
    said: list[str] = []
    asked: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        tab.on("console", lambda message: said.append(message.text))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto((tmp_path / "page.html").as_uri())
        tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        ink = tab.eval_on_selector("figure svg text", "element => getComputedStyle(element).fill")
        browser.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert ink == ("rgb(0, 0, 0)" if scheme == "light" else "rgb(255, 255, 255)")
