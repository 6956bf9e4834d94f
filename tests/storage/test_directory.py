"""The directory and the references come back as they were saved."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from kyc_gate.model.job import Accelerators
from kyc_gate.model.learned import Learned
from kyc_gate.model.party import Account, Alias, Owner, Party, PartyKind, UltimateParent
from kyc_gate.storage import directory
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.rowstore import RowStore
from tests.storage.samples import NOW, OPERATIONS, hold_request


@pytest.fixture
def store(any_store: RowStore) -> RowStore:
    """Every behaviour here is proved on each engine."""
    return any_store


KESTREL = Party(
    id="kestrel",
    name="Kestrel Compute AS",
    aliases=(Alias(name="凯斯特", weak=True), Alias(name="\ud800")),
    kind=PartyKind.COMPANY,
    headquarters="Norway",
    ultimate_parent=UltimateParent(is_self=True),
    owners=(Owner(name="Lark Holding", share=Decimal("0.333333333333333333"), listed_on=("sdn",)),),
    reseller=False,
)
LARK = Party(id="lark", name="Lark Holding")


async def test_parties_come_back_as_they_were(store: RowStore) -> None:
    """Every field of a party is kept, shares exactly."""
    await store.save_directory([LARK, KESTREL], [])
    assert await store.fetch_party("kestrel") == KESTREL
    assert await store.fetch_parties() == (KESTREL, LARK)
    assert await store.fetch_party("nobody") is None


async def test_saving_again_replaces(store: RowStore) -> None:
    """The newest word on a party or account stands, and the others stay."""
    await store.save_directory([KESTREL, LARK], [Account(provider="aws", id="1", party_id="kestrel")])
    renamed = Party(id="lark", name="Lark Group")
    await store.save_directory([renamed], [Account(provider="aws", id="1", party_id="lark")])
    assert await store.fetch_parties() == (KESTREL, renamed)
    account = await store.fetch_account("aws", "1")
    assert account is not None
    assert account.party_id == "lark"


@pytest.mark.parametrize(
    ("provider", "id", "party"),
    [
        pytest.param("aws", "1", "own", id="its-own"),
        pytest.param("gcp", "1", "any", id="any-provider"),
        pytest.param("gcp", "2", None, id="none"),
        pytest.param("*", "1", "any", id="star-itself"),
    ],
)
async def test_an_account_of_any_provider_stands_in(store: RowStore, provider: str, id: str, party: str | None) -> None:
    """The provider's own account goes first, then the one on file for any provider."""
    await store.save_directory(
        [], [Account(provider="*", id="1", party_id="any"), Account(provider="aws", id="1", party_id="own")]
    )
    account = await store.fetch_account(provider, id)
    assert (account.party_id if account else None) == party


async def test_a_large_directory_is_saved_and_read_in_parts(store: RowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parties there are, no transaction has more than its part, so that each fits the deadline."""
    parties = [Party(id=f"party-{number:05}", name=f"Party {number}") for number in range(10_000)]
    written, read = [], []
    save, after = directory.save_parties, directory.parties_after

    def saved(connection: Connection, some: Sequence[Party]) -> None:
        written.append(len(some))
        save(connection, some)

    def page(*asked: Any) -> directory.KnownParties:
        found = after(*asked)
        read.append(len(found))
        return found

    monkeypatch.setattr(directory, "save_parties", saved)
    monkeypatch.setattr(directory, "parties_after", page)
    await store.save_directory(iter(parties), ())
    assert await store.fetch_parties() == tuple(parties)
    assert (set(written), sum(written)) == ({200}, 10_000)
    assert (max(read), sum(read)) == (directory.PARTIES_AT_ONCE, 10_000)


async def test_a_party_that_did_not_change_is_the_same_object(store: RowStore) -> None:
    """Only rows that changed are decoded again; what was added, changed or taken away between two readings shows."""
    await store.save_directory([KESTREL, LARK], ())
    kestrel, lark = await store.fetch_parties()
    renamed, added = replace(LARK, name="Lark Anew"), Party(id="zebra", name="Zebra")
    await store.save_directory([renamed, added], ())
    again = await store.fetch_parties()
    assert again == (kestrel, renamed, added)
    assert again[0] is kestrel
    assert again[1] is not lark


async def test_a_reference_stands_for_its_lines_in_its_account(store: RowStore) -> None:
    """What one account's traffic taught is not known in another's; the newest lesson stands."""
    first = Learned(kind="launch-template", id="lt-1", lines=(Accelerators(count=8, instance_type="p5.48xlarge"),))
    second = Learned(kind="launch-template", id="lt-1", lines=(Accelerators(count=9, model="H100"),))
    await store.save_learned("aws", "1", [first])
    await store.save_learned("aws", "1", [second])
    assert await store.fetch_learned("aws", "1", "launch-template", "lt-1") == second.lines
    assert await store.fetch_learned("aws", "2", "launch-template", "lt-1") is None
    assert await store.fetch_learned("gcp", "1", "launch-template", "lt-1") is None
    assert await store.fetch_learned("aws", "1", "instance", "lt-1") is None


async def test_a_reference_tells_whose_it_is(store: RowStore) -> None:
    """A name that one account taught is that account's; one that two taught, or none, is nobody's."""
    line = (Accelerators(count=1, model="H100"),)
    await store.save_learned("nebius", "1", [Learned(kind="instance", id=id, lines=line) for id in ("a", "b")])
    await store.save_learned("nebius", "2", [Learned(kind="instance", id="b", lines=line)])
    assert await store.fetch_owner("nebius", "instance", "a") == "1"
    assert await store.fetch_owner("nebius", "instance", "b") is None
    assert await store.fetch_owner("nebius", "job", "a") is None
    assert await store.fetch_owner("oci", "instance", "a") is None


async def test_accounts_that_tie_parties_together(store: RowStore) -> None:
    """Accounts with a payer, an address or a card are told apart from all others, in a fixed order."""
    plain = Account(provider="aws", id="1", party_id="lark")
    tied = [
        Account(provider="aws", id="2", party_id="lark", payer_party_id="kestrel"),
        Account(provider="aws", id="3", party_id="lark", email="a@example.com"),
        Account(provider="gcp", id="1", party_id="lark", card_token="tok_1"),
    ]
    await store.save_directory([], [plain, *reversed(tied)])
    assert await store.fetch_tied_accounts() == tuple(tied)


async def test_usage_follows_parties_into_their_group(store: RowStore) -> None:
    """What several parties used, through whatever account, counts for the group that they are found to be."""
    for party in ("lark", "kestrel"):
        await store.hold(hold_request(party_id=party, account=f"aws:{party}", control_group=f"party:{party}"))
    await store.join_group(["kestrel", "lark", "nobody"], "group:both")
    usage = await store.fetch_usage("group:both", NOW)
    assert usage is not None
    assert usage.likely == 2 * OPERATIONS
    alone = await store.fetch_usage("party:lark", NOW)
    assert alone is None or alone.likely == 0
