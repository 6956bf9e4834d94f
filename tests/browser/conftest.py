"""One Chromium and one gate for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install 'kyc-gate[test]'")

from playwright.sync_api import Browser

from .chrome import Visitor, chromium, launched, visitor
from .world import World, world


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, which ends with the last test of the folder: beside its driver no other loop can run."""
    path = chromium()
    if path is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    with launched(path) as started:
        yield started


@pytest.fixture(scope="package")
def gate(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gate before a cloud."""
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def comes(browser: Browser, gate: World) -> Iterator[Callable[..., Visitor]]:
    """Somebody comes with a browser of their own. Whoever came, no page of theirs broke or asked another host."""
    with ExitStack() as stack:
        came: list[Visitor] = []

        def comes(**of: Any) -> Visitor:
            came.append(stack.enter_context(visitor(browser, gate.console, **of)))
            return came[-1]

        yield comes
        for each in came:
            assert each.faults == []
            assert each.elsewhere == []


@pytest.fixture
def folder(gate: World) -> Path:
    """The folder of the gate's configuration."""
    return gate.config.parent
