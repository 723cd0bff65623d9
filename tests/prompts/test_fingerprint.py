"""The hashes of what a team reads: all of it, alike on every machine, and another when a word is another."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

from autoact.prompts.fingerprint import CHAT, READ_BY_TEAMS, changed, prompt_hashes

ROOT = Path(__file__).parents[2]
# What a trained team reads passes through these; the last two functions of the renderer are the META-AGENT's.
READERS = ("prompts/render.py", "graph/acting.py", "graph/calling.py", "graph/nodes.py", "graph/speaking.py")
OF_LEARNING = ("instruct", "select")


def templates_in(path: Path) -> set[str]:
    """The names that a file's calls of `fill` and `say` begin with."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    named = [call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) in ("fill", "say")]
    return {call.args[0].value for call in named if isinstance(call.args[0], ast.Constant)}  # type: ignore[misc]


def test_a_trained_team_reads_no_template_without_a_hash() -> None:
    read = {name for file in READERS for name in templates_in(ROOT / file) if not name.startswith(OF_LEARNING)}
    assert read == set(READ_BY_TEAMS)


def test_the_prompts_of_learning_have_hashes_too() -> None:
    hashes = prompt_hashes()
    assert {"instruct", "instruct_system", "select", "select_system", CHAT, *READ_BY_TEAMS} <= hashes.keys()
    assert len(set(hashes.values())) == len(hashes)


def test_the_words_of_trained_teams_have_not_changed() -> None:
    """Whoever changes one of them, and this hash with it, makes every team that was trained before unusable."""
    read = {name: value for name, value in prompt_hashes().items() if name in (*READ_BY_TEAMS, CHAT)}
    found = hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()
    assert found == "b4c160bd7680fb64fb111d8fa282ee92063468c014620d08fb59d9ee6359630d"


def test_what_has_changed_is_named_templates_first() -> None:
    now = prompt_hashes()
    assert changed(now) == ()
    assert changed({}) == ()
    assert changed(now | {CHAT: "0", "observation": "0"}) == ("observation", CHAT)


def test_a_prompt_that_only_learning_reads_may_change() -> None:
    assert changed(prompt_hashes() | {"instruct": "0"}) == ()
