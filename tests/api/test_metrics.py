"""`/metrics`, read by Prometheus' own parser."""

from __future__ import annotations

import json
import math
import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import yaml
from gates import make_gate
from prometheus_client.parser import text_string_to_metric_families
from wire import served

from kyc_gate import Gate
from kyc_gate.api.app import api_app
from kyc_gate.audit.checkpoint import new_signer
from kyc_gate.errors import NotReady
from kyc_gate.model.job import ProvisioningRequest, RequestKind
from kyc_gate.model.receiver import Receiver
from kyc_gate.service.notifier import Notifier
from tests.feeds.publisher import companies, lines, pulled

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(gate: Gate) -> Samples:
    """Return every sample that a scrape without a token finds."""
    async with (
        served(api_app(gate, [])) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.get("/metrics") as answer,
    ):
        assert answer.status == 200
        text = await answer.text()
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample."""
    return samples[name, frozenset(labels.items())]


async def test_the_age_of_every_list_is_scraped(tmp_path: Path) -> None:
    """Each list has an age, and the gate says that it is ready and which snapshot it uses."""
    async with make_gate(tmp_path) as gate:
        samples = await scraped(gate)
        assert gate.snapshot is not None
        assert of(samples, "kyc_gate_ready") == 1
        assert of(samples, "kyc_gate_lists_snapshot_info", digest=gate.snapshot.digest) == 1
    assert 0 <= of(samples, "kyc_gate_list_age_seconds", list="SDN", source="files") < 3600
    assert of(samples, "kyc_gate_list_stale", list="SDN", source="files") == 0


async def test_a_missing_source_is_scraped(tmp_path: Path) -> None:
    """What was pulled has counts and an outcome; a source that never was is missing, and infinitely old."""
    from kyc_gate.feeds.source import Source

    (tmp_path / "own.jsonl").write_bytes(lines(companies(60)))
    await pulled(tmp_path, Source(name="own", file="own.jsonl"))
    (tmp_path / "shelf").rename(tmp_path / "kyc-gate-lists")
    config = tmp_path / "kyc-gate.toml"
    config.write_text(
        '[lists]\n[[lists.source]]\nname = "own"\nfile = "own.jsonl"\n'
        '[[lists.source]]\nname = "absent"\nfile = "absent.jsonl"\nlists = ["UVL"]\n',
        encoding="utf-8",
    )
    async with Gate.from_config(config) as gate:
        samples = await scraped(gate)
    assert of(samples, "kyc_gate_lists_stale") == 1
    assert of(samples, "kyc_gate_list_stale", list="EL", source="own") == 0
    assert of(samples, "kyc_gate_list_age_seconds", list="UVL", source="absent") == math.inf
    assert of(samples, "kyc_gate_list_source_state", source="absent", state="missing") == 1
    assert of(samples, "kyc_gate_list_source_last_pull", source="own", outcome="updated") == 1
    assert of(samples, "kyc_gate_list_source_entries", source="own", list="EL") == 60


async def test_decisions_are_counted_and_timed(tmp_path: Path) -> None:
    """Outcome, rule and duration of each decision are scraped; no label names who asked."""
    async with make_gate(tmp_path) as gate:
        for _ in range(2):
            await gate.decide(
                ProvisioningRequest(provider="generic", service="x", operation="y", kind=RequestKind.CREATE)
            )
        samples = await scraped(gate)
    labels = {"outcome": "escalate", "acted": "refuse", "mode": "enforce"}
    assert of(samples, "kyc_gate_decisions_total", **labels) == 2
    assert of(samples, "kyc_gate_decision_duration_seconds_count") == 2
    assert of(samples, "kyc_gate_decision_duration_seconds_bucket", le="+Inf") == 2
    assert of(samples, "kyc_gate_rule_findings_total", rule="gate.unknown-account", counts="yes") == 2
    assert of(samples, "kyc_gate_unsafe_mode") == 0


async def test_alerts_and_dashboard_ask_for_all_that_is_there(tmp_path: Path) -> None:
    """The example rules and the dashboard name metrics that a gate has, and leave none of them out."""
    async with make_gate(tmp_path) as gate:
        await gate.decide(ProvisioningRequest(provider="generic", service="x", operation="y", kind=RequestKind.CREATE))
        gate._refused(None, NotReady("nothing can be decided"))
        there = {*await families(gate), *_FROM_KEEPERS}
    folder = Path(__file__).parents[2] / "examples" / "monitoring"
    rules = yaml.safe_load((folder / "alerts.yaml").read_text(encoding="utf-8"))
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((folder / "dashboard.json").read_text(encoding="utf-8"))
    asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert all(expression.count("(") == expression.count(")") for expression in asked)
    named = {name for expression in asked for name in re.findall(r"\bkyc_gate_\w+", expression)}
    assert {name.removesuffix("_bucket").removesuffix("_total") for name in named} == there


_FROM_KEEPERS = (
    "kyc_gate_policy_refused",
    "kyc_gate_policy_readings",
    "kyc_gate_policy_refusals",
    "kyc_gate_policy_bundle_version",
    "kyc_gate_policy_activated_timestamp_seconds",
)
"""Metrics of a gate that reads its policies from a folder or a bundle."""


async def families(gate: Gate) -> set[str]:
    """The name of every metric, those without a sample too."""
    async with (
        served(api_app(gate, [])) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.get("/metrics") as answer,
    ):
        return {family.name for family in text_string_to_metric_families(await answer.text())}


async def test_what_waits_is_scraped(tmp_path: Path) -> None:
    """Cases by state, events that a receiver does not have and since when, and dead letters; a store that is gone."""
    async with make_gate(tmp_path) as gate:
        gate.notifier = Notifier((Receiver(name="soc", kind="slack", url="https://127.0.0.1:9/"),))
        await gate.notifier.look(gate)
        await gate.decide(ProvisioningRequest(provider="generic", service="x", operation="y", kind=RequestKind.CREATE))
        samples = await scraped(gate)
        assert of(samples, "kyc_gate_cases", state="open") == 1
        assert of(samples, "kyc_gate_cases_overdue") == 0
        assert of(samples, "kyc_gate_outbox_events", receiver="soc", state="waiting") == 0
        await gate.store.spread_events(["soc"], gate.now())
        at = gate.now() + timedelta(hours=1)
        gate.now = lambda: at  # type: ignore[method-assign]
        samples = await scraped(gate)
        assert of(samples, "kyc_gate_outbox_events", receiver="soc", state="waiting") == 1
        assert 3600 <= of(samples, "kyc_gate_outbox_oldest_seconds", receiver="soc") < 3660
        await gate.notifier.look(gate)
        samples = await scraped(gate)
        assert of(samples, "kyc_gate_outbox_events", receiver="soc", state="dead") == 1
        assert of(samples, "kyc_gate_outbox_oldest_seconds", receiver="soc") == 0
        await gate.store.close()
        samples = await scraped(gate)
        assert of(samples, "kyc_gate_ready") == 0
        assert ("kyc_gate_cases_overdue", frozenset()) not in samples


async def test_a_checkpoint_that_cannot_be_kept_is_scraped(tmp_path: Path) -> None:
    """While the last try to sign, or to keep the note outside the store, failed, a monitor sees it."""
    notes = tmp_path / "notes"
    notes.mkdir()
    async with make_gate(tmp_path, signer=new_signer("kyc.example/gate"), checkpoint_file=str(notes)) as gate:
        await gate.decide(ProvisioningRequest(provider="generic", service="x", operation="y", kind=RequestKind.CREATE))
        with pytest.raises(OSError, match="directory"):
            await gate.upkeep.checkpoint(gate)
        assert of(await scraped(gate), "kyc_gate_audit_unsigned") == 1
        notes.rmdir()
        await gate.upkeep.checkpoint(gate)
        assert of(await scraped(gate), "kyc_gate_audit_unsigned") == 0
    assert notes.read_text(encoding="utf-8").startswith("kyc.example/gate\n1\n")
