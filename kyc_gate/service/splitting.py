"""Signs that one run comes in pieces, as facts: what a request names, and what the ledger found about it."""

from __future__ import annotations

import hashlib
import re

from msgspec.structs import replace

from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.model.splitting import Pieces, SplittingFacts
from kyc_gate.model.usage import Usage

_KINDS = (
    ("checkpoint", ("checkpoint", "ckpt", "resume")),
    ("output", ("output",)),
    ("image", ("image", "container")),
    ("key", ("key", "ssh")),
    ("role", ("role", "service-account", "service_account")),
    ("user-data", ("user-data", "user_data", "startup")),
    ("name", ("job-name", "job_name", "name")),
)
"""Kinds of links by a word in the provider's name for them. Networks, markets and public data link nobody."""

_TELLING = ("checkpoint", "output", "key", "role", "user-data", "name", "image")
"""The kinds, what tells most first: of a request that names more than the ledger keeps, that is kept."""

_COUNTER = re.compile(r"(?:[-_. ]*[0-9a-f]*[0-9][0-9a-f]*)+\Z")
_SHORTEST_STEM = 5
"""Letters of a job's name without its counter; shorter ones (`job`, `test`) are everybody's."""


def links_of(request: ProvisioningRequest) -> tuple[tuple[str, str], ...]:
    """Return kind and digest of everything that the request names and that pieces of one run would share."""
    found = set()
    for name, value in request.linkage:
        kind = _kind(name)
        text = _stem(value) if kind == "name" else value.strip().rstrip("/")
        if kind and text:
            found.add((kind, hashlib.sha256(f"{kind}:{text}".encode("utf-8", "replace")).hexdigest()[:32]))
    return tuple(sorted(found, key=lambda link: (_TELLING.index(link[0]), link[1])))


def _kind(name: str) -> str | None:
    lowered = name.lower()
    return next((kind for kind, words in _KINDS if any(word in lowered for word in words)), None)


def _stem(name: str) -> str:
    """Return a job's name without the counter or date at its end."""
    stem = _COUNTER.sub("", name.strip().lower())
    return stem if len(stem) >= _SHORTEST_STEM else ""


def splitting_facts(usage: Usage | None, *, resolved: bool, asked: SplittingFacts | None = None) -> SplittingFacts:
    """Return what the ledger knows of pieces. Amounts of a request that could not be resolved are unknown.

    `asked` are these facts of a run that goes on as it was asked for: links and sums are told as they stand now, and
    how often requests before it resumed or kept near a line as it was then.
    """
    facts = _facts(usage, resolved=resolved)
    if asked is None:
        return facts
    return replace(
        facts,
        restarts=asked.restarts,
        near_runs=asked.near_runs,
        near_share=asked.near_share,
        evidence=tuple(dict.fromkeys((*facts.evidence, *asked.evidence))),
    )


def _facts(usage: Usage | None, *, resolved: bool) -> SplittingFacts:
    if usage is None or usage.pieces is None:
        return SplittingFacts(total=max(usage.total_likely, usage.likely) if usage and resolved else None)
    pieces = usage.pieces
    accounts = {account for link in pieces.linked for account in link.accounts}
    return SplittingFacts(
        linked_accounts=len(accounts),
        shared=tuple(sorted({link.kind for link in pieces.linked})),
        together=usage.likely + pieces.linked_operations if resolved else None,
        restarts=pieces.restarts,
        near_runs=pieces.near_runs,
        near_share=round(pieces.near / pieces.asked, 4) if pieces.asked else 0.0,
        total=usage.total_likely if resolved else None,
        evidence=_evidence(pieces),
    )


def _evidence(pieces: Pieces) -> tuple[str, ...]:
    """Return what a reviewer can look up: under which accounts, since when, and how many of how many requests."""
    shared = [f"{link.kind} shared with {', '.join(link.accounts)} since {link.since}" for link in pieces.linked]
    resumed = [
        f"{each.kind} of {each.runs} earlier requests of {', '.join(each.accounts)} since {each.since}"
        for each in pieces.resumed
    ]
    near = [
        f"{each.account} made {each.runs} of {pieces.asked_runs} earlier requests, "
        f"for 80 to 100 % of a line each, from {each.first} to {each.last}"
        for each in pieces.kept_near
    ]
    return (*shared, *resumed, *near)
