"""Where the gate keeps its state: the store that a configuration names. A command that asks it loads nothing else."""

from __future__ import annotations

from kyc_gate.errors import ConfigurationError
from kyc_gate.service.config import Configuration
from kyc_gate.storage.store import Store


def is_database(state: str) -> bool:
    """Return whether `gate.state` names a PostgreSQL database, and not a file."""
    return state.startswith(("postgresql://", "postgres://"))


def store_of(configuration: Configuration) -> Store:
    """Return the store that `gate.state` names. Raises `ConfigurationError` where its driver is not installed."""
    state = configuration.gate.state
    if not is_database(state):
        from kyc_gate.storage.sqlite import SqliteStore

        return SqliteStore(configuration.path(state))
    try:
        from kyc_gate.storage.postgres import PostgresStore
    except ImportError as error:
        raise ConfigurationError(f"`gate.state` names a PostgreSQL database: {error}") from error
    return PostgresStore(state)
