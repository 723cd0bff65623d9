"""Records on disk are whole: a kill, a full disk or half a character never leave a broken line behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.errors import RunError
from autoact.core.records import QAPair
from autoact.core.store import Store, json_line, read_json, write_json

ONE, TWO, THREE = (QAPair(str(i), f"question {i}", "answer") for i in range(3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "pairs.jsonl"


def test_what_is_appended_is_there_by_id_and_in_order(path: Path) -> None:
    store = Store(path, QAPair)
    store.append(ONE)
    store.append(TWO, THREE)
    assert (ONE.id in store, "9" in store, len(store), store[TWO.id]) == (True, False, 3, TWO)
    assert list(store) == list(Store(path, QAPair)) == [ONE, TWO, THREE]


def test_a_store_without_a_file_is_empty_and_makes_none(path: Path) -> None:
    assert list(Store(path, QAPair)) == []
    assert not path.exists()


def test_a_resumed_store_goes_on_after_what_is_there(path: Path) -> None:
    Store(path, QAPair).append(ONE)
    Store(path, QAPair).append(TWO)
    assert list(Store(path, QAPair)) == [ONE, TWO]


def test_the_last_record_of_an_id_counts(path: Path) -> None:
    Store(path, QAPair).append(ONE, QAPair(ONE.id, "new", "answer"))
    assert [pair.question for pair in Store(path, QAPair)] == ["new"]


def test_a_record_that_is_written_again_keeps_its_place(path: Path) -> None:
    store, new = Store(path, QAPair), QAPair(ONE.id, "new", "answer")
    store.append(ONE, TWO)
    store.append(new)
    assert (list(store), store[ONE.id], len(store)) == ([new, TWO], new, 2)
    assert list(Store(path, QAPair)) == [new, TWO]


def test_some_records_are_picked_in_an_order_of_their_own(path: Path) -> None:
    store = Store(path, QAPair)
    store.append(ONE, TWO, THREE)
    picked = store.pick([THREE.id, ONE.id, THREE.id])
    assert list(picked) == list(picked) == [THREE, ONE, THREE]
    assert (len(picked), picked[1], picked[-1], list(picked[:2])) == (3, ONE, THREE, [THREE, ONE])
    assert list(store.pick([])) == []


def test_what_is_not_there_cannot_be_picked(path: Path) -> None:
    store = Store(path, QAPair)
    store.append(ONE)
    with pytest.raises(KeyError, match="nine"):
        store.pick([ONE.id, "nine"])
    with pytest.raises(KeyError, match="nine"):
        store["nine"]
    with pytest.raises(IndexError):
        store.pick([ONE.id])[1]


def test_records_may_be_appended_while_others_are_read(path: Path) -> None:
    store = Store(path, QAPair)
    store.append(ONE, TWO)
    for pair in store:
        store.append(QAPair(f"{pair.id}-again", pair.question, pair.answer))
    assert [pair.id for pair in store] == ["0", "1", "0-again", "1-again"]


def test_a_file_that_is_changed_or_removed_behind_a_store_is_said(path: Path) -> None:
    store = Store(path, QAPair)
    store.append(ONE, TWO)
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(RunError, match=r"pairs\.jsonl at byte 0 is not a QAPair"):
        list(store)
    path.unlink()
    with pytest.raises(RunError, match=r"pairs\.jsonl cannot be read \(No such file"):
        store[TWO.id]


GROW = """
import resource, sys
from pathlib import Path
from autoact.core.records import QAPair
from autoact.core.store import Store

store = Store(Path(sys.argv[1]), QAPair)
grown = []
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(len(store), len(store) + 5000):
        store.append(QAPair(f"q{number}", "What is asked at length? " * 80, "answer"))
    assert sum(1 for _ in store) == len(store) == len(Store(store.path, QAPair))
    grown.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print(grown[-1])
