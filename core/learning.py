"""How a learning run is done: the `learn:` section of a task file, and the presets it starts from.

    LearnConfig(questions=300, samples=4)
    LearnConfig.model_validate(with_preset({"questions": 300}, "paper"))     # the paper's settings, and 300 questions

`best`, the default, is what was measured to be best (docs/method.md has the figures); `paper` is AutoAct's §2.2–2.4
and Table 4. A preset sets the fields that PRESETS lists; what a task file or the command line sets goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Section(BaseModel):
    """A part of a task file: unknown fields and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Budget(Section):
    """What a stage may spend; it ends cleanly when one of them is spent. 0 is no limit."""

    seconds: float = Field(0, ge=0, description="Seconds of work, over all the times the stage was gone on with.")
    tokens: int = Field(0, ge=0, description="Tokens read and written by models.")
    requests: int = Field(0, ge=0, description="Requests to models.")


Stage = Literal["self-instruct", "tool selection", "synthesis", "training", "preferences", "dev reward"]


class LearnConfig(Section):
    """How a learning run is done (AutoAct §2.2–2.4; Table 4 for the paper's training settings)."""

    # Another value makes no other run; one with more rounds goes on with what an earlier one has done.
    UNHEEDED: ClassVar = ("workers", "budgets", "report_to", "checkpoint_steps", "rounds")
    # What the training of an adapter heeds.
    TRAINING: ClassVar = (
        *("lora_rank", "lora_alpha", "lora_dropout", "lora_targets", "quantize", "learning_rate", "warmup", "epochs"),
        *("batch_size", "max_length", "early_stopping", "deepspeed"),
    )
    # What filtering and training alone heed: until a run is finished they begin again with other values.
    STUDY: ClassVar = (
        *("preset", "verify", "replace_answers", "quality", "per_question", "prefer_kept", "max_kept", "min_kept"),
        *("reflect_on", "max_verdicts", "reflect_thoughts", "held_out", *TRAINING),
        *("prefer", "prefer_beta", "prefer_learning_rate", "prefer_epochs"),
    )

    preset: Literal["best", "paper"] = Field("best", description="What the fields that are not given start from.")
    seed: int = Field(0, ge=0, description="Seed of every draw in the run.")
    workers: int = Field(32, gt=0, description="Questions in flight at once.")
    budgets: dict[Stage, Budget] = Field(default_factory=dict, description="What stages may spend, by stage.")
    rounds: int = Field(2, gt=0, description="Rounds of play and training at most; later ones are played by the team.")

    questions: int = Field(200, gt=0, description="How many questions to self-instruct.")
    pairs_per_prompt: int = Field(5, gt=0, description="Question-answer pairs asked for at a time.")
    instruct_shots: int = Field(5, gt=0, description="Pairs shown in a prompt, examples and new ones mixed.")
    prompts_per_round: int = Field(16, gt=0, description="Self-instruct prompts sent together.")
    max_rounds: int = Field(60, gt=0, description="Self-instruct rounds at most.")
    stall_rounds: int = Field(5, gt=0, description="Rounds of too few new pairs after which to stop.")
    min_novelty: float = Field(
        0.05, ge=0, lt=1, description="Share of a round's well-formed pairs that must be new.", strict=False
    )
    difficulties: tuple[str, ...] = Field(
        (), description="Levels asked for in turn, such as easy, medium, hard; none asks for no level.", strict=False
    )
    duplicates: Literal["exact", "guarded", "rouge"] = Field(
        "guarded",
        description="Which pairs are too alike: same words; also near ones without other names or numbers; ROUGE-L.",
    )
    embeddings: str = Field(
        "", description="An embeddings model, provider:name, by which guarded also finds the same meaning; empty: none."
    )
    answer_quota: float = Field(
        0.1, gt=0, le=1, description="Share of the questions one answer may have (yes, no: half).", strict=False
    )
    instruct_temperature: float = Field(1.0, ge=0, le=2, description="Sampling temperature of questions.", strict=False)
    instruct_tokens: int = Field(1024, gt=0, description="Tokens a self-instruct reply may take.")

    select_tools: Literal["meta", "utility"] = Field(
        "meta", description="Tools as the META-AGENT names them, or the set that does best on the examples."
    )
    tool_reasons: bool = Field(True, description="Whether the META-AGENT is asked why it chose its tools.")
    max_tools: int = Field(4, gt=0, description="Tools that may be selected.")

    samples: int = Field(2, gt=0, description="Trajectories played per question.")
    temperature: float = Field(1.0, ge=0, le=2, description="Sampling temperature of play.", strict=False)
    temperature_spread: float = Field(
        0.0, ge=0, le=1, description="How far the samples of a question lie around that, evenly.", strict=False
    )
    max_steps: int = Field(8, gt=0, description="Steps a trajectory may take, reflections included.")
    max_reflections: int = Field(2, ge=0, description="Times a trajectory may be sent back by reflection.")
    max_tokens: int = Field(256, gt=0, description="Tokens a turn may take.")
    constrain: bool = Field(False, description="Whether turns are held to their form, by backends that can.")

    verify: int = Field(
        1, ge=0, description="Plays of a question that must come to its answer for it to be learned from; 0: none."
    )
    replace_answers: bool = Field(
        False, description="Whether an answer that so many plays agree on replaces the one that was written."
    )
    quality: bool = Field(True, description="Whether trajectories must be clean beside having reward 1.")
    per_question: int = Field(2, ge=0, description="Trajectories kept per question at most; 0 keeps all.")
    prefer_kept: Literal["shortest", "diverse"] = Field(
        "shortest", description="Which of a question's trajectories are kept first."
    )
    max_kept: int = Field(0, ge=0, description="Trajectories that a round keeps at most; 0 keeps all.")
    min_kept: int = Field(
        10, gt=0, description="Kept trajectories that training needs; failed actions are kept only for it."
    )
    reflect_on: Literal["all", "kept"] = Field("all", description="Trajectories that verdicts are learned from.")
    max_verdicts: int = Field(
        0, ge=0, description="Verdicts of a kind, right or wrong, learned from at most; 0: as many as of the other."
    )
    reflect_thoughts: float = Field(
        0.1, ge=0, le=1, description="Share of the verdicts whose thoughts are learned, too.", strict=False
    )

    lora_rank: int = Field(8, gt=0, description="LoRA rank.")
    lora_alpha: int = Field(16, gt=0, description="LoRA alpha.")
    lora_dropout: float = Field(0.05, ge=0, lt=1, description="LoRA dropout.", strict=False)
    lora_targets: tuple[str, ...] = Field(
        ("q_proj", "v_proj"), description="Modules LoRA adapts; all-linear for all.", strict=False
    )
    quantize: Literal["", "4bit", "8bit"] = Field("", description="Load the base quantized for training (QLoRA).")
    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate (cosine).", strict=False)
    warmup: float = Field(0.03, ge=0, lt=1, description="Share of the steps that warm up.", strict=False)
    epochs: int = Field(5, gt=0, description="Passes over each role's examples at most.")
    batch_size: int = Field(4, gt=0, description="Sequences per optimiser step.")
    max_length: int = Field(4096, gt=0, description="Tokens per training sequence at most.")
    held_out: float = Field(0.1, gt=0, lt=1, description="Share of the questions kept out of training.", strict=False)
    early_stopping: int = Field(
        1, ge=0, description="Epochs without a lower held-out loss after which training stops; 0 trains them all."
    )
    checkpoint_steps: int = Field(
        50, gt=0, description="Optimiser steps between checkpoints, from which a kill resumes."
    )
    deepspeed: str = Field("", description="zero2, zero3, zero3_offload, or the path of a DeepSpeed file.")
    report_to: str = Field("none", description="Where the trainer reports to as it goes, such as trackio or wandb.")

    prefer: Literal["", "dpo", "kto"] = Field("", description="Preference training after SFT, on kept against failed.")
    prefer_beta: float = Field(
        0.1, gt=0, description="How close preference training stays to the adapter.", strict=False
    )
    prefer_learning_rate: float = Field(1e-5, gt=0, description="Its peak learning rate.", strict=False)
    prefer_epochs: int = Field(1, gt=0, description="Its passes over the pairs.")

    @field_validator("budgets")
    @classmethod
    def _training_asks_no_model(cls, budgets: dict[Stage, Budget]) -> dict[Stage, Budget]:
        trained: tuple[Stage, ...] = ("training", "preferences")
        for stage in trained:
            budget = budgets.get(stage, Budget())
            if budget.tokens or budget.requests:
                raise ValueError(f"{stage}: no model is asked; limit its seconds")
        return budgets

    @field_validator("lora_targets")
    @classmethod
    def _some_modules(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        if not targets or not all(targets):
            raise ValueError("name the modules, or all-linear")
        return targets

    @field_validator("lora_targets", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        """A plain text is a list too, its names with commas between them."""
        return tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value

    @property
    def needed(self) -> int:
        """How many trajectories must be kept: `min_kept`, or `max_kept` where that is fewer."""
        return min(self.min_kept, self.max_kept or self.min_kept)


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "best": {},
    "paper": {
        "rounds": 1,
        "instruct_shots": 2,
        "difficulties": (),
        "duplicates": "rouge",
        "embeddings": "",
        "answer_quota": 1.0,
        "min_novelty": 0.0,
        "select_tools": "meta",
        "temperature_spread": 0.0,
        "verify": 0,
        "replace_answers": False,
        "quality": False,
        "per_question": 0,
        "max_kept": 200,
        "reflect_on": "kept",
        "reflect_thoughts": 1.0,
        "lora_rank": 8,
        "lora_alpha": 16,
        "lora_dropout": 0.05,
        "lora_targets": ("q_proj", "v_proj"),
        "quantize": "",
        "learning_rate": 1e-4,
        "warmup": 0.03,
        "epochs": 5,
        "batch_size": 4,
        "max_length": 4096,
        "early_stopping": 0,
        "prefer": "",
    },
}


def with_preset(fields: Mapping[str, Any], preset: Any = "") -> dict[str, Any]:
    """The fields of a learn section over those of the preset it names, or under those of `preset` if it is given.

    An unknown preset is left for LearnConfig to refuse.
    """
    if preset:
        return {**fields, **_preset(preset), "preset": preset}
    return {**_preset(fields.get("preset")), **fields}


def _preset(name: Any) -> Mapping[str, Any]:
    return PRESETS.get(name, {}) if isinstance(name, str) else {}
