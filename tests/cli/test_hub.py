"""The hub's own client against a hub that refuses, fails or hangs up: always one line, never half a team."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autoact.cli.hub import Hub, check_name
from autoact.cli.hub_files import HubFile
from autoact.core.errors import EndpointError, UserError
from autoact.core.progress import Silent
from tests.cli.loopback_hub import TOKEN, LoopbackHub

REPO = "me/team"
FILES = (HubFile("README.md", b"# A card\n"), HubFile("team.json", b"{}\n"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub whose token is at hand."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub = LoopbackHub()
    yield hub
    hub.close()


def push(hub: LoopbackHub, public: bool = False) -> str:
    return Hub(hub.url).push(REPO, FILES, public, Silent())


def test_files_arrive_in_one_commit_of_a_private_repository(hub: LoopbackHub) -> None:
    assert push(hub).startswith(f"{hub.url}/{REPO}/commit/")
    assert hub.files[REPO] == {file.path: file.content for file in FILES}
    assert (hub.private[REPO], hub.commits) == (True, ["Team trained by AutoAct"])


def test_what_an_earlier_push_left_is_replaced_and_the_users_own_files_stay(hub: LoopbackHub) -> None:
    push(hub)
    hub.files[REPO] |= {"mine.txt": b"x", "adapters/plan-1/adapter_config.json": b"{}", "questions.jsonl": b""}
    hub.files[REPO] |= {"selection/Retrieve.jsonl": b"", "rounds/00/plan.jsonl": b""}
    push(hub)
    assert hub.files[REPO].keys() == {"README.md", "team.json", "mine.txt"}


@pytest.mark.parametrize("public", [True, False])
def test_a_repository_that_is_there_keeps_who_may_see_it(public: bool, hub: LoopbackHub) -> None:
    hub.files[REPO], hub.private[REPO] = {}, public
    seen, option = ("private", "--private") if public else ("public", "--public")
    with pytest.raises(UserError, match=f"me/team exists and is {seen}: give {option} to push there"):
        push(hub, public)
    assert hub.files[REPO] == {}


REFUSALS = [
    ("POST /api/repos/create", 403, UserError, "refuses: this token may not write to me/team"),
    ("POST /api/repos/create", 404, UserError, r"has no me/team to write to \(404\)"),
    ("POST /api/repos/create", 418, UserError, r"refuses \(418\)"),
    ("POST /api/repos/create", 503, EndpointError, r"failed \(503\); try later, the same command goes on"),
    ("POST /api/repos/create", None, EndpointError, "cannot be reached"),
    ("GET /api/models/me/team", None, EndpointError, "cannot be reached"),
    ("POST /api/models/me/team/commit", 403, UserError, "refuses: this token may not write to me/team"),
    ("POST /api/models/me/team/commit", 404, UserError, r"has no me/team to write to \(404\)"),
    ("POST /api/models/me/team/commit", None, EndpointError, "cannot be reached"),
]


@pytest.mark.parametrize(("asked", "status", "kind", "says"), REFUSALS)
def test_what_a_hub_refuses_is_one_line(
    asked: str, status: int | None, kind: type[Exception], says: str, hub: LoopbackHub
) -> None:
    hub.fails[asked] = status
    with pytest.raises(kind, match=f"^{hub.url} {says}") as refused:
        push(hub)
    assert "\n" not in str(refused.value)
    assert hub.files.get(REPO, {}) == {}


def test_a_token_that_the_hub_does_not_know_is_not_told(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_some_other_token")
    with pytest.raises(UserError) as refused:
        push(hub)
    assert str(refused.value) == f"{hub.url} does not accept the token: put one that may write into HF_TOKEN"


def test_without_a_token_nobody_is_asked(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "")
    with pytest.raises(UserError, match="there is no token for the hub: set HF_TOKEN"):
        push(hub)
    assert hub.asked == []


def test_a_server_that_is_not_there_or_no_hub_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(EndpointError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        Hub("http://127.0.0.1:9").push(REPO, FILES, False, Silent())
    with pytest.raises(UserError, match="--endpoint 'hub' is no address: write https://HOST"):
        Hub("hub")


@pytest.mark.parametrize("name", ["team", "me/te am", "a/b/c", "me/..", "", "me/x.git", "-me/team", "me/" + "x" * 200])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"is no name of a repository|has no owner; write OWNER/NAME"):
        check_name("OWNER/NAME", name)


def test_a_file_is_as_large_as_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert [HubFile("x", tmp_path / "x").size, HubFile("y", b"123").size] == [5, 3]
