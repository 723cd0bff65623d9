"""The tables and lines of `autoact show`, made of what cli/overview.py has read.

Names and texts come from models and files, and are shown as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from autoact.cli.display import one_line, safe, table
from autoact.training.verification import HOLDING

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

BARS = "▁▂▃▄▅▆▇█"
POINTS = 16  # of a curve in a cell
SHORT = 12  # digits of a hash
DROPPED = {
    "malformed": "not in form",
    "excluded": "barred",
    "duplicate": "duplicate",
    "near_duplicate": "near duplicate",
    "over_quota": "with an answer that has enough",
}


def stages(seen: Mapping[str, Any]) -> Table:
    """A line a stage: how far it is, what it brought, what it cost."""
    asked, played, team = seen["questions"], seen["trajectories"], seen["adapters"]
    state = "finished" if seen["finished"] else "not finished"
    title = f"{one_line(seen['task'])}, {one_line(seen['run'])}: {state}"
    made = table(title, "stage", ">done", "what it brought", ">requests", ">tokens", ">seconds")
    reward = "" if played["reward"] is None else f"reward {played['reward']:.3f}"
    lines = [
        ("self-instruct", f"{asked['written']}/{asked['wanted']}", f"{asked['rounds']} rounds of prompts"),
        ("tool selection", str(len(seen["tools"])), ", ".join(seen["tools"])),
        ("synthesis", f"{played['played']}/{played['wanted']}", reward),
        ("filtering", str(played["kept"]), "kept"),
        ("training", f"{len(team)}/3", ", ".join(PurePath(path).name for path in team.values())),
    ]
    known = {name for name, _, _ in lines}
    others = dict.fromkeys(name.partition(", round ")[0] for name in seen["costs"])
    lines += [(name, "", "") for name in others if name not in known]
    for stage, done, brought in lines:
        spent = [cost for name, cost in seen["costs"].items() if name.partition(", round ")[0] == stage]
        closed = [f"ended by its budget of {cost['closed']}" for cost in spent if cost.get("closed")]
        told = "; ".join(filter(None, (brought, *closed)))
        made.add_row(safe(stage), done, safe(told), *(_cost(spent, unit) for unit in ("requests", "tokens", "seconds")))
    return made


def _cost(spent: Sequence[Mapping[str, Any]], unit: str) -> str:
    total = sum(cost.get(unit, 0) for cost in spent)
    return f"{total:.0f}" if spent and (total or unit == "seconds") else ""


def selection(seen: Mapping[str, Any]) -> Iterator[Text]:
    """Why the tools were selected, and the sets that were tried."""
    chosen = seen["selection"]
    if chosen["fallback"]:
        yield safe("Tools: no reply named any, so the first on offer were taken")
    if chosen["reason"]:
        yield safe(f"Tools: “{one_line(chosen['reason'])}”")
    for each in chosen["tried"] or ():
        tools = ", ".join(each["tools"])
        yield safe(f"  tried {tools}: reward {each['reward']:.3f}, {each['calls']:.1f} calls a play", "dim")


def yields(seen: Mapping[str, Any]) -> Table:
    """From drafts to what is trained on: how many each step let through, and why the others went."""
    made = table("Yields", "step", ">left", ">share", "dropped")
    for steps in funnels(seen):
        before = 0
        for step, left, dropped in steps:
            share = f"{left / before:.0%}" if before else ""
            made.add_row(step, str(left), share, safe(_counts(dropped)))
            before = left
    return made


def funnels(seen: Mapping[str, Any]) -> list[list[tuple[str, int, dict[str, int]]]]:
    """Of questions and of trajectories: step, how many are left after it, how many it dropped for which reason."""
    asked, rounds = seen["questions"], seen["rounds"]
    questions = [
        ("drafts of questions", asked["generated"], {}),
        ("in the task's form", asked["parsed"], _named(asked, "malformed")),
        ("new and not barred", asked["unique"], _named(asked, "excluded", "duplicate", "near_duplicate")),
        ("questions", asked["written"], _named(asked, "over_quota")),
    ]
    if asked["taken"] < asked["written"]:
        questions.append(("played, as many as asked for", asked["taken"], {}))
    if asked["verdicts"]:
        unsure = {verdict: count for verdict, count in asked["verdicts"].items() if verdict not in HOLDING}
        questions.append(("with an answer that holds", asked["verified"], unsure))
    played = sum(each["played"] for each in rounds)
    if not played:
        return [questions]
    questions.append(("solved by a kept trajectory", asked["solved"], {}))
    dropped = added(each["dropped"] for each in rounds)
    kept = sum(each["kept"] for each in rounds)
    return [questions, [("trajectories", played, {}), ("kept", kept, dropped)]]


def added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of counts by name."""
    total: dict[str, int] = {}
    for each in counts:
        for name, count in each.items():
            total[name] = total.get(name, 0) + count
    return total


