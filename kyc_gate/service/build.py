"""A configuration turned into the parts of a gate: files are read here, once, at start."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.adapters.generic import GenericAdapter
from kyc_gate.adapters.kubernetes.adapter import KubernetesAdapter
from kyc_gate.adapters.nebius import NebiusAdapter
from kyc_gate.adapters.neoclouds import NeocloudAdapter
from kyc_gate.adapters.oci import OCIAdapter
from kyc_gate.adapters.slurm.adapter import SlurmAdapter
from kyc_gate.errors import ConfigurationError, StorageFault
from kyc_gate.lists.read import ListReading, read_set
from kyc_gate.lists.snapshot import merge
from kyc_gate.model.listing import ListSnapshot
from kyc_gate.model.party import Account, Party
from kyc_gate.model.receiver import require_secret
from kyc_gate.places.ip_countries import IPCountries
from kyc_gate.service.config import Configuration, GenericSettings
from kyc_gate.service.inquiries import Inquiries
from kyc_gate.service.ip_file import read_ip_countries
from kyc_gate.service.list_keeper import ListKeeper
from kyc_gate.service.list_shelf import read_active
from kyc_gate.service.model_file import read_models
from kyc_gate.service.notifier import Notifier
from kyc_gate.service.oidc import OIDC
from kyc_gate.service.policy_keeper import PolicyKeeper
from kyc_gate.service.policy_source import read_policies
from kyc_gate.service.settings import settings_of
from kyc_gate.service.state import store_of
from kyc_gate.storage.gleif import GleifRegister
from kyc_gate.telemetry.sink import configure_logging

log = structlog.get_logger("kyc_gate")


def gate_parts(configuration: Configuration) -> dict[str, Any]:
    """Return what `Gate` is made of. Raises `ConfigurationError` or `PolicyError`, naming the file."""
    configure_logging(configuration.log.format)
    policies = read_policies(configuration, now=datetime.now(UTC))
    files = files_of(configuration)
    lists = read_active(configuration, files)
    if lists.problem is not None:
        log.error("lists.unreadable", error=lists.problem)
    return {
        "policies": policies.policies,
        "origin": policies.origin,
        "oidc": OIDC.of(configuration.access.oidc, configuration.path("")),
        "policy_keeper": PolicyKeeper(configuration, policies),
        "store": store_of(configuration),
        "adapters": adapters_of(configuration),
        "snapshot": lists.snapshot,
        "clocks": lists.clocks,
        "keeper": ListKeeper(configuration, files, lists),
        "parties": _records(configuration, configuration.directory.parties, Party),
        "register": register_of(configuration),
        "accounts": _records(configuration, configuration.directory.accounts, Account),
        "models": read_models(configuration.path(name) for name in configuration.compute.models),
        "ip_countries": ip_countries_of(configuration),
        "settings": settings_of(configuration),
        "notifier": notifier_of(configuration),
        "inquiries": inquiries_of(configuration),
    }


def inquiries_of(configuration: Configuration) -> Inquiries | None:
    """Return who is asked about references, None where nobody is. Raises `ConfigurationError`."""
    settings = configuration.aws.ask if configuration.aws is not None else None
    if settings is None:
        return None
    try:
        from kyc_gate.service.aws_desk import AWSDesk
    except ImportError as error:
        raise ConfigurationError(f"`aws.ask` needs the extra `botocore`: {error}") from error

    return Inquiries([AWSDesk(settings)], seconds=settings.seconds, keep=settings.keep_seconds)


def ip_countries_of(configuration: Configuration) -> IPCountries | None:
    """Return the operator's table of IP addresses, if there is one. Raises `ConfigurationError`."""
    name = configuration.directory.ip_countries
    return None if name is None else read_ip_countries(configuration.path(name))


def register_of(configuration: Configuration) -> GleifRegister | None:
    """Return the LEI register that is configured, or None. Raises `ConfigurationError` where it cannot be read."""
    if configuration.owners.gleif is None:
        return None
    try:
        return GleifRegister(configuration.path(configuration.owners.gleif))
    except StorageFault as error:
        raise ConfigurationError(f"`owners.gleif`: {error}") from error


def notifier_of(configuration: Configuration) -> Notifier:
    """Return what tells the receivers that are configured. Raises `ConfigurationError` for a secret that is none."""
    secrets = {}
    for receiver in configuration.notify.receivers:
        if receiver.secret_file is not None:
            file = configuration.path(receiver.secret_file)
            try:
                secrets[receiver.name] = file.read_text(encoding="ascii").strip()
                require_secret(receiver, secrets[receiver.name])
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"`notify.receivers`: {error}") from error
    return Notifier(configuration.notify.receivers, secrets=secrets, console=configuration.notify.console_url)


