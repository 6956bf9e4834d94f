"""A gate with people of each kind, and a console over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api.browser import PASSWORD, PLAIN, ROOT
from gates import make_gate

from kyc_gate import Gate

PEOPLE = (("ana", "analyst"), ("bo", "approver"), ("vi", "viewer"), ("serv", "service"))


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    """A gate where two people decide; `own` belongs to the customer of `acct-emirate`."""
    async with make_gate(tmp_path, four_eyes=True, **PLAIN) as gate:
        for name, role in PEOPLE:
            await gate.access.add(ROOT, name, [role], password=PASSWORD)
        await gate.access.add(ROOT, "own", ["approver"], password=PASSWORD, parties=["emirate"])
        yield gate
