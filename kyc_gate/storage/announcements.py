"""What gates over one store tell each other: what is newest, by topic, as rows. Callers hold the transaction."""

from __future__ import annotations

from kyc_gate.storage.rows import Connection

Announced = dict[str, tuple[int, str]]
"""Version and value by topic. A version grows whenever the value changes."""


def announce(connection: Connection, topic: str, value: str, after: int) -> bool:
    """Write the newest value of a topic and return true, unless somebody announced since version `after` (0: none)."""
    written = connection.execute(
        "INSERT INTO announcements (topic, version, value) VALUES (?, 1, ?) ON CONFLICT (topic) DO UPDATE SET"
        " version = announcements.version + 1, value = excluded.value WHERE announcements.version = ?",
        (topic, value, after),
    )
    return written.rowcount == 1


def announced(connection: Connection) -> Announced:
    """Return every topic with its version and value."""
    rows = connection.execute("SELECT topic, version, value FROM announcements").fetchall()
    return {str(topic): (int(version), str(value)) for topic, version, value in rows}
