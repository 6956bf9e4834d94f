"""The store that a configuration names, opened for one command."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kyc_gate.errors import InputError
from kyc_gate.service.config import Configuration, read_configuration
from kyc_gate.service.state import is_database, store_of
from kyc_gate.storage.store import Store


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `--config`."""
    parser.add_argument("--config", metavar="FILE", required=True, help="the configuration file, such as kyc-gate.toml")


@asynccontextmanager
async def opened_store(config: str | Path, *, create: bool = False) -> AsyncIterator[tuple[Configuration, Store]]:
    """Yield the configuration at `config` and its store, open.

    Raises `InputError` when there is no store yet and `create` is false: a question must not make an empty one.
    """
    configuration = read_configuration(config)
    file = configuration.path(configuration.gate.state)
    if not create and not is_database(configuration.gate.state) and not file.exists():
        raise InputError(f"`{file}` (`gate.state`) does not exist; `kyc-gate serve` makes it")
    store = store_of(configuration)
    await store.open()
    try:
        yield configuration, store
    finally:
        await store.close()
