"""Model folders: where they are, what may be in them, and the hash that names their content.

    folder = model_folder("runs/seed")        # a folder as it is; a hub name becomes its local snapshot
    folder = model_folder("qwen3.gguf")       # what the file is unpacked to
    model_hash("runs/seed")                   # "3fa9c1d2e4b5…", over weights, tokenizer and chat template

Weights are read from safetensors only: a pickle can run code when it is opened.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from autoact.core.errors import ModelError
from autoact.models.gguf import unpacked

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
WANTED = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]


def model_folder(path: str) -> Path:
    """The folder that holds the model `path` names. Raises ModelError; a hub name is fetched if need be."""
    folder = Path(path).expanduser()
    if folder.suffix == ".gguf":
        folder = unpacked(folder)
    elif not folder.is_dir():
        folder = _snapshot(path)
    if not (folder / "config.json").is_file():
        raise ModelError(f"{path} is not a model folder: it has no config.json; name the folder that has one")
    _refuse_pickle(folder)
    if not any(folder.glob("*.safetensors")):
        raise ModelError(f"{path} holds no weights: save the model there as safetensors")
    return folder


def adapter_folder(folder: Path) -> Path:
    """`folder`, checked: a LoRA adapter in safetensors that can share a batch. Raises ModelError."""
    config = folder / "adapter_config.json"
    if not config.is_file():
        raise ModelError(f"{folder} is not an adapter folder: it has no adapter_config.json")
    _refuse_pickle(folder)
    if not (folder / "adapter_model.safetensors").is_file():
        raise ModelError(f"{folder} holds no adapter_model.safetensors: save the adapter as safetensors")
    try:
        settings = dict(json.loads(config.read_text("utf-8")))
    except (ValueError, TypeError) as problem:
        raise ModelError(f"{config} is not a JSON object ({problem}); train the adapter again") from None
    if settings.get("peft_type") != "LORA" or settings.get("use_dora") or settings.get("alora_invocation_tokens"):
        raise ModelError(f"{folder} is not a plain LoRA adapter; the engine serves no other kind")
    return folder


def model_hash(path: str | Path) -> str:
    """sha256 over weights, tokenizer.json and chat template. Raises ModelError, also on pickled weights."""
    folder = model_folder(str(path))
    names = sorted(file.name for file in folder.glob("*.safetensors"))
    names += [name for name in ("tokenizer.json", "chat_template.jinja") if (folder / name).is_file()]
    digest = hashlib.sha256()
    for name in names:
        with (folder / name).open("rb") as file:
            digest.update(f"{name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    digest.update(_inline_template(folder).encode())
    return digest.hexdigest()


def has_template(folder: Path) -> bool:
    """Whether a model folder brings a chat template."""
    inside = _inline_template(folder)
    return (folder / "chat_template.jinja").is_file() or (bool(inside) and json.loads(inside) != "")


def _inline_template(folder: Path) -> str:
    """The chat template of older folders, which keep it in tokenizer_config.json."""
    config = folder / "tokenizer_config.json"
    if not config.is_file():
        return ""
    return json.dumps(json.loads(config.read_text("utf-8")).get("chat_template") or "")


def _refuse_pickle(folder: Path) -> None:
    found = sorted(file.name for pattern in PICKLES for file in folder.glob(pattern))
    if found:
        raise ModelError(
            f"{folder} holds a pickle ({found[0]}), which is refused: delete it, or convert it to safetensors"
        )


def _snapshot(name: str) -> Path:
    if not HUB_NAME.fullmatch(name) or name.startswith("."):
        raise ModelError(f"{name} does not exist: name a model folder or a hub model such as owner/name")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=WANTED))
    except Exception as problem:  # the hub client raises a dozen unrelated types; all mean the same to the user
        reason = type(problem).__name__
        raise ModelError(
            f"{name} is neither a folder nor a model the hub gives us ({reason}): check the name or go online"
        ) from problem
