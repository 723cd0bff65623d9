"""The script that made seed/: a tokenizer, a small Llama, and its training on lessons.py.

    python -m autoact.examples.atlas.pretrain runs/seed --steps 6000

The same seed gives the same lessons at every step, so a run that was stopped goes on from its last checkpoint
(checkpoint/ in its folder) as if it had not been. The loss curve is in curve.jsonl beside it, and at the end the
model, in bf16.
"""

from __future__ import annotations

import json
import math
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import typer

from autoact.core.store import json_line, write_json
from autoact.examples.atlas.invented import invented
from autoact.examples.atlas.lessons import (
    LENGTH,
    Lessons,
    almanac,
    pairs_lesson,
    plays_in,
    selection_lesson,
)

VOCABULARY = 2048
HIDDEN, LAYERS, HEADS, INNER = 128, 4, 4, 352
ROWS = 8
PEAK, FLOOR, WARMUP = 3e-3, 0.02, 60
EVERY = 200
ROLES = ("system", "user", "assistant")
TEMPLATE = (
    "{%- for message in messages -%}<|{{ message['role'] }}|> {{ message['content'] | trim }}<|end|>{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)


def main(
    out: Path,
    steps: int = 6000,
    seed: int = 0,
    threads: int = 2,
    device: str = "cpu",
    until: int | None = None,
    weights: Path | None = None,
) -> None:
    """Train the seed model, or go on training it, and write it to a folder.

    `until` ends a leg at that step; `weights` is a model to begin with, whose tokens keep what they have learned.
    """
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(out / "tokenizer", seed)
    model = make_model(len(tokenizer)).to(device)
    if weights:
        begin_with(weights, model, tokenizer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, betas=(0.9, 0.98), weight_decay=0.05)
    start = restore(out / "checkpoint", model, optimizer)
    last = min(steps, until or steps)
    lessons = Lessons(tokenizer, seed)
    began, losses = time.monotonic(), []
    with ThreadPoolExecutor(1) as ahead:
        waiting = [ahead.submit(lessons.batch, step, ROWS) for step in range(start, min(start + 4, last))]
        for step in range(start, last):
            rows = waiting.pop(0).result()
            if step + 4 < last:
                waiting.append(ahead.submit(lessons.batch, step + 4, ROWS))
            losses.append(learn(model, optimizer, rows, tokenizer.pad_token_id, rate(step, steps)))
            if (step + 1) % EVERY == 0 or step + 1 == last:
                save(out / "checkpoint", model, optimizer, step + 1)
                note = {
                    "step": step + 1,
                    "loss": sum(losses) / len(losses),
                    "seconds": time.monotonic() - began,
                }
                with (out / "curve.jsonl").open("ab") as curve:
                    curve.write(json_line(note))
                print(json.dumps(note), flush=True)
                losses.clear()
    if last == steps:
        model.to(torch.bfloat16).save_pretrained(out)
        tokenizer.save_pretrained(out)


def make_tokenizer(folder: Path, seed: int) -> Any:
    """A byte-level BPE over a sample of the lessons; a name has the same tokens wherever a space is before it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if folder.exists():
        return AutoTokenizer.from_pretrained(folder)
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    raw.decoder = decoders.ByteLevel()
    marks = ["<|pad|>", "<|end|>", *(f"<|{role}|>" for role in ROLES)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=marks, initial_alphabet=alphabet)
    raw.train_from_iterator(sample_texts(seed), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        additional_special_tokens=marks[2:],
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def sample_texts(seed: int) -> list[str]:
    """Text for the tokenizer: turns of every kind, the pages, and many invented names."""
    rng = random.Random(seed)
    turns = []
    for _ in range(40):
        plays = plays_in(invented(rng), rng)
        turns += [turn for n in range(10) for turn in next(plays)[min(n, 1) :]]
        turns += pairs_lesson(rng) + pairs_lesson(rng, choice=True) + selection_lesson(rng)
    names = [f" {name}" for _ in range(60) for thing in invented(rng).things for name in thing.facts.values()]
    return [f" {turn.text}" for turn in turns] + [almanac(rng) for _ in range(500)] + names


def make_model(vocabulary: int) -> Any:
    """A Llama of about a million parameters, untrained."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=HIDDEN,
            intermediate_size=INNER,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            initializer_range=0.04,
            bos_token_id=None,
            eos_token_id=1,
            pad_token_id=0,
        )
    )


