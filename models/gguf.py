"""A GGUF file as a model folder: unpacked once, then computed with, trained on and served like any other.

    unpacked(Path("qwen2-0_5b-q8_0.gguf"))    # ~/.cache/autoact/gguf/qwen2-0_5b-q8_0-3fa9c1d2e4b5

The folder holds the weights in fp32, four bytes for each; its adapters are trained on these. The tokenizer is the one
beside the file, if there is one, or the file's own. To run a file as small as it is, serve it by Ollama or llama.cpp.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from autoact.core.errors import ModelError
from autoact.core.text import line_of

log = logging.getLogger(__name__)


def unpacked(file: Path) -> Path:
    """The folder with the model of `file`, made if need be. Raises ModelError."""
    if not file.is_file():
        raise ModelError(f"{file} does not exist: name a GGUF file, a model folder or a hub model")
    folder = _place(file)
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _unpack_whole(file, folder)
        except OSError as problem:
            raise ModelError(
                f"{file} cannot be unpacked to {folder} ({problem.strerror}); "
                "make room there, or set XDG_CACHE_HOME to a folder elsewhere"
            ) from None
        log.warning("%s is unpacked to fp32 in %s; delete the folder to have its room back", file, folder)
    return folder


def _unpack_whole(file: Path, folder: Path) -> None:
    """The folder appears when all of it is there."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        _unpack(file, Path(made, "model"))
        try:
            Path(made, "model").rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was quicker
                raise


def _place(file: Path) -> Path:
    """Where a file is unpacked; another file of its name and place has another."""
    about = file.stat()
    key = hashlib.sha256(f"{file.resolve()}:{about.st_size}:{about.st_mtime_ns}".encode()).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return cache / "autoact" / "gguf" / f"{file.stem}-{key[:12]}"


def _unpack(file: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging as transformers_logging

    missing = [name for name in ("gguf", "accelerate") if find_spec(name) is None]
    if missing:
        raise ModelError(f"{file} needs the package {missing[0]}: pip install 'langgraph-autoact[gguf]'")
    transformers_logging.disable_progress_bar()
    own = {} if (file.parent / "tokenizer.json").is_file() else {"gguf_file": file.name}
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, local_files_only=True, trust_remote_code=False, **own)
        model = AutoModelForCausalLM.from_pretrained(
            file.parent,
            gguf_file=file.name,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
            local_files_only=True,
            trust_remote_code=False,
        )
    except Exception as problem:  # the readers of files, architectures and tokenizers each have their own
        raise ModelError(
            f"{file} does not load ({line_of(problem)}); serve it by Ollama or llama.cpp and name that: ollama:NAME"
        ) from problem
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
