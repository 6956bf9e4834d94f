"""A gate with the shipped policies, real lists, a real store and a directory of several countries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from kyc_gate.lists.read import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.job import Accelerators, Caller, ProvisioningRequest, RequestKind, Workload
from kyc_gate.model.listing import ListEntry, ListSnapshot
from kyc_gate.model.party import Account, Owner, Party, PartyKind, UltimateParent
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.gate import Gate
from kyc_gate.service.settings import Settings
from kyc_gate.storage.sqlite import SqliteStore

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def company(id: str, country: str, **more: object) -> Party:
    """A company that is its own ultimate parent, wholly on file."""
    fields: dict[str, object] = {
        "name": f"{id.title()} Computing",
        "location": country,
        "headquarters": country,
        "ultimate_parent": UltimateParent(is_self=True),
        "owners": (),
        "military_end_use": False,
        "wmd_end_use": False,
        "verified": True,
    }
    return Party(id=id, kind=PartyKind.COMPANY, **{**fields, **more})  # type: ignore[arg-type]


PARTIES = (
    company("norge", "Norway"),
    company("emirate", "United Arab Emirates"),
    company("harbin", "China", military_end_use=True),
    company("front", "Singapore", ultimate_parent=UltimateParent(party_id="harbin")),
    *(
        company(f"split{number}", "Brazil", ultimate_parent=UltimateParent(name="Rio Holding", headquarters="Brazil"))
        for number in range(3)
    ),
    company("owned", "Norway", owners=(Owner(name="Sealed Machinery Works", share=Decimal("0.5")),)),
    company("listed", "Norway", name="Sealed Machinery Works"),
)
ACCOUNTS = tuple(Account(provider="generic", id=f"acct-{party.id}", party_id=party.id) for party in PARTIES)


@pytest.fixture(scope="session")
def snapshot() -> ListSnapshot:
    """One SDN, published now."""
    entry = ListEntry(list="SDN", id="1", name="Sealed Machinery Works", kind=PartyKind.COMPANY)
    return merge([ListReading(name="sample", format="test", entries=(entry,), problems=(), as_of=NOW)])


PATIENT = Settings(decision_seconds=10.0)
"""No test of what is decided fails for the machine's being slow; those of the deadline set their own."""


class ClockedGate(Gate):
    """A gate whose clock stands still, so that lists do not age during a test."""

    def now(self) -> datetime:
        return NOW


MakeGate = Callable[..., Gate]


@pytest.fixture
def make_gate(tmp_path: Path, snapshot: ListSnapshot) -> MakeGate:
    """Return a function that makes a gate over the store of this test."""

    def make(**more: object) -> Gate:
        policies = tuple(read_policy(shipped_policies() / name) for name in ("us-in-force", "us-ai-diffusion"))
        parts: dict[str, object] = {
            "policies": policies,
            "store": SqliteStore(tmp_path / "gate.db", deadline_seconds=10.0),
            "snapshot": snapshot,
            "parties": PARTIES,
            "accounts": ACCOUNTS,
            "settings": PATIENT,
        }
        return ClockedGate(**{**parts, **more})  # type: ignore[arg-type]

    return make


@pytest.fixture
async def gate(make_gate: MakeGate) -> AsyncIterator[Gate]:
    """An open gate."""
    async with make_gate() as gate:
        yield gate


def training(party: str, *, chips: int = 8, hours: int = 24, **more: object) -> ProvisioningRequest:
    """A request to train on H100s for the account of `party`."""
    fields: dict[str, object] = {
        "provider": "generic",
        "service": "training",
        "operation": "CreateJob",
        "kind": RequestKind.SUBMIT,
        "lines": (Accelerators(model="H100 SXM", count=chips),),
        "duration_seconds": hours * 3600,
        "workload": Workload.PRE_TRAINING,
        "caller": Caller(account=f"acct-{party}", verified=True, how="header"),
        "fingerprint": f"{party}-{chips}-{hours}",
    }
    return ProvisioningRequest(**{**fields, **more})  # type: ignore[arg-type]
