"""Requests a second and CPU a request of Atlas's model with three adapters, 1 to 128 in flight, side by side.

    python benchmarks/engine.py [--run RUN] [--in-flight 1 8 32 128] [--repeat 3] [--threads 1] [--vllm URL]
                                [--widen 1 | --body WIDTHxLAYERS] [--json FILE]

engine              ours, the three adapters in turn
engine, one         the same with one adapter
engine, unkept      the same two, nothing kept of what was computed for earlier requests
one at a time       transformers' generate, after PEFT's set_adapter
batched, one        generate over as many rows as are in flight, with one adapter, until the last is done
vllm                a server at URL (`autoact engine RUN --backend vllm`), the run's adapters in turn

All are asked the same: what the agents of growing episodes are sent, greedy, at most 48 tokens, up to the closing
token. Every repetition measures all of them, one after the other; the table has the medians. `--widen` has the same
said with the arithmetic of a larger model, as benchmarks/episodes.py does. On a GPU all compute in bf16; a Llama of
random weights (`--body 1536x28`, its width and layers) then stands for models of a size that is worth one, and says 48
tokens every time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from atlas_team import SEED, adapters_of, episodes, widened
from rich.console import Console
from rich.table import Table

from autoact.core.records import ROLES
from autoact.models.chat_format import Chat, to_ids
from autoact.models.engine import Engine, Request, load_tokenizer
from autoact.models.network import device, load_causal_lm

MAX_TOKENS = 48
ALONE = "one at a time"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as chat and as token ids."""

    adapter: str
    chat: Chat
    ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Measure:
    """What one way of answering took; `cpu` is None where another process computed."""

    method: str
    in_flight: int
    requests: int
    tokens: int
    seconds: float
    cpu: float | None


def callers(tokenizer: Any, count: int) -> list[list[Asked]]:
    """What each of `count` callers asks, turn after turn: its episodes' prompts, from somewhere in the first."""
    played, each = episodes(), max(5, 48 // count)
    return [_turns(tokenizer, played, number, each) for number in range(count)]


def _turns(tokenizer: Any, played: Iterator[list[Chat]], number: int, count: int) -> list[Asked]:
    chats = next(played)
    prompts = [*chats[number % len(chats) :], *(chat for _ in range(8) for chat in next(played))][:count]
    adapters = islice(cycle(ROLES), number, None)
    return [
        Asked(role, chat, tuple(to_ids(tokenizer, chat, generate=True)))
        for role, chat in zip(adapters, prompts, strict=False)
    ]


async def ask_all(turns: Sequence[Sequence[Asked]], ask: Callable[[Asked], Awaitable[int]]) -> int:
    """Every caller's requests, one after the other, all callers at once; how many tokens were said."""

    async def call(asked: Sequence[Asked]) -> int:
        return sum([await ask(one) for one in asked])

    return sum(await asyncio.gather(*map(call, turns)))


def timed(method: str, turns: Sequence[Sequence[Asked]], answer: Callable[[], int]) -> Measure:
    """What `answer` takes for all of `turns`; it returns how many tokens were said."""
    cpu, wall = time.process_time(), time.perf_counter()
    tokens = answer()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measure(method, len(turns), sum(map(len, turns)), tokens, wall, cpu)


def ours(model: Path, method: str, turns: Sequence[Sequence[Asked]], adapters: dict[str, Path], **more: Any) -> Measure:
    """A fresh engine, warmed with one short request."""
    import torch

    with closing(Engine(str(model), adapters, max_batch=128, threads=torch.get_num_threads(), **more)) as engine:
        engine.submit(Request([5, 6, 7], max_tokens=2)).result()

        async def ask(asked: Asked) -> int:
            future = engine.submit(Request(asked.ids, asked.adapter, MAX_TOKENS))
            return (await asyncio.wrap_future(future)).output_tokens

        return timed(method, turns, lambda: asyncio.run(ask_all(turns, ask)))


def with_one(turns: Sequence[Sequence[Asked]]) -> list[list[Asked]]:
    """The same requests, all for one adapter."""
    return [[replace(asked, adapter=ROLES[0]) for asked in caller] for caller in turns]


class Generate:
    """transformers and PEFT, as their documentation shows them."""

    def __init__(self, model: Path, adapters: dict[str, Path]) -> None:
        from peft import PeftModel

        base = load_causal_lm(model, device())
        (first, path), *others = adapters.items()
        self.model: Any = PeftModel.from_pretrained(base, str(path), adapter_name=first).eval()
        for name, path in others:
            self.model.load_adapter(str(path), adapter_name=name)

    def say(self, rows: Sequence[Asked]) -> int:
        """The tokens said by rows of one adapter, padded on the left; what follows a row's end is not counted."""
        import torch

        width = max(len(row.ids) for row in rows)
        pad, end = self.model.config.pad_token_id, self.model.config.eos_token_id
        ids = torch.tensor([[pad] * (width - len(row.ids)) + list(row.ids) for row in rows], device=device())
        self.model.set_adapter(rows[0].adapter)
        with torch.inference_mode():
            out = self.model.generate(
                input_ids=ids, attention_mask=(ids != pad).long(), max_new_tokens=MAX_TOKENS, do_sample=False
            )
        said = out[:, width:].tolist()
        return sum(row.index(end) + 1 if end in row else len(row) for row in said)

    def alone(self, turns: Sequence[Sequence[Asked]]) -> Measure:
        """One request at a time."""
        return timed(ALONE, turns, lambda: sum(self.say([asked]) for caller in turns for asked in caller))

    def batched(self, turns: Sequence[Sequence[Asked]]) -> Measure:
        """All callers' first, then all callers' second, …"""
        return timed("batched, one", turns, lambda: sum(map(self.say, zip(*with_one(turns), strict=True))))


def served(url: str, turns: Sequence[Sequence[Asked]]) -> Measure:
    """A server that has the base and three adapters, each by the name of its folder."""
    import httpx

    models = [model["id"] for model in httpx.get(f"{url}/models").json()["data"]]
    names = {role: next(name for name in models if name.startswith(f"{role}-")) for role in ROLES}

    async def answer() -> int:
        limits = httpx.Limits(max_connections=len(turns))
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=600) as client:

            async def ask(asked: Asked) -> int:
                body = {"model": names[asked.adapter], "messages": asked.chat, "max_tokens": MAX_TOKENS}
                said = await client.post("/chat/completions", json={**body, "temperature": 0})
                tokens: int = said.raise_for_status().json()["usage"]["completion_tokens"]
                return tokens

            return await ask_all(turns, ask)

    return replace(timed("vllm", turns, lambda: asyncio.run(answer())), cpu=None)


