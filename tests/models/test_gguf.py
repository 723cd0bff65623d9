"""A GGUF file is a model like any other: it says, and learns, what its weights would in a folder."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import gguf
import pytest

from autoact.core.errors import ModelError
from autoact.models.load import close_model, load_model
from autoact.models.weights import model_folder, model_hash

Scale = gguf.GGMLQuantizationType


def write_gguf(path: Path, base: Path, kind: Any = Scale.F32) -> None:
    """The tiny Llama of a folder as llama.cpp's converter writes it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    writer = gguf.GGUFWriter(path, "llama")
    _write_shape(writer, model.config)
    _write_tokenizer(writer, tokenizer)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, model.config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        weights = _as_llama_cpp(name, tensor.numpy(), model.config)
        packed = weights.ndim > 1
        data = gguf.quantize(weights, kind) if packed else weights
        writer.add_tensor(names.get_name(name, (".weight",)), data, raw_dtype=kind if packed else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_shape(writer: Any, config: Any) -> None:
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def _write_tokenizer(writer: Any, tokenizer: Any) -> None:
    words = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    marks = set(tokenizer.all_special_tokens)
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types([gguf.TokenType.CONTROL if word in marks else gguf.TokenType.NORMAL for word in words])
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_chat_template(tokenizer.chat_template)


def _as_llama_cpp(name: str, weights: Any, config: Any) -> Any:
    """llama.cpp turns pairs of neighbours where transformers turns halves."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
    if heads is None:
        return weights
    return weights.reshape(heads, 2, -1, weights.shape[1]).swapaxes(1, 2).reshape(weights.shape)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "autoact" / "gguf"


@pytest.fixture
def file(tmp_path: Path, home: Path) -> Path:
    write_gguf(tmp_path / "tiny.gguf", home / "base")
    return tmp_path / "tiny.gguf"


def said(spec: str) -> str:
    model = load_model(spec)
    text = model.invoke("Which castle?", max_tokens=20).text
    close_model(model)
    return text


def test_it_says_what_the_folder_says_that_it_was_made_of(file: Path, home: Path) -> None:
    assert said(f"transformers:{file}") == said(f"transformers:{home / 'base'}")


def test_it_is_unpacked_once_and_the_log_says_where(file: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert model_folder(str(file)) == model_folder(str(file)) == next(cache.iterdir())
    assert [record.message.startswith(f"{file} is unpacked to fp32 in {cache}") for record in caplog.records] == [True]
    assert model_hash(file) == model_hash(next(cache.iterdir()))


def test_a_packed_file_is_unpacked_to_nearly_the_same_weights(tmp_path: Path, home: Path) -> None:
    from safetensors.torch import load_file

    write_gguf(tmp_path / "packed.gguf", home / "base", Scale.Q8_0)
    found = load_file(model_folder(str(tmp_path / "packed.gguf")) / "model.safetensors")
    wanted = load_file(home / "base" / "model.safetensors")
    assert found.keys() == wanted.keys()
    off = [float((found[name] - wanted[name]).abs().max() / wanted[name].abs().max()) for name in wanted]
    assert 0 < max(off) < 1 / 127
    assert said(f"transformers:{tmp_path / 'packed.gguf'}")


def test_another_file_of_the_same_name_is_unpacked_anew(file: Path, cache: Path, home: Path) -> None:
    before = model_hash(file)
    write_gguf(file, home / "base", Scale.Q8_0)
    assert model_hash(file) != before
    assert len(list(cache.iterdir())) == 2


def test_a_tokenizer_beside_the_file_goes_first(file: Path, home: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(home / "base" / name, file.parent)
    (file.parent / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    folder = model_folder(str(file))
    assert (folder / "chat_template.jinja").read_text() == "{{ messages[0]['content'] }}"


def test_an_adapter_is_trained_on_what_it_is_unpacked_to(file: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from autoact.models.engine import Engine

    base = AutoModelForCausalLM.from_pretrained(model_folder(str(file)))
    assert {parameter.dtype for parameter in base.parameters()} == {base.dtype}
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(base, config).save_pretrained(str(tmp_path / "plan-1"))
    Engine(str(file), {"plan": tmp_path / "plan-1"}).close()


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model"])
def test_a_broken_file_is_one_line_and_leaves_nothing(tmp_path: Path, cache: Path, content: bytes) -> None:
    (tmp_path / "broken.gguf").write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.gguf does not load .*; serve it by Ollama or llama\.cpp") as caught:
        load_model(f"transformers:{tmp_path / 'broken.gguf'}")
    assert "\n" not in str(caught.value)
    assert list(cache.iterdir()) == []


def test_a_file_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ModelError, match=r"no\.gguf does not exist: name a GGUF file"):
        load_model("transformers:no.gguf")


def test_a_cache_that_cannot_be_written_is_one_line(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "tiny.gguf"))
    with pytest.raises(ModelError, match=r"cannot be unpacked to .* \(Not a directory\); make room there, or set XDG"):
        load_model(f"transformers:{file}")


def test_a_missing_package_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ModelError, match=r"tiny\.gguf needs the package gguf: pip install 'langgraph-autoact\[gguf\]'"):
        load_model(f"transformers:{file}")