"""


def test_memory_stays_the_same_however_much_is_stored(path: Path) -> None:
    said = subprocess.run([sys.executable, "-c", GROW, str(path)], capture_output=True, text=True, check=True).stdout
    assert path.stat().st_size > 10_000 * 2000
    assert int(said) < 2000  # kB, for 10 MB of records


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_torn_last_line_is_dropped_and_written_over(path: Path, cut: int) -> None:
    Store(path, QAPair).append(ONE, TWO)
    path.write_bytes(path.read_bytes()[:-cut])
    store = Store(path, QAPair)
    assert list(store) == [ONE]
    store.append(THREE)
    assert list(Store(path, QAPair)) == [ONE, THREE]


def test_a_file_that_is_one_torn_line_is_an_empty_store(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"id": "1", "ques')
    store = Store(path, QAPair)
    store.append(ONE)
    assert list(Store(path, QAPair)) == [ONE]


@pytest.mark.parametrize("line", ["{", "", "[1]", "null", '{"id": "5"}', '{"id": 5, "question": "", "answer": ""}'])
def test_a_broken_line_in_the_middle_is_named(path: Path, line: str) -> None:
    Store(path, QAPair).append(ONE)
    path.write_bytes(path.read_bytes() + line.encode() + b"\n" + json_line({}))
    with pytest.raises(RunError, match=r"pairs\.jsonl line 2 is not a QAPair .*delete it to redo its stage"):
        Store(path, QAPair)


@pytest.mark.parametrize("text", ["\ud800", "a\u2028b\u2029c\x85d", "a\nb\r\nc\x0b\x0c\x1e", "日本語 🙂", "\x00\x7f"])
def test_any_character_comes_back_on_its_one_line(path: Path, text: str) -> None:
    Store(path, QAPair).append(QAPair("any", text, "a"), TWO)
    assert [pair.question for pair in Store(path, QAPair)] == [text, TWO.question]
    assert path.read_bytes().count(b"\n") == 2


@given(st.text(st.characters(exclude_categories=[])))
def test_a_line_holds_one_line_break_whatever_is_in_it(text: str) -> None:
    assert json_line({"text": text}).count(b"\n") == 1


APPEND_UNDER_A_LIMIT = """
import resource, sys
from pathlib import Path
from autoact.core.errors import RunError
from autoact.core.records import QAPair
from autoact.core.store import Store

path, room = Path(sys.argv[1]), int(sys.argv[2])
store = Store(path, QAPair)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, resource.RLIM_INFINITY))
try:
    store.append(*(QAPair(f"new-{i}", "q" * 90, "a") for i in range(100)))
except RunError as problem:
    print(problem)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.append(QAPair("later", "q", "a"))
"""


@pytest.mark.parametrize("room", [40, 300, 12_000])
def test_a_block_that_does_not_fit_leaves_no_half_of_it(path: Path, room: int) -> None:
    Store(path, QAPair).append(ONE)
    command = [sys.executable, "-c", APPEND_UNDER_A_LIMIT, str(path), str(room)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"{path} cannot be written (File too large); choose another folder\n"
    assert [pair.id for pair in Store(path, QAPair)] == [ONE.id, "later"]


def test_a_full_disk_is_said_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "team.json"
    write_json(path, {"base": "old"})
    (tmp_path / "team.json.part").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"team\.json: the disk is full; free some space"):
        write_json(path, {"base": "new"})
    assert [file.name for file in tmp_path.iterdir()] == ["team.json"]
    assert read_json(path) == {"base": "old"}


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        Store(tmp_path / "file" / "pairs.jsonl", QAPair).append(ONE)
    with pytest.raises(RunError, match="cannot be written"):
        write_json(tmp_path / "file" / "team.json", {})


def test_json_is_written_whole_with_no_draft_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "team.json"
    write_json(path, {"base": "\ud800 ü"})
    assert read_json(path) == {"base": "\ud800 ü"}
    assert [file.name for file in path.parent.iterdir()] == ["team.json"]


def test_what_is_no_json_value_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "team.json"
    write_json(path, 1)
    with pytest.raises(TypeError):
        write_json(path, object())
    assert read_json(path) == 1


def test_a_json_file_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"team\.json does not exist; is .* a run folder"):
        read_json(tmp_path / "team.json")
    (tmp_path / "team.json").write_text("{")
    with pytest.raises(RunError, match=r"team\.json is not JSON .*delete it"):
        read_json(tmp_path / "team.json")


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot be read \(Is a directory\); see to it"):
        read_json(tmp_path)
    with pytest.raises(RunError, match=r"cannot be read \(Is a directory\); see to it"):
        Store(tmp_path, QAPair)


def test_a_record_of_another_run_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "pairs.jsonl", QAPair)
    store.append(QAPair("a", "q", "x"), QAPair("b", "q", "x"))
    store.refuse_strangers(["b", "a", "c"])
    with pytest.raises(RunError, match=r"pairs\.jsonl holds b, which is of another run"):
        store.refuse_strangers(["a", "c"])
