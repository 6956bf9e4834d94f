"""A folder in memory, for what tests write and flush thousands of times: no process that dies loses it."""

from __future__ import annotations

import os
import shutil

_FOLDER = "/dev/shm"  # noqa: S108 - what is made in it has a name of its own
_ROOM = 2**31
"""Bytes that must be free: a container often has 64 MB there."""


def memory() -> str | None:
    """Where files live in memory, or None where the system has no such folder, or too little room in it."""
    usable = os.path.isdir(_FOLDER) and os.access(_FOLDER, os.W_OK) and shutil.disk_usage(_FOLDER).free >= _ROOM
    return _FOLDER if usable else None
