"""A real gate for the doors' tests: shipped policies, a store in a file, a list, and three parties."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from kyc_gate import Gate
from kyc_gate.adapters.adapter import Adapter
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.generic_route import GenericFields, GenericRoute
from kyc_gate.lists.reading import ListReading
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.case_steps import Move, Step
from kyc_gate.model.listing import ListEntry
from kyc_gate.model.party import Account, Party, PartyKind, UltimateParent
from kyc_gate.ownership.control_groups import control_group
from kyc_gate.policy.read import read_policy, shipped_policies
from kyc_gate.service.settings import Settings
from kyc_gate.storage.sqlite import SqliteStore
from kyc_gate.storage.store import CaseQuery

PATH = "/v1/training-jobs"
ROUTE = GenericRoute(
    operation="CreateTrainingJob",
    path=PATH,
    fields=GenericFields(accelerator="gpu", count="gpus", duration_hours="hours"),
    other_fields=("name",),
)
OTHER = GenericRoute(operation="CreateCluster", path="/moved", fields=ROUTE.fields, other_fields=("name",))


def company(id: str, country: str, *, military: bool = False) -> Party:
    return Party(
        id=id,
        name=f"{id.title()} Computing",
        kind=PartyKind.COMPANY,
        location=country,
        headquarters=country,
        ultimate_parent=UltimateParent(is_self=True),
        owners=(),
        military_end_use=military,
        wmd_end_use=False,
        verified=True,
    )


AWS_ACCOUNTS = {"norge": "111111111111", "emirate": "222222222222", "harbin": "333333333333"}
PARTIES = (
    company("norge", "Norway"),
    company("emirate", "United Arab Emirates"),
    company("harbin", "China", military=True),
)


def make_gate(folder: Path, *, adapters: tuple[Adapter, ...] = (), **settings: object) -> Gate:
    """A gate that guards `POST /v1/training-jobs`, with the customer in `x-account`: allowed is `acct-norge`, blocked
    `acct-harbin`, and held is `acct-emirate` for a large job and `acct-nobody` for any.

    With `adapters`, those too; each party has an account of them by the name in `AWS_ACCOUNTS`.
    """
    entry = ListEntry(list="SDN", id="1", name="Sealed Machinery Works", kind=PartyKind.COMPANY)
    return Gate(
        policies=tuple(read_policy(shipped_policies() / name) for name in ("us-in-force", "us-ai-diffusion")),
        store=SqliteStore(folder / "gate.db", deadline_seconds=10.0),
        adapters=(
            GenericAdapter((ROUTE, OTHER), account_header="x-account", idempotency_header="Idempotency-Key"),
            *adapters,
        ),
        snapshot=merge(
            [ListReading(name="test list", format="test", entries=(entry,), problems=(), as_of=datetime.now(UTC))]
        ),
        parties=PARTIES,
        accounts=tuple(
            Account(provider=provider, id=id, party_id=party.id)
            for party in PARTIES
            for provider, id in (
                ("generic", f"acct-{party.id}"),
                *((adapter.name, AWS_ACCOUNTS[party.id]) for adapter in adapters),
            )
        ),
        settings=Settings(**{"decision_seconds": 10.0, "refusal_seconds": 0.0, **settings}),  # type: ignore[arg-type]
    )


def job(gpus: int = 8, hours: int = 24, **more: object) -> bytes:
    return json.dumps({"gpu": "H100 SXM", "gpus": gpus, "hours": hours, **more}).encode()


async def used(gate: Gate, party: str) -> int:
    """Operations that are held or settled for the party's control group, in tera-operations."""
    parties = {each.id: each for each in PARTIES}
    group = control_group(parties[party], parties, None)
    usage = await gate.store.fetch_usage(group, datetime(2020, 1, 1, tzinfo=UTC))
    return 0 if usage is None else usage.likely // 10**12


async def approve_waiting(gate: Gate) -> None:
    """Approve the one case that waits."""
    (case,) = await gate.store.fetch_cases(CaseQuery(state="open"))
    await approve(gate, case.id)


async def approve(gate: Gate, case_id: str) -> None:
    """Approve a case for whatever it asks, for an hour: one person proposes it, another approves."""
    at = datetime.now(UTC)
    for step, by in ((Step.PROPOSE, "paul"), (Step.APPROVE, "rita")):
        proposes = Step.APPROVE if step is Step.PROPOSE else None
        await gate.store.move_case(
            case_id, Move(step=step, by=by, at=at, note="known", proposes=proposes, grant_hours=1.0)
        )