def _named(counts: Mapping[str, int], *reasons: str) -> dict[str, int]:
    return {DROPPED[reason]: counts[reason] for reason in reasons}


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def rounds(seen: Mapping[str, Any]) -> Table:
    """A line a round; the team is that of the one that is marked."""
    made = table("Rounds", "", *(f">{name}" for name in ("questions", "played", "reward", "verified", "kept")), ">dev")
    for each in seen["rounds"]:
        held = sum(count for verdict, count in each["verified"].items() if verdict in HOLDING)
        mark = " ← the team" if seen["provenance"].get("round") == each["round"] and seen["finished"] else ""
        made.add_row(
            f"round {each['round']}{mark}",
            *(str(each[name]) for name in ("questions", "played")),
            figure(each["reward"]),
            str(held) if each["verified"] else "–",
            str(each["kept"]),
            figure(each["dev"]),
        )
    return made


def training(seen: Mapping[str, Any]) -> Table:
    """A line for each adapter that was trained: what on, and how its losses went."""
    columns = (">examples", ">tokens", ">epochs", "loss", "held-out loss")
    made = table("Training (loss in nats a token)", "adapter", *columns)
    for each in seen["rounds"]:
        for role, adapter in each["adapters"].items():
            curve = adapter.get("curve") or {}
            steps = [point["loss"] for point in curve.get("steps", ())]
            held_out = [loss for loss in curve.get("held_out", ()) if loss is not None]
            counted = each["examples"].get(role, {})
            made.add_row(
                safe(PurePath(adapter["path"]).name),
                str(counted.get("trained_on", "–")),
                str(adapter["tokens"]),
                str(adapter.get("epoch", "–")),
                f"{sparkline(steps)} {figure(steps[-1])}" if steps else figure(adapter["loss"]),
                " ".join(figure(loss) for loss in held_out) or "–",
            )
        for role, adapter in each["preferred"].items():
            if "margin" in adapter:
                told = f"{adapter['method']} on {each['pairs'].get(role, 0)} pairs, margin {figure(adapter['margin'])}"
                made.add_row(safe(PurePath(adapter["path"]).name), "", "", "", told, "")
    return made


