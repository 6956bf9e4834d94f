"""A gate with people of each kind, and a console over it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import argon2
import pytest
from api.browser import PASSWORD, PLAIN, Browser
from gates import make_gate

from kyc_gate import Gate
from kyc_gate.model.access import Person, Role

PEOPLE = (
    Person(id="ana", roles=(Role.ANALYST,)),
    Person(id="bo", roles=(Role.APPROVER,)),
    Person(id="vi", roles=(Role.VIEWER,)),
    Person(id="serv", roles=(Role.SERVICE,)),
    Person(id="own", roles=(Role.APPROVER,), parties=("emirate",)),
)
"""`own` belongs to the customer of `acct-emirate`."""


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    """A gate where two people decide."""
    async with make_gate(tmp_path, four_eyes=True, **PLAIN) as gate:
        await with_people(gate)
        yield gate


async def with_people(gate: Gate) -> None:
    """Put the people on file, all with the one password."""
    for person in PEOPLE:
        filed = Person(id=person.id, roles=person.roles, parties=person.parties, password=_hashed())
        await gate.store.add_person(filed, step={"type": "person.added", "at": gate.now().isoformat()})


async def enter(gate: Gate, **browsers: Browser) -> None:
    """Have each browser hold a session of the person whom it is named for, as after signing in."""
    for name, browser in browsers.items():
        person = await gate.store.fetch_person(name)
        assert person is not None
        begun = await gate.access.begin(person)
        browser.session.cookie_jar.update_cookies({"kyc_session": begun.token})
        browser.csrf = begun.session.csrf


@cache
def _hashed() -> str:
    """Return the password's hash: made once, since each takes 64 MiB and a tenth of a second."""
    return argon2.PasswordHasher().hash(PASSWORD)