def files_of(configuration: Configuration) -> ListSnapshot | None:
    """Return the snapshot of the files under `lists.files`, or None without any. Raises `ConfigurationError`."""
    return snapshot_of([configuration.path(name) for name in configuration.lists.files])


def snapshot_of(paths: list[Path]) -> ListSnapshot | None:
    """Return the merged snapshot of the published files at `paths` (folders are searched), or None when there are none.

    Where a file does not say when it was published, its modification time stands for it.
    Raises `ConfigurationError` for a file that cannot be read or holds no entry.
    """
    files = {_label(file, paths): file for path in paths for file in _published(path)}
    if not files:
        return None
    readings = read_set({label: file.read_bytes() for label, file in files.items()})
    return merge([_dated(reading, files) for reading in readings])


def _label(file: Path, paths: list[Path]) -> str:
    """The file's name, with its folder where several folders are given."""
    return file.name if len(paths) == 1 else str(file)


def _published(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith((".", "README")))
    if not path.is_file():
        raise ConfigurationError(f"`lists.files`: there is no file `{path}`")
    return [path]


def _dated(reading: ListReading, files: dict[str, Path]) -> ListReading:
    """The reading with a time: what the file says, else when the oldest of its files was modified."""
    if reading.as_of is not None:
        return reading
    # A file of an archive is named `archive:file`.
    of = [file for label, file in files.items() if any(f"{each}:".startswith(f"{label}:") for each in reading.files)]
    modified = min(file.stat().st_mtime for file in of)
    return msgspec.structs.replace(reading, as_of=datetime.fromtimestamp(modified, UTC))


def adapters_of(configuration: Configuration) -> tuple[Adapter, ...]:
    """Return the adapters that are configured. Raises `ConfigurationError` for one that cannot be."""
    adapters: list[Adapter] = []
    if configuration.aws is not None:
        asking = configuration.aws.ask
        adapters.append(
            AWSAdapter(signatures=configuration.aws.signatures, asked_hosts=asking.hosts if asking is not None else ())
        )
    if configuration.gcp is not None:
        google = configuration.gcp
        adapters.append(GCPAdapter(tokens=google.tokens, hosts=google.hosts, numbers=google.numbers))
    if configuration.azure is not None:
        adapters.append(AzureAdapter(tokens=configuration.azure.tokens, hosts=configuration.azure.hosts))
    if configuration.oci is not None:
        adapters.append(OCIAdapter(signatures=configuration.oci.signatures, hosts=configuration.oci.hosts))
    if configuration.nebius is not None:
        adapters.append(NebiusAdapter(tokens=configuration.nebius.tokens, hosts=configuration.nebius.hosts))
    if (small := configuration.neoclouds) is not None:
        verified = small.keys == "upstream"
        adapters += [NeocloudAdapter(name, hosts=small.hosts, verified=verified) for name in small.providers]
    if configuration.kubernetes is not None and configuration.kubernetes.hosts:
        adapters.append(KubernetesAdapter(configuration.kubernetes))
    if configuration.slurm is not None and configuration.slurm.rest is not None:
        adapters.append(SlurmAdapter(configuration.slurm))
    if configuration.generic is not None:
        adapters.append(_generic(configuration.generic))
    return tuple(adapters)


def _generic(settings: GenericSettings) -> GenericAdapter:
    """Return the adapter for the platform's own API. Raises `ConfigurationError` for routes that contradict."""
    try:
        return GenericAdapter(
            settings.routes,
            account_header=settings.account_header,
            idempotency_header=settings.idempotency_header,
            harmless=settings.harmless,
        )
    except ValueError as error:
        raise ConfigurationError(f"`generic.routes`: {error}") from error


def _records(configuration: Configuration, names: tuple[str, ...], kind: type[Any]) -> tuple[Any, ...]:
    """Return the records of JSON-lines files. Raises `ConfigurationError` naming file, line and field."""
    records = []
    for name in names:
        file = configuration.path(name)
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read `{file}`: {error}") from error
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                records.append(_record(line, kind, f"`{file}` line {number}"))
    return tuple(records)


def _record(line: str, kind: type[Any], where: str) -> Any:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{where}: {error}") from error
