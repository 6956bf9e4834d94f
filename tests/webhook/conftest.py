"""A cluster in front of a real gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .cluster import Cluster, open_gate


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    gate = await open_gate(tmp_path)
    yield Cluster(gate)
    await gate.close()
