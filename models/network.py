"""A causal language model with its LoRA adapters, called with one adapter per row.

    network = Network(Path("runs/seed"), {"plan": Path("runs/adapters/plan-3fa9c1d2e4b5")})
    network.logits(ids, mask, positions, cache, ["plan", None])     # (2, vocabulary), of the last column

fp32 on CPU, bf16 on CUDA, sdpa attention. Not covered: models that keep a state instead of keys and values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autoact.core.errors import ModelError
from autoact.models.weights import adapter_folder

BASE = "__base__"


class Network:
    """Owns the model; to be used from one thread."""

    def __init__(self, folder: Path, adapters: Mapping[str, Path]) -> None:
        import torch

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self._plain = _load(folder, self.device)
        # PEFT names modules after adapters and stumbles over dots, so it is given names of our own.
        self._names = {name: f"adapter{number}" for number, name in enumerate(adapters)}
        self._peft = _attach(self._plain, {self._names[name]: adapters[name] for name in adapters})
        self._adapting = True
        config = self._plain.config.get_text_config()
        self.max_positions: int | None = getattr(config, "max_position_embeddings", None)
        self.sliding = getattr(config, "sliding_window", None) is not None
        self.end_ids = _ids(self._plain.generation_config.eos_token_id) | _ids(config.eos_token_id)

    def logits(
        self, ids: Any, mask: Any, positions: Any, cache: Any, adapters: Sequence[str | None]
    ) -> Any:
        """(rows, vocabulary) logits after the last column of `ids` (rows, columns); `cache` grows by them."""
        model, more = self._plain, {}
        if self._peft is not None:
            adapted = any(adapters)
            self._switch(adapted)
            if adapted:
                model = self._peft
                more["adapter_names"] = [self._names[name] if name else BASE for name in adapters]
        out = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **more,
        )
        return out.logits[:, -1].float()

    def _switch(self, adapted: bool) -> None:
        # PEFT's hooks cost a fifth of a step: rows that all speak as the base go around them.
        if adapted != self._adapting:
            layers = self._peft.base_model
            (layers.enable_adapter_layers if adapted else layers.disable_adapter_layers)()
            self._adapting = adapted


def _load(folder: Path, device: str) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.bfloat16 if device == "cuda" else torch.float32,
            attn_implementation="sdpa",
            use_safetensors=True,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as problem:
        reason = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
        raise ModelError(f"{folder} does not load as a causal language model: {reason}") from problem
    if getattr(model, "_is_stateful", False):
        raise ModelError(f"{folder} keeps a recurrent state, which the engine cannot batch: use vLLM for it")
    return model.to(device).eval()


def _attach(model: Any, adapters: Mapping[str, Path]) -> Any:
    """The PEFT model around `model`, or None without adapters."""
    from peft import PeftModel

    peft = None
    for name, path in adapters.items():
        folder = str(adapter_folder(path))
        try:
            if peft is None:
                peft = PeftModel.from_pretrained(model, folder, adapter_name=name)
            else:
                peft.load_adapter(folder, adapter_name=name)
        except (OSError, ValueError, KeyError, RuntimeError) as problem:
            reason = str(problem).strip().splitlines()[0]
            raise ModelError(f"the adapter {folder} does not fit the base model: {reason}") from problem
    return None if peft is None else peft.eval()


def _ids(setting: int | list[int] | None) -> set[int]:
    return set(setting) if isinstance(setting, list) else {setting} - {None}  # type: ignore[arg-type,return-value]
