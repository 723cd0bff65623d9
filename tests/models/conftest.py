"""A tiny random Llama with three adapters, made on the spot: what is tested is plumbing, not quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autoact.models.engine import Engine

TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
MARKS = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def make_tokenizer(template: str | None = TEMPLATE) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        [Path(__file__).read_text("utf-8")],
        trainers.BpeTrainer(vocab_size=400, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|end|>", pad_token="<|pad|>", additional_special_tokens=MARKS[2:]
    )
    tokenizer.chat_template = template
    return tokenizer


def make_model(tokenizer: Any) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.3,
    )
    return LlamaForCausalLM(config)


@pytest.fixture(scope="session", name="make_tokenizer")
def tokenizer_factory() -> Callable[..., Any]:
    """`make_tokenizer(template)`: a fresh tokenizer each time."""
    return make_tokenizer


@pytest.fixture
def make_base() -> Callable[..., None]:
    """`make_base(folder, template=…, added=…)`: a base model whose turns close otherwise."""

    def save(folder: Path, template: str, added: list[Any]) -> None:
        tokenizer = make_tokenizer(template)
        tokenizer.add_tokens(added)
        tokenizer.save_pretrained(folder)
        make_model(tokenizer).save_pretrained(folder)

    return save


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `base/`, `plan-1/`, `tool-1/` and `reflect-1/`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    home = tmp_path_factory.mktemp("models")
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(home / "base")
    make_model(tokenizer).save_pretrained(home / "base")
    for name in ("plan-1", "tool-1", "reflect-1"):
        base = AutoModelForCausalLM.from_pretrained(home / "base")
        config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
        get_peft_model(base, config).save_pretrained(str(home / name))
    return home


@pytest.fixture(scope="session")
def engine(home: Path) -> Iterator[Engine]:
    """One engine for all tests: base and three adapters."""
    names = {"plan": "plan-1", "tool": "tool-1", "reflect": "reflect-1"}
    engine = Engine(str(home / "base"), {role: home / name for role, name in names.items()}, threads=1)
    yield engine
    engine.close()
