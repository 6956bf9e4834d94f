"""Fixtures that every room's tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import argon2
import pytest
from hypothesis import HealthCheck, settings
from memory import memory

from kyc_gate.service import access

# No test fails for the machine's being slow or for an unlucky draw: `make test-all` draws anew, `make test` the same.
settings.register_profile("same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("anew", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

LONG_SECONDS = 3600
"""How long a test may take that is marked `long`; the others have the limit of `pyproject.toml`."""

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def data_folder() -> Path:
    """The folder of published lists and labelled cases beside the project; `KYC_GATE_TEST_DATA` names another."""
    return Path(os.environ.get("KYC_GATE_TEST_DATA", _BESIDE))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """`data_folder()`, where it exists."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"the published lists and labelled cases are not at {folder}; set KYC_GATE_TEST_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[Callable[[], argon2.PasswordHasher]]:
    """Return what makes the hasher of passwords. In tests one stands in that takes no tenth of a second for each."""
    light = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    real = access._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "_hasher", lambda: light)
        yield real


def pytest_configure() -> None:
    """Keep the files of tests in memory where there is room: most of what a store's test waits for is the disk."""
    if folder := memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give long tests their own limit, and have those that share a browser run first.

    Of processes that share the tests, each begins with a stretch of its own: so one of them has the browser.
    """
    items.sort(key=lambda item: "browser" not in item.path.parts)
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


def pytest_collection_finish() -> None:
    """Look for rubbish in what tests make, and not each time through the thousands of tests themselves."""
    gc.collect()
    gc.freeze()
