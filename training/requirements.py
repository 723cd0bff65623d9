"""What training needs, checked before hours are spent on play.

require_packages(config)
require_targets(Path("runs/seed"), ("q_proj", "v_proj"))      # or ("all-linear",)
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from autoact.core.errors import ModelError
from autoact.core.learning import Budget, LearnConfig
from autoact.training.base_model import ALL_LINEAR
from autoact.training.distributed import deepspeed_file, stage_of
from autoact.training.sizes import skeleton

PACKAGES = ("torch", "transformers", "peft", "trl", "datasets")


def require_packages(config: LearnConfig) -> None:
    """Raises ModelError when a package is not installed that training, as configured, needs."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ModelError(f"training needs {', '.join(missing)}: pip install 'langgraph-autoact[train]'")
    if config.quantize and find_spec("bitsandbytes") is None:
        raise ModelError("learn.quantize needs bitsandbytes: pip install 'langgraph-autoact[qlora]'")
    _require_reporter(config.report_to)
    _require_deepspeed(config)


def _require_deepspeed(config: LearnConfig) -> None:
    """Raises ModelError when the file that learn.deepspeed names, or the package, is missing."""
    path = deepspeed_file(config.deepspeed)
    if path is None:
        return
    if config.budgets.get("training", Budget()).seconds:
        raise ModelError("learn.budgets of training do not stop processes of DeepSpeed; leave one of them out")
    if find_spec("deepspeed") is None:
        raise ModelError("learn.deepspeed needs deepspeed: pip install 'langgraph-autoact[deepspeed]'")
    if config.quantize and stage_of(path) == 3:
        raise ModelError("learn.quantize cannot be spread over GPUs by ZeRO-3: choose zero2, or do without quantize")


def _require_reporter(name: str) -> None:
    """Raises ModelError unless transformers can report there."""
    if name == "none":
        return
    from transformers.integrations import integration_utils

    known = sorted(integration_utils.INTEGRATION_TO_CALLBACK)
    if name not in known:
        raise ModelError(f"learn.report_to: {name} is unknown; choose none, {', '.join(known)}")
    if name not in integration_utils.get_available_reporting_integrations():
        raise ModelError(f"learn.report_to needs {name}: pip install {name}")


def require_targets(folder: Path, targets: Sequence[str]) -> None:
    """Raises ModelError when the model in a folder has no module of a name that LoRA is to adapt."""
    names = {name.rpartition(".")[2] for name, _ in skeleton(folder).named_modules()}
    if ALL_LINEAR in targets:
        if len(targets) > 1:
            raise ModelError(f"learn.lora_targets: {ALL_LINEAR} stands for all modules; name it alone")
        return
    missing = [target for target in targets if target not in names]
    if missing:
        raise ModelError(
            f"learn.lora_targets: {folder} has no module called {missing[0]}; it has "
            f"{', '.join(sorted(name for name in names if name.endswith(('proj', 'attn', 'fc1', 'fc2', 'linear'))))}"
        )
