"""Offline examples that ship with the package; `autoact example NAME DIR` writes one out."""
