"""What the paper trains with, by the size of the base (Table 4): 7 and 13 billion parameters as its preset has it,
70 billion for 3 epochs with one sequence a step.

sized(LearnConfig(preset="paper", …), folder)                     # counts, when the preset asks for it
paper_sized(LearnConfig(preset="paper", …), 70_000_000_000).epochs     # 3
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autoact.core.errors import ModelError
from autoact.core.learning import PRESETS, LearnConfig
from autoact.core.text import line_of

LARGE = 30_000_000_000
OF_LARGE = {"epochs": 3, "batch_size": 1}


def sized(config: LearnConfig, folder: Path) -> LearnConfig:
    """The settings to train the model in a folder with. Raises ModelError."""
    return paper_sized(config, parameters_of(folder)) if config.preset == "paper" else config


def paper_sized(config: LearnConfig, parameters: int) -> LearnConfig:
    """The paper preset as it is for a base of so many parameters; what was set to another value stays."""
    if config.preset != "paper" or parameters <= LARGE:
        return config
    paper = PRESETS["paper"]
    return config.model_copy(
        update={name: value for name, value in OF_LARGE.items() if getattr(config, name) == paper[name]}
    )


def parameters_of(folder: Path) -> int:
    """How many parameters the model in a folder has; no weights are read. Raises ModelError."""
    return int(skeleton(folder).num_parameters())


def skeleton(folder: Path) -> Any:
    """The model in a folder without its weights. Raises ModelError when it is no causal language model."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        with torch.device("meta"):
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except Exception as problem:  # a configuration can be wrong in every way
        raise ModelError(f"{folder} is no causal language model: {line_of(problem)}") from problem
