"""What one clicks in Studio, by the SDK: follow a question, edit what is past, decide on a pending call.

langgraph dev --no-browser      # in another terminal; neither needs the internet
python docs/walk.py             # --svg FILE keeps what it printed: a picture in docs/studio.md
"""

from __future__ import annotations

import re
from typing import Any

import typer
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

QUESTION = "What is the currency of the country whose capital is Vienna?"
MODES: Any = ["messages-tuple", "custom", "updates"]
MARGIN = 16


def main(url: str = "http://127.0.0.1:2024", question: str = QUESTION, other: str = "Peru", svg: str = "") -> None:
    """Walk through a question with the server at URL; OTHER is what a call is given instead."""
    screen = Console(record=bool(svg), width=112, highlight=False, soft_wrap=True)
    client = get_sync_client(url=url, api_key=None)

    screen.rule("a question, as it is worked on")
    thread = client.threads.create()["thread_id"]
    follow(screen, client, thread, input={"question": question})

    screen.rule("the same, from its last Retrieve on: another input")
    moments: Any = client.threads.get_history(thread, limit=100)
    pending = next(then for then in moments if then["next"] == ["executor"] and then["values"]["tool"] == "Retrieve")
    fork = client.threads.update_state(thread, {"argument": other}, checkpoint=pending["checkpoint"])
    follow(screen, client, thread, checkpoint=fork["checkpoint"])

    screen.rule("a new thread, on which every answer waits for a human")
    thread = client.threads.create()["thread_id"]
    follow(screen, client, thread, input={"question": question}, context={"approve_tools": ["Finish"]})
    decision = {"type": "edit", "edited_action": {"name": "Finish", "args": {"input": f"that of {other}"}}}
    follow(screen, client, thread, command={"resume": {"decisions": [decision]}})
    if svg:
        # Without the web font that rich names: a picture should ask nothing of the network.
        fonts = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
        screen.save_svg(svg, title="python docs/walk.py", code_format=fonts.sub("", CONSOLE_SVG_FORMAT))


def follow(screen: Console, client: SyncLangGraphClient, thread: str, **run: Any) -> None:
    """Print a run: tokens as they are said, what tools are asked and tell, where it waits or ends."""
    speaker = ""
    for part in client.runs.stream(thread, "autoact", stream_mode=MODES, **run):
        if part.event == "messages":
            token, about = part.data
            text = token["content"].replace("\n", "\n" + " " * MARGIN)
            if about["agent"] != speaker:
                speaker, text = about["agent"], text.lstrip()
                screen.print(f"\n{speaker:{MARGIN}}", style="bold", end="")
            screen.print(text, style="cyan", markup=False, end="")
        elif line := line_of(part.event, part.data):
            screen.print("\n" + line, style="dim", markup=False, end="")
    screen.print("\n")


def line_of(kind: str, data: Any) -> str:
    """What a custom event or an interrupt tells; nothing for other updates."""
    if kind == "updates" and "__interrupt__" in data:
        [call] = data["__interrupt__"][0]["value"]["action_requests"]
        return f"{'waits':{MARGIN}}{call['name']} ← {call['args']['input']}   approve, edit or reject?"
    if kind != "custom":
        return ""
    told = {"action": "{tool} ← {input}", "observation": "{observation}", "end": "{status}: {answer}"}[data["event"]]
    return f"{data['event']:{MARGIN}}{told.format_map(data)}"


if __name__ == "__main__":
    typer.run(main)
