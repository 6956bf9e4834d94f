"""The policies that a configuration names, read whole: from folders, or from a signed bundle."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from kyc_gate.decide.cases import run_cases
from kyc_gate.errors import ConfigurationError, FeedFault, KYCGateError, PolicyError
from kyc_gate.feeds.policy_bundle import PolicyBundle, read_policy_bundle, require_signers, unpacked
from kyc_gate.model.record import Record
from kyc_gate.policy.composition import check_composition
from kyc_gate.policy.policy import Policy
from kyc_gate.policy.read import folders_read, read_policy, shipped_policies
from kyc_gate.service.active_policies import Origin
from kyc_gate.service.config import Configuration

Stamp = tuple[tuple[str, int, int, int], ...]
"""Path, size, inode and time of change of every file that policies are read from."""


class ReadPolicies(Record):
    """Policies as they were read, where they came from, and the bundle where it was one.

    `folders` are what `gate.policies` names, found once: a folder that is taken away must not make way for a shipped
    one of the same name. `stamp` tells whether a file changed since.
    """

    policies: tuple[Policy, ...]
    origin: Origin
    folders: tuple[Path, ...] = ()
    stamp: Stamp = ()
    bundle: PolicyBundle | None = None


def policy_folder_named(name: str, configuration: Configuration) -> Path:
    """Return the folder `name`, beside the configuration or shipped. Raises `ConfigurationError`."""
    beside = configuration.path(name)
    folder = beside if beside.is_dir() else shipped_policies() / name
    if not folder.is_dir():
        shipped = ", ".join(
            sorted(each.name for each in shipped_policies().iterdir() if (each / "policy.toml").is_file())
        )
        raise ConfigurationError(
            f"`gate.policies`: no folder `{beside}` and no shipped policy `{name}`; shipped: {shipped}"
        )
    return folder


def policy_named(name: str, configuration: Configuration) -> Policy:
    """Return the policy in the folder `name`, beside the configuration or shipped under that name."""
    return read_policy(policy_folder_named(name, configuration))


def policies_of(configuration: Configuration) -> tuple[Policy, ...]:
    """Return the configured policies in their order, as a gate would start with them. Raises `KYCGateError`."""
    return read_policies(configuration, cases=False).policies


def read_policies(
    configuration: Configuration,
    *,
    folders: tuple[Path, ...] | None = None,
    cases: bool = True,
    now: datetime | None = None,
) -> ReadPolicies:
    """Return the configured policies. Raises `KYCGateError` for anything that must keep them from deciding.

    `folders` are those that `gate.policies` was found to name. With `cases`, every case beside a policy must pass; the
    shipped policies passed theirs before they were shipped. With `now`, a bundle that is not effective yet is refused.
    Files that change while they are read are read again.
    """
    for _ in range(5):
        try:
            found = _read(configuration, folders, cases=cases, now=now)
            check_composition(found.policies)
        except OSError as error:
            raise PolicyError([f"`{error.filename}`: {(error.strerror or str(error)).lower()}"]) from error
        if stamp_of(places_of(configuration, found.folders)) == found.stamp:
            return found
    raise PolicyError(["the policies changed again and again while they were read"])


def _read(
    configuration: Configuration, folders: tuple[Path, ...] | None, *, cases: bool, now: datetime | None
) -> ReadPolicies:
    settings = configuration.policy
    if settings.bundle is None:
        if folders is None:
            folders = tuple(policy_folder_named(name, configuration) for name in configuration.gate.policies)
        stamp = stamp_of(places_of(configuration, folders))
        if cases:
            for folder in folders:
                if not folder.is_relative_to(shipped_policies()):
                    require_cases(folder)
        policies = tuple(read_policy(folder) for folder in folders)
        return ReadPolicies(policies=policies, origin=Origin(), folders=folders, stamp=stamp)
    stamp = stamp_of(places_of(configuration, ()))
    bundle = read_policy_bundle(configuration.path(settings.bundle).read_bytes())
    signers = checked(bundle, configuration, now=now)
    return ReadPolicies(
        policies=bundled_policies(bundle, cases=cases),
        origin=Origin(digest=bundle.digest, version=bundle.manifest.version, signers=signers),
        stamp=stamp,
        bundle=bundle,
    )


def checked(bundle: PolicyBundle, configuration: Configuration, *, now: datetime | None) -> tuple[str, ...]:
    """Return who signed the bundle. Raises `FeedFault` where too few known keys did, or before it is effective."""
    settings = configuration.policy
    effective = bundle.manifest.effective
    if now is not None and effective is not None and now < effective:
        raise FeedFault(f"bundle {bundle.manifest.version} is effective from {effective:%Y-%m-%d %H:%M %Z} on")
    if settings.unsafe_unsigned and not settings.keys:
        return ()
    return require_signers(bundle, settings.keys, settings.signatures)


def bundled_policies(bundle: PolicyBundle, *, cases: bool = True) -> tuple[Policy, ...]:
    """Return the policies that a bundle holds. Raises `PolicyError` for a problem, and for a case that fails."""
    with unpacked(bundle) as root:
        folders = [root / name for name in bundle.manifest.policies]
        if cases:
            for folder in folders:
                require_cases(folder)
        return tuple(read_policy(folder) for folder in folders)


def require_cases(folder: Path) -> None:
    """Raise `PolicyError` that names each case beside the policy that does not pass."""
    if not any(folder.glob("*.cases.toml")):
        return
    failed = [str(result) for result in run_cases(folder) if not result.passed]
    if failed:
        raise PolicyError([f"policy `{folder.name}`: {line}" for line in failed])


# Files


def places_of(configuration: Configuration, folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the bundle's file, or every folder that the policies in `folders` are read from, as far as it is there."""
    if configuration.policy.bundle is not None:
        return (configuration.path(configuration.policy.bundle),)
    found: list[Path] = []
    for folder in folders:
        try:
            found += folders_read(folder)
        except KYCGateError:
            found.append(folder)
    return tuple(dict.fromkeys(found))


def places_of_shadow(named: Iterable[Path]) -> tuple[Path, ...]:
    """Return every folder that a candidate is read from, or its bundle."""
    return tuple(
        dict.fromkeys(each for place in named for each in (folders_read(place) if place.is_dir() else (place,)))
    )


def stamp_of(places: Iterable[Path]) -> Stamp:
    """Return what tells whether a file in `places` changed; a file that is gone is left out."""
    return tuple(_stamps(files_in(places)))


def files_in(places: Iterable[Path]) -> list[Path]:
    """Return the policy files in `places`: a bundle itself, and what is in a folder."""
    return sorted({file for place in places for file in (place.glob("*.toml") if place.is_dir() else (place,))})


def _stamps(files: Iterable[Path]) -> Iterator[tuple[str, int, int, int]]:
    for file in files:
        try:
            found = file.stat()
        except OSError:
            continue
        yield str(file), found.st_size, found.st_ino, found.st_mtime_ns


def writable_by_anybody(places: Iterable[Path]) -> tuple[str, ...]:
    """Return the policy files in `places`, and their folders, that every account of the machine may write."""
    files = files_in(places)
    return tuple(sorted(str(each) for each in {*files, *(file.parent for file in files)} if _anybody(each)))


def _anybody(place: Path) -> bool:
    try:
        mode = place.stat().st_mode
    except OSError:
        return False
    # In a sticky folder, such as the system's own for temporary files, nobody can replace another's file.
    sticky = stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)
    return bool(mode & stat.S_IWOTH) and not sticky
