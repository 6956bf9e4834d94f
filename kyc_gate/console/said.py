"""What a page says after a form was sent. An address names it, and cannot make a page say anything else."""

from __future__ import annotations

DONE = {
    "nothing-waits": "No case waits for you: what is open belongs to others or to your own customer.",
}


def said(name: str) -> str:
    """Return what `name` stands for; nothing for whatever is not in the table."""
    return DONE.get(name, "")
