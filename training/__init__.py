"""The method: self-instruct, tool selection, synthesis, filtering, per-role examples, SFT – told in learn.py."""
