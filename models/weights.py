"""Model folders: where they are, what may be in them, and the hash that names their content.

    folder = model_folder("runs/seed")        # a folder as it is; a hub name becomes its local snapshot
    folder = model_folder("qwen3.gguf")       # what the file is unpacked to
    model_hash("runs/seed")                   # "3fa9c1d2e4b5…", over weights, tokenizer and chat template
    template_hash("runs/seed")                # "77ab…", of the chat template alone
    adapter_hash(run / "adapters" / "plan-3fa9c1d2e4b5")

Weights are read from safetensors only: a pickle can run code when it is opened.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from autoact.core.errors import ModelError
from autoact.core.text import line_of
from autoact.models.gguf import unpacked

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
WANTED = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]


def model_folder(path: str) -> Path:
    """The folder that holds the model `path` names. Raises ModelError; a hub name is fetched if need be."""
    try:
        folder = Path(path).expanduser()
    except RuntimeError:
        raise ModelError(f"{path} begins with a user that this machine does not have; name a model folder") from None
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
    if settings.get("bias", "none") != "none":
        raise ModelError(
            f"{folder} has biases of the base in it, which would change it for all; train it with bias none"
        )
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


def template_hash(path: str | Path) -> str:
    """sha256 of the chat template that turns are written with: the model's own, or ours. Raises ModelError."""
    folder = model_folder(str(path))
    if (folder / "chat_template.jinja").is_file():
        try:
            template = (folder / "chat_template.jinja").read_text("utf-8")
        except UnicodeDecodeError:
            raise ModelError(f"{folder / 'chat_template.jinja'} is not UTF-8; save it again") from None
    elif has_template(folder):
        template = _inline_template(folder)
    else:
        template = Path(__file__).with_name("minimal.jinja").read_text("utf-8")
    return hashlib.sha256(template.encode()).hexdigest()


def adapter_hash(folder: Path) -> str:
    """sha256 over an adapter's weights and its configuration, but for where its base was. Raises ModelError."""
    settings = json.loads((adapter_folder(folder) / "adapter_config.json").read_text("utf-8"))
    settings.pop("base_model_name_or_path", None)
    text = f"{weights_hash(folder)}\n{json.dumps(settings, sort_keys=True)}"
    return hashlib.sha256(text.encode()).hexdigest()


def weights_hash(folder: Path) -> str:
    """sha256 of an adapter's weights; its first twelve digits end the name of the folder."""
    with (folder / "adapter_model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_template(folder: Path) -> bool:
    """Whether a model folder brings a chat template."""
    inside = _inline_template(folder)
    return (folder / "chat_template.jinja").is_file() or (bool(inside) and json.loads(inside) != "")


def _inline_template(folder: Path) -> str:
    """The chat template of older folders, which keep it in tokenizer_config.json."""
    config = folder / "tokenizer_config.json"
    if not config.is_file():
        return ""
    try:
        return json.dumps(json.loads(config.read_text("utf-8")).get("chat_template") or "")
    except (ValueError, AttributeError) as problem:
        raise ModelError(f"{config} is not a JSON object ({line_of(problem)}); save the tokenizer again") from None


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
