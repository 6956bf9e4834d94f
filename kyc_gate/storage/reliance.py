"""What a decision takes for granted, looked at once more where it is written.

INVARIANT: names are forgotten, and runs ended, in the order of writing that decisions stand in. So what is found
unchanged here was changed by no call that the gate passed on before this decision.
"""

from __future__ import annotations

from kyc_gate.errors import Superseded
from kyc_gate.model.relied import Relied
from kyc_gate.storage.directory import ALL, reference_of
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.runs import runs_named


def require_unchanged(connection: Connection, relied: Relied) -> None:
    """Pass what still stands as it was read. Raises `Superseded` for what does not. Callers hold the writing lock."""
    for each in relied.learned:
        if reference_of(connection, relied.provider, relied.account, each.kind, each.id) != each.lines:
            raise _superseded(f"{each.kind}:{each.id}")
    for name in relied.asked:
        if _changed_since(connection, relied, name):
            raise _superseded(name)
    if relied.runs:
        going = {run.hold_id for run in runs_named(connection, f"{relied.provider}:{relied.account}", relied.replaces)}
        if not going.issuperset(relied.runs):
            raise _superseded(relied.replaces)


def _changed_since(connection: Connection, relied: Relied, name: str) -> bool:
    kind, _, id = name.partition(":")
    row = connection.execute(
        "SELECT 1 FROM learned WHERE provider = ? AND account = ? AND kind = ? AND id IN (?, ?) AND serial > ? LIMIT 1",
        (relied.provider, relied.account, kind, id, ALL, relied.serial),
    ).fetchone()
    return row is not None


def _superseded(name: str) -> Superseded:
    return Superseded(f"`{name}` changed while the call was decided; send it again")
