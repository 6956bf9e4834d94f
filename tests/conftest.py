"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