def sparkline(values: Sequence[float]) -> str:
    """A curve in one line of text, from its lowest to its highest value."""
    if len(values) < 2:
        return ""
    size = max(1, -(-len(values) // POINTS))
    means = [sum(values[at : at + size]) / len(values[at : at + size]) for at in range(0, len(values), size)]
    low, spread = min(means), (max(means) - min(means)) or 1.0
    return "".join(BARS[round((value - low) / spread * (len(BARS) - 1))] for value in means)


def engine(profile: Mapping[str, Any]) -> Table:
    """What the in-process engine computed for the META-AGENT, in the process that played last."""
    batch = f"{profile['rows'] / profile['steps']:.1f}" if profile["steps"] else "–"
    made = table(f"Engine: {batch} rows a step", "model", ">requests", ">computed", ">reused", ">written", ">ms queued")
    for name, spent in profile["spent"].items():
        tokens = (str(spent[kind]) for kind in ("prefilled", "reused", "decoded"))
        queued = 1000 * spent["queued"] / max(spent["requests"], 1)
        made.add_row(safe(name), str(spent["requests"]), *tokens, f"{queued:.1f}")
    return made


def losses(by_role: Mapping[str, Mapping[str, float | None]]) -> Table:
    """Held-out loss of each role's turns by each adapter; a role's own should be the lowest of its line."""
    speakers = list(next(iter(by_role.values())))
    made = table("Held-out loss (nats a token)", "turns of", *(f">{name}" for name in speakers))
    for role, line in by_role.items():
        made.add_row(role, *(figure(line[name]) for name in speakers))
    return made


def evaluations(found: Sequence[Mapping[str, Any]]) -> Table:
    """The team's reward in each finished evaluation."""
    made = table("Evaluations of the team", "benchmark", ">questions", ">reward", "95% interval", "")
    for each in found:
        low, high = each["interval"] or (None, None)
        beware = f"{each['contaminated']} of them learned from" if each["contaminated"] else ""
        interval = f"[{figure(low)}, {figure(high)}]"
        made.add_row(safe(each["benchmark"]), str(each["questions"]), figure(each["reward"]), interval, beware)
    return made


def provenance(made: Mapping[str, Any]) -> Iterator[Text]:
    """What the team was made of, and what is not so any more."""
    if not made:
        return
    yield safe("Made of", "bold")
    yield safe(f"  base {made['base']}, {made['base_hash'][:SHORT]}")
    if not made["noted"]:
        yield safe("  by an older version, which noted nothing of prompts, tools, data and packages")
        return
    seeds = ", ".join(f"{name} {value}" for name, value in made["seeds"].items())
    yield safe(f"  chat template {made['template'][:SHORT]}, {len(made['prompts'])} prompts, seed: {seeds}")
    for name, value in made["tools"].items():
        yield safe(f"  tool {name} {value[:SHORT]} {made['origins'].get(name, '')}".rstrip())
    yield safe(f"  data: {len(made['data'])} files, each with its hash in team.json")
    yield safe("  " + ", ".join(f"{name} {version}" for name, version in made["packages"].items()))
    for line in made["differences"]:
        yield safe(f"  differs now: {line}", "yellow")


def samples(found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Iterator[Text]:
    """Questions and trajectories, kept and dropped, a line or two each."""
    for kind, items in found["questions"].items():
        for item in items:
            yield from _question(kind, item)
    for kind, items in found["trajectories"].items():
        for item in items:
            because = _because(item["reason"], item["detail"])
            yield safe(one_line(f"trajectory {kind}{because}: {item['question']} (wanted: {item['wanted']})"))
            said = f"{' → '.join(item['steps'])} = {item['answer']!r}, reward {item['reward']:.2f}"
            yield safe(f"  {one_line(said)}", "dim")


def _question(kind: str, item: Mapping[str, Any]) -> Iterator[Text]:
    if "text" in item:  # a draft that became no question
        yield safe(one_line(f"draft {kind}{_because(DROPPED.get(item['reason'], item['reason']), item['detail'])}"))
        yield safe(f"  {one_line(item['text'])}", "dim")
        return
    votes = ", ".join(f"{answer!r} × {count}" for answer, count in item["votes"].items())
    yield safe(one_line(f"question {kind}{_because(item['reason'], '')}: {item['question']} = {item['written']}"))
    if votes:
        told = f"plays say {votes}; the answer is {item['answer']}"
        yield safe(f"  {one_line(told)}", "dim")


def _because(reason: str, detail: str) -> str:
    told = ": ".join(filter(None, (reason, detail)))
    return f" ({told})" if told else ""


def figure(value: float | None) -> str:
    """Three digits; a dash where there is no figure."""
    return "–" if value is None or value != value else f"{value:.3f}"