def measures(
    model: Path, adapters: dict[str, Path], in_flight: Sequence[int], repeat: int, url: str
) -> Iterator[Measure]:
    """Every method at every number in flight, over and over."""
    tokenizer, generate = load_tokenizer(model), Generate(model, adapters)
    asked = {count: callers(tokenizer, count) for count in in_flight}
    for _ in range(repeat):
        yield generate.alone(asked[min(asked)])
        for turns in asked.values():
            yield ours(model, "engine", turns, adapters)
            yield ours(model, "engine, one", with_one(turns), adapters)
            yield ours(model, "engine, unkept", turns, adapters, prefix_bytes=0)
            yield ours(model, "engine, unkept, one", with_one(turns), adapters, prefix_bytes=0)
            yield generate.batched(turns)
            if url:
                yield served(url, turns)


def medians(measured: Sequence[Measure]) -> list[Measure]:
    """One for each method and number in flight."""
    kinds = dict.fromkeys((one.method, one.in_flight) for one in measured)
    return [_median([one for one in measured if (one.method, one.in_flight) == kind]) for kind in kinds]


def _median(alike: Sequence[Measure]) -> Measure:
    cpus = [one.cpu for one in alike if one.cpu is not None]
    seconds = statistics.median(one.seconds for one in alike)
    return replace(alike[0], seconds=seconds, cpu=statistics.median(cpus) if cpus else None)


def table_of(rows: Sequence[Measure]) -> Table:
    """Rates, the CPU of a request, and how much better than one at a time each is."""
    alone = next(row for row in rows if row.method == ALONE)
    table = Table("", "in flight", "requests/s", "tokens/s", "CPU ms", "× rate", "× CPU")
    for row in rows:
        rate = row.requests / row.seconds
        cells = [
            f"{rate:.1f}",
            f"{row.tokens / row.seconds:.0f}",
            "",
            f"{rate * alone.seconds / alone.requests:.2f}",
            "",
        ]
        if row.cpu and alone.cpu:
            cpu = row.cpu / row.requests
            cells[2], cells[4] = f"{cpu * 1000:.1f}", f"{alone.cpu / alone.requests / cpu:.2f}"
        table.add_row(row.method, "1" if row is alone else str(row.in_flight), *cells)
    return table


def random_model(body: str, folder: Path) -> Path:
    """A Llama of random weights with Atlas's tokenizer, such as 1536x28: layers of that width, so many of them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    width, layers = map(int, body.split("x"))
    config = AutoConfig.from_pretrained(SEED)
    config.update(
        {
            "hidden_size": width,
            "intermediate_size": width * 4,
            "num_hidden_layers": layers,
            "num_attention_heads": width // 128,
            "num_key_value_heads": width // 128,
            "head_dim": 128,
            "eos_token_id": None,
        }
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    shutil.copytree(SEED, folder)
    model.save_pretrained(folder)
    return folder


def settle(threads: int) -> None:
    """As many threads for everything that is measured, and no bars in between."""
    import torch
    from transformers.utils import logging

    torch.set_num_threads(threads)
    logging.disable_progress_bar()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--run", type=Path, help="a run of `autoact learn` on Atlas, for its adapters")
    options.add_argument("--in-flight", type=int, nargs="+", default=[1, 8, 32, 128])
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--threads", type=int, default=1, help="of torch; two that wait for each other cost both")
    options.add_argument("--vllm", metavar="URL", default="", help="such as http://127.0.0.1:8001/v1")
    size = options.add_mutually_exclusive_group()
    size.add_argument("--widen", type=int, default=1, help="how many times as wide its feed-forward layers are")
    size.add_argument("--body", default="", help="measure a Llama of random weights, such as 1536x28, instead")
    options.add_argument("--json", type=Path, help="also write the medians here")
    given = options.parse_args()
    settle(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        model = random_model(given.body, model) if given.body else widened(model, given.widen)
        adapters = adapters_of(given.run, Path(folder), model)
        rows = medians(list(measures(model, adapters, given.in_flight, given.repeat, given.vllm)))
    Console().print(table_of(rows))
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
