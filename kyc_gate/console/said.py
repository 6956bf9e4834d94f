"""What a page says after a form was sent. An address names it, and cannot make a page say anything else."""

from __future__ import annotations

DONE = {
    "take": "The case is yours.",
    "assign": "The case is assigned.",
    "put-back": "The case is back in the queue.",
    "note": "The note is kept.",
    "link": "The link is kept.",
    "attach": "The file is kept with the case.",
    "propose": "It is proposed: another person decides.",
    "withdraw": "The proposal is withdrawn.",
    "approve": "The case is approved. The customer may send the same request again.",
    "reject": "The case is rejected.",
    "revoke": "What was left of the grant is taken back.",
    "end-clearance": "The clearance has ended: the pair counts again from the next decision on.",
    "nothing-waits": "No case waits for you: what is open belongs to others or to your own customer.",
}


def said(name: str) -> str:
    """Return what `name` stands for; nothing for whatever is not in the table."""
    return DONE.get(name, "")
