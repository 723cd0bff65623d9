"""The base model that adapters are trained on: loaded once, lent to one adapter after the other, never changed.

base = load_base("path/or/hub/name")
with adapted(base, config, seed=7) as peft:
    …                                  # train; afterwards the base is as it was, bit by bit
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoact.core.errors import ModelError
from autoact.core.learning import LearnConfig
from autoact.core.text import line_of
from autoact.models.chat_format import prepare
from autoact.models.engine import load_tokenizer
from autoact.models.network import device, load_causal_lm, pretrained
from autoact.models.weights import adapter_folder, model_folder
from autoact.training.distributed import join, sharding

ALL_LINEAR = "all-linear"


@dataclass(frozen=True, slots=True)
class Base:
    """A base model in memory, with its tokenizer; `device` is cpu or cuda.

    `sharding` is what keeps the weights spread over several processes, if they are.
    """

    folder: Path
    tokenizer: Any
    model: Any
    device: str
    sharding: Any = None

    def stamp(self) -> list[list[Any]]:
        """What changes when the weights on disk do; a hash would read all of them."""
        files = sorted(self.folder.glob("*.safetensors"))
        return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def load_base(name: str, quantize: str = "", deepspeed: str = "") -> Base:
    """The base model of a folder or hub name; `quantize` is "", 4bit or 8bit. Raises ModelError.

    In a process that torchrun started it meets the others first; `deepspeed` is learn.deepspeed.
    """
    join(deepspeed)
    folder, where = model_folder(name), device()
    shards = sharding(deepspeed)
    tokenizer = load_tokenizer(folder)
    prepare(tokenizer)
    model = _quantized(folder, quantize, where) if quantize else load_causal_lm(folder, where)
    return Base(folder, tokenizer, model, where, shards)


def _quantized(folder: Path, bits: str, where: str) -> Any:
    """The model with its weights in 4 or 8 bits, ready for adapters in float32 (QLoRA). Raises ModelError."""
    import torch
    from peft import prepare_model_for_kbit_training
    from transformers import BitsAndBytesConfig

    settings: dict[str, Any] = {"load_in_8bit": True}
    if bits == "4bit":
        settings = {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": torch.bfloat16,
        }
    try:
        model = pretrained(
            folder,
            quantization_config=BitsAndBytesConfig(**settings),
            # By number: accelerate takes a GPU without one for another than the one it trains on.
            device_map={"": torch.cuda.current_device() if where == "cuda" else where},
            dtype=torch.bfloat16,
        )
    except torch.OutOfMemoryError:
        raise
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as problem:
        raise ModelError(f"{folder} cannot be loaded in {bits}: {line_of(problem)}") from problem
    for layer in model.modules():
        # bitsandbytes would lay the weights out anew, and less exactly, at the first evaluation on some CPUs.
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False
    ready: Any = prepare_model_for_kbit_training
    return ready(model, use_gradient_checkpointing=where != "cpu").eval()


@contextmanager
def adapted(base: Base, config: LearnConfig, seed: int, start: Path | None = None) -> Iterator[Any]:
    """The base with one adapter to train, new or gone on with from a folder; taken out again at the end.

    Raises ModelError when the base has not the modules that are to be adapted.
    """
    import torch
    from peft import PeftModel, get_peft_model

    torch.manual_seed(seed)
    try:
        if start is None:
            # ZeRO-3 gathers weights of one precision, so under it an adapter is not in another than the base.
            peft: Any = get_peft_model(base.model, lora_of(config), autocast_adapter_dtype=base.sharding is None)
        else:
            peft = PeftModel.from_pretrained(base.model, str(adapter_folder(start)), is_trainable=True)
    except ValueError as problem:
        raise ModelError(f"{base.folder} cannot be adapted: {line_of(problem)}") from problem
    try:
        yield peft
    finally:
        peft.unload()
        # TRL hangs a forward of its own into the model, which the next trainer would hang its own around.
        vars(base.model).pop("forward", None)
        base.model.eval()


def lora_of(config: LearnConfig) -> Any:
    """PEFT's settings of an adapter."""
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=ALL_LINEAR if ALL_LINEAR in config.lora_targets else list(config.lora_targets),
        task_type="CAUSAL_LM",
    )
