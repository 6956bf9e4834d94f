"""A PostgreSQL server of our own: an unprivileged process over a folder and a socket that go away with the tests."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

USER = "kyc"


def programs() -> Path | None:
    """Where initdb and postgres are: on the path, or in Debian's folders, the newest release first."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: each.parent.name, reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Server:
    """A server. `stop` and `start` may be called in the middle of anything."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        # The server refuses to run as root; any other user will do.
        self._as: dict[str, Any] = (
            {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        )
        if self._as:
            shutil.chown(folder, "nobody", "nogroup")

    def make(self) -> None:
        """Make the files."""
        self._run("initdb", "-D", str(self.folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=60"
        self._control("start", "-w", "-o", options, "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop: `immediate` aborts without a shutdown, as a crash does."""
        self._control("stop", "-w", "-m", mode)

    def url(self, schema: str | None = None) -> str:
        """The address of the database, or of one schema in it."""
        options = f"&options=-csearch_path%3D{schema}" if schema else ""
        return f"postgresql://{USER}@/postgres?host={self.folder}{options}"

    def schema(self) -> str:
        """Make an empty schema, and return its address."""
        import psycopg

        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return self.url(name)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            **self._as,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.decode(errors='replace')[-500:]}")


@contextlib.contextmanager
def server(parent: str | None = None) -> Iterator[Server]:
    """Run a server over a folder in `parent`; skip where there is none to run."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed and `make` could not install it: apt-get install postgresql")
    # A socket's path has room for some hundred bytes.
    with tempfile.TemporaryDirectory(prefix="kyc", dir=parent or "/tmp") as name:  # noqa: S108 - a name of its own
        made = Server(Path(name), found)
        made.make()
        made.start()
        try:
            yield made
        finally:
            with contextlib.suppress(RuntimeError):
                made.stop("immediate")
