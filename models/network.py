"""A causal language model with its LoRA adapters, called with one adapter per row.

    network = Network(Path("runs/seed"), {"plan": Path("runs/adapters/plan-3fa9c1d2e4b5")})
    network.logits(ids, mask, positions, cache, ["plan", None])     # (2, vocabulary), of the last column

fp32 on CPU, bf16 on CUDA, sdpa attention. Not covered: models that keep a state instead of keys and values.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autoact.core.errors import ModelError
from autoact.core.text import line_of
from autoact.models.mixing import Speakers, is_plain
from autoact.models.weights import adapter_folder

BASE = "__base__"
# Kinds of layers that keep keys and values, and all of them.
ATTENTION = frozenset({"full_attention", "sliding_attention", "chunked_attention"})

# PEFT imports bitsandbytes where it is installed, which then warns of kernels that it did not find on a hub, and at
# every product of what it casts.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


class Network:
    """Owns the model; to be used from one thread."""

    def __init__(self, folder: Path, adapters: Mapping[str, Path]) -> None:
        self.device = device()
        self._plain = load_causal_lm(folder, self.device)
        # PEFT names modules after adapters and stumbles over dots, so it is given names of our own.
        self._names = {name: f"adapter{number}" for number, name in enumerate(adapters)}
        self._peft = attach_adapters(self._plain, {self._names[name]: adapters[name] for name in adapters})
        self._adapting = True
        self._mixed = Speakers(list(self._names.values()), self.device)
        self._speakers: list[str] = []
        self._tell_layers()
        self.size = sum(weights.numel() for weights in self._plain.parameters())
        config = self._plain.config.get_text_config()
        self.max_positions = _window(config)
        self.vocabulary: int = self._plain.get_input_embeddings().weight.shape[0]
        self.layers: int = config.num_hidden_layers
        # Attention of a few tokens, of chunks, or by distance: each layer's mask is the model's to make.
        self.masks = any(getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size", "alibi"))
        self.end_ids = _ids(self._plain.generation_config.eos_token_id) | _ids(config.eos_token_id)

    def logits(self, ids: Any, mask: Any, positions: Any, cache: Any, adapters: Sequence[str | None]) -> Any:
        """(rows, vocabulary) logits after the last column of `ids` (rows, columns); `cache` grows by them."""
        if self._peft is not None:
            self._switch(any(adapters))
            self._speakers = [self._names[name] if name else BASE for name in adapters]
            self._mixed.tell(self._speakers)
        out = self._plain(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1].float()

    def _tell_layers(self) -> None:
        """Have every adapted layer told who speaks in which row."""
        if self._peft is None:
            return
        from peft.tuners.lora import LoraLayer
        from peft.utils import AuxiliaryTrainingWrapper

        adapted: Any = (LoraLayer, AuxiliaryTrainingWrapper)
        for layer in self._peft.modules():
            if is_plain(layer):
                self._mixed.adapt(layer)
            elif isinstance(layer, adapted):
                # PEFT's own forward(adapter_names=…) hangs these hooks in and out at every step.
                layer.register_forward_pre_hook(self._speaking, with_kwargs=True)

    def _speaking(self, _: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, ({**kwargs, "adapter_names": self._speakers} if self._adapting else kwargs)

    def _switch(self, adapted: bool) -> None:
        # Rows that all speak as the base go around the adapters.
        if adapted != self._adapting:
            layers = self._peft.base_model
            (layers.enable_adapter_layers if adapted else layers.disable_adapter_layers)()
            self._adapting = adapted


def device() -> str:
    """Where models run here: cuda, or cpu."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def load_causal_lm(folder: Path, device: str) -> Any:
    """The model in `folder`, in evaluation mode on `device`. Raises ModelError."""
    import torch

    try:
        model = pretrained(folder, dtype=torch.bfloat16 if device == "cuda" else torch.float32).to(device).eval()
    except (ModelError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as problem:  # configurations and weights can be wrong in every way
        raise ModelError(f"{folder} does not load as a causal language model: {line_of(problem)}") from problem
    kinds = getattr(model.config.get_text_config(), "layer_types", None) or ()
    if getattr(model, "_is_stateful", False) or not ATTENTION.issuperset(kinds):
        raise ModelError(f"{folder} keeps a recurrent state, which the engine cannot batch: use vLLM for it")
    return model


def pretrained(folder: Path, **settings: Any) -> Any:
    """What transformers makes of a folder's weights. Raises ModelError where it had to make up some of them."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    load: Any = AutoModelForCausalLM.from_pretrained
    model, told = load(
        folder,
        attn_implementation="sdpa",
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,  # left open, a folder's code would run where stdin says y
        output_loading_info=True,
        **settings,
    )
    if missing := sorted(told["missing_keys"]):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(f"{folder} lacks the weights of {missing[0]}{more}: save the whole model there")
    return model


def attach_adapters(model: Any, adapters: Mapping[str, Path]) -> Any:
    """The PEFT model around `model`, or None without adapters."""
    from peft import PeftModel
    from safetensors import SafetensorError

    peft: Any = None
    for name, path in adapters.items():
        folder = str(adapter_folder(path))
        try:
            if peft is None:
                peft = PeftModel.from_pretrained(model, folder, adapter_name=name)
            else:
                peft.load_adapter(folder, adapter_name=name)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as problem:
            raise ModelError(f"the adapter {folder} does not fit the base model: {line_of(problem)}") from problem
    return None if peft is None else peft.eval()


def _window(config: Any) -> int | None:
    """How many tokens a row may have; of longrope, as many as do not change the positions of the rows beside it."""
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") == "longrope":
        return int(rope["original_max_position_embeddings"])
    return getattr(config, "max_position_embeddings", None)


def _ids(setting: int | list[int] | None) -> set[int]:
    if setting is None:
        return set()
    return set(setting) if isinstance(setting, list) else {setting}
