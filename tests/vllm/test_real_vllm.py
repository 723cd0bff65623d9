"""The real vLLM server with Atlas's seed model and three adapters says, token by token, what PEFT says.

make test-vllm        # makes an environment with vLLM, and runs this with AUTOACT_VLLM naming its Python
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import BaseMessage

from autoact.agents.chat import to_messages
from autoact.core.records import Question, Step, Team, to_json
from autoact.core.store import write_json
from autoact.core.task import load_task
from autoact.graph.run_folder import RunFolder, open_run
from autoact.models.chat_format import as_chat, to_ids
from autoact.models.load import load_model, sampled
from autoact.models.team import served_models
from autoact.models.weights import model_hash
from autoact.prompts.render import plan_chat, reflect_chat, tool_chat
from autoact.training.drafts import publish

pytestmark = pytest.mark.vllm
AUTOACT = str(Path(sys.executable).with_name("autoact"))
ATLAS = Path(__file__).parents[2] / "examples" / "atlas"
ON_CPU = ("--dtype", "float32", "--block-size", "32", "--max-model-len", "1024")
PLACES = ("Peru", "Cuba", "Chad", "Oman", "Laos", "Fiji", "Mali", "Iran")
TOKENS = 24


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of Atlas with three adapters that are far from the base and from each other."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("run")
    task = load_task(ATLAS / "task.yaml")
    adapters = {}
    for seed, role in enumerate(("plan", "tool", "reflect")):
        torch.manual_seed(seed)
        base = AutoModelForCausalLM.from_pretrained(ATLAS / "seed", dtype="float32")
        config = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
        get_peft_model(base, config).save_pretrained(str(folder / role))
        adapters[role] = str(publish(folder / role, folder / "adapters", role).relative_to(folder))
    base_hash = model_hash(ATLAS / "seed")
    team = Team(str(ATLAS / "seed"), base_hash, adapters, ("Retrieve", "Lookup"), task.name)
    write_json(folder / "team.json", to_json(team))
    known = {"file": str(task.file), "task": task.model_dump(mode="json")}
    write_json(folder / "task.json", known | {"fingerprint": task.fingerprint()})
    return open_run(folder)


@pytest.fixture(scope="module")
def url(run: RunFolder) -> Iterator[str]:
    """Where `autoact engine --backend vllm` answers."""
    python = os.environ.get("AUTOACT_VLLM", "")
    assert python, "set AUTOACT_VLLM to the Python that has vLLM, or run make test-vllm"
    line = ["engine", str(run.path), "--backend", "vllm", "--python", python, "--port", "0", "--", *ON_CPU]
    settings = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}
    program = [AUTOACT, *line]
    began = time.monotonic()
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=settings) as server:
        assert server.stdout is not None
        server.stdout.readline()
        told = server.stdout.readline()
        assert " answer at " in told, (run.path / "vllm.log").read_text("utf-8")[-3000:]
        print(f"vLLM answered after {time.monotonic() - began:.0f} seconds")
        yield told.split(" answer at ")[1].split()[0]
        server.send_signal(2)
        assert server.wait(60) == 130


def prompts(run: RunFolder) -> dict[str, list[list[BaseMessage]]]:
    """For each role what it is sent at run time, of growing length."""
    brief = run.setup("meta").brief(run.settings())
    asked: dict[str, list[list[BaseMessage]]] = {"plan": [], "tool": [], "reflect": [], "meta": []}
    for place in PLACES:
        question = Question(f"What is the currency of {place}?")
        steps = [Step(f"I open {place}.", "Retrieve", place, f"{place} is a country.")]
        asked["plan"].append(to_messages(plan_chat(brief, question, steps)))
        asked["meta"].append(asked["plan"][-1])
        asked["tool"].append(to_messages(tool_chat(brief, question, steps, "I look.", "Lookup")))
        done = [*steps, Step("I know.", "Finish", "sol")]
        asked["reflect"].append(to_messages(reflect_chat(brief, question, done)))
    return asked


def generated(run: RunFolder, role: str, chats: list[list[BaseMessage]]) -> list[list[int]]:
    """The reference: transformers and PEFT, one at a time."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(ATLAS / "seed")
    model: Any = AutoModelForCausalLM.from_pretrained(ATLAS / "seed", dtype="float32")
    if role in run.team.adapters:
        model = PeftModel.from_pretrained(model, str(run.path / run.team.adapters[role]))
    said = []
    for chat in chats:
        ids = torch.tensor([to_ids(tokenizer, as_chat(chat), generate=True)])
        given = {"attention_mask": torch.ones_like(ids), "max_new_tokens": TOKENS, "do_sample": False}
        said.append([int(token) for token in model.eval().generate(ids, **given)[0, ids.shape[1] :]])
    return said


@pytest.mark.parametrize("role", ["meta", "plan", "tool", "reflect"])
def test_each_speaker_says_what_peft_says_token_by_token(run: RunFolder, url: str, role: str) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(ATLAS / "seed")
    chats = prompts(run)[role]
    model = sampled(served_models(run.team, run.path, url)[role], temperature=0, seed=None, max_tokens=TOKENS)
    with ThreadPoolExecutor(len(chats)) as pool:
        replies = list(pool.map(model.invoke, chats))
    expected = generated(run, role, chats)
    assert [reply.text for reply in replies] == [tokenizer.decode(ids, skip_special_tokens=True) for ids in expected]
    counted = [reply.usage_metadata and reply.usage_metadata["output_tokens"] for reply in replies]
    assert counted == [len(ids) for ids in expected]


def test_prompts_are_counted_as_our_own_tokenizer_counts_them(run: RunFolder, url: str) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(ATLAS / "seed")
    chat = prompts(run)["plan"][0]
    spent = served_models(run.team, run.path, url)["plan"].invoke(chat, max_tokens=1).usage_metadata
    assert spent
    assert spent["input_tokens"] == len(to_ids(tokenizer, as_chat(chat), generate=True))


def test_a_turn_is_held_to_its_form(run: RunFolder, url: str) -> None:
    model = load_model(f"vllm:{Path(run.team.adapters['reflect']).name}", url)
    held = sampled(model, temperature=1.0, seed=3, max_tokens=40, regex="(right|wrong)")
    assert {held.invoke(chat).text for chat in prompts(run)["plan"]} <= {"right", "wrong"}


def test_a_question_is_answered_through_the_server(run: RunFolder, url: str) -> None:
    asked = ["ask", str(run.path), "What is the capital of Cuba?", "--endpoint", url, "--json"]
    told = subprocess.run([AUTOACT, *asked], capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["status"] in ("answered", "unsure", "halted")


def test_adapters_cannot_be_loaded_while_it_runs(url: str) -> None:
    body = {"lora_name": "evil", "lora_path": "/tmp"}
    assert httpx.post(f"{url}/load_lora_adapter", json=body).status_code in (404, 405)