def begin_with(folder: Path, model: Any, tokenizer: Any) -> None:
    """Copy a model's weights; of the embeddings, those of tokens that both tokenizers have."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    before: Any = AutoModelForCausalLM.from_pretrained(folder)
    ids: dict[str, int] = AutoTokenizer.from_pretrained(folder).get_vocab()
    shared = [(ids[token], here) for token, here in tokenizer.get_vocab().items() if token in ids]
    embeddings = model.get_input_embeddings().weight.detach().clone()
    with torch.no_grad():
        there, here = map(list, zip(*shared, strict=True))
        embeddings[here] = before.get_input_embeddings().weight[there].to(embeddings)
    tied = ("lm_head.weight", "model.embed_tokens.weight")
    kept = {name: tensor for name, tensor in before.state_dict().items() if name not in tied}
    model.load_state_dict({**kept, **dict.fromkeys(tied, embeddings)})


def learn(model: Any, optimizer: Any, rows: list[Any], pad: int, lr: float) -> float:
    """One step on rows padded to the fixed length (other shapes make the CPU kernels compile anew)."""
    import torch

    ids = torch.tensor([row.ids + [pad] * (LENGTH - len(row.ids)) for row in rows], device=model.device)
    marks = torch.tensor([row.learn + [False] * (LENGTH - len(row.learn)) for row in rows], device=model.device)
    for group in optimizer.param_groups:
        group["lr"] = lr
    # bf16 pays on a GPU only: on a CPU without bf16 units it made a step 13 times slower.
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=model.device.type == "cuda"):
        hidden = model.model(input_ids=ids).last_hidden_state[:, :-1][marks[:, 1:]]
        logits = model.lm_head(hidden).float()
    loss = torch.nn.functional.cross_entropy(logits, ids[:, 1:][marks[:, 1:]])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def rate(step: int, steps: int) -> float:
    """Warm-up, then a cosine down to a floor."""
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    done = (step - WARMUP) / max(1, steps - WARMUP)
    return PEAK * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * done)) / 2)


def save(folder: Path, model: Any, optimizer: Any, step: int) -> None:
    """Weights and optimiser state as safetensors, then the step they are of."""
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    tensors = dict(enumerate(model.parameters()))
    state = {f"{n}.{key}": value for n, slot in optimizer.state_dict()["state"].items() for key, value in slot.items()}
    kept = {f"weight.{n}": tensor.detach() for n, tensor in tensors.items()} | state
    draft = folder / "state.part"
    save_file({name: tensor.contiguous() for name, tensor in kept.items()}, draft)
    draft.replace(folder / f"state-{step}.safetensors")
    write_json(folder / "step.json", {"step": step})
    for old in folder.glob("state-*.safetensors"):
        if old.name != f"state-{step}.safetensors":
            old.unlink()


def restore(folder: Path, model: Any, optimizer: Any) -> int:
    """Load the last checkpoint, if any; the step to go on with."""
    import torch
    from safetensors.torch import load_file

    if not (folder / "step.json").exists():
        return 0
    step = int(json.loads((folder / "step.json").read_text())["step"])
    kept = load_file(folder / f"state-{step}.safetensors")
    slots: dict[int, dict[str, Any]] = {}
    with torch.no_grad():
        for n, parameter in enumerate(model.parameters()):
            parameter.copy_(kept[f"weight.{n}"])
            slots[n] = {key: kept[f"{n}.{key}"] for key in ("step", "exp_avg", "exp_avg_sq")}
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": slots, "param_groups": groups})
    return step


if __name__ == "__main__":
    typer.run(main)
