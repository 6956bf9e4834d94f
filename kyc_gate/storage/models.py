"""Runs that said which model they make, as rows. Callers hold the transaction."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from kyc_gate.compute.registry import folded_name
from kyc_gate.model.run import DeclaredRun
from kyc_gate.storage.documents import read, written
from kyc_gate.storage.rows import Connection

_COUNTING = (
    "SELECT d.document, p.control_group, p.account FROM declared_runs AS d JOIN holds AS h ON h.id = d.hold_id"
    " JOIN holders AS p ON p.id = h.holder WHERE h.state IN ('held', 'settled')"
)


def declare(connection: Connection, run: DeclaredRun) -> None:
    """Note what a run makes; a retry of the same run says it anew."""
    connection.execute(
        "INSERT INTO declared_runs (hold_id, model, document) VALUES (?, ?, ?)"
        " ON CONFLICT (hold_id) DO UPDATE SET model = excluded.model, document = excluded.document",
        (run.hold_id, folded_name(run.model), written(run)),
    )


def declared_runs(
    connection: Connection, control_group: str | None = None, names: Sequence[str] | None = None
) -> tuple[DeclaredRun, ...]:
    """Return the runs of a control group that count and make one of the models; None means all of them.

    `names` are as `folded_name` gives them. The control group is the one that the runs stand under now.
    """
    sql, values = _COUNTING, []
    if control_group is not None:
        sql += " AND p.control_group = ?"
        values.append(control_group)
    if names is not None:
        sql += f" AND d.model IN ({', '.join('?' * len(names))})"
        values += names
    rows = connection.execute(f"{sql} ORDER BY h.held_at, d.hold_id", tuple(values)).fetchall()
    return tuple(
        replace(read(document, DeclaredRun), control_group=str(group), account=str(account))
        for document, group, account in rows
    )
