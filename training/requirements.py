"""What training needs, checked before hours are spent on play.

require_packages()
require_targets(Path("runs/seed"), ("q_proj", "v_proj"))
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from autoact.core.errors import ModelError

PACKAGES = ("torch", "transformers", "peft", "trl", "datasets")


def require_packages() -> None:
    """Raises ModelError when a package that training needs is not installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ModelError(f"training needs {', '.join(missing)}: pip install 'langgraph-autoact[train]'")


def require_targets(folder: Path, targets: Sequence[str]) -> None:
    """Raises ModelError when the model in a folder has no module of a name that LoRA is to adapt."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        with torch.device("meta"):
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            model = AutoModelForCausalLM.from_config(config)
    except (OSError, ValueError, KeyError) as problem:
        raise ModelError(f"{folder} is no causal language model: {' '.join(str(problem).split())[:300]}") from problem
    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    missing = [target for target in targets if target not in names]
    if missing:
        raise ModelError(
            f"learn.lora_targets: {folder} has no module called {missing[0]}; it has "
            f"{', '.join(sorted(name for name in names if name.endswith(('proj', 'attn', 'fc1', 'fc2', 'linear'))))}"
        )
