"""What a policy says is a plain 403 in every dialect: in ASCII, short, with what to quote, and never retried."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kyc_gate.adapters.adapter import Adapter, Refusal
from kyc_gate.adapters.aws import AWSAdapter
from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.adapters.kubernetes.adapter import KubernetesAdapter
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.nebius import NebiusAdapter
from kyc_gate.adapters.neoclouds import NeocloudAdapter
from kyc_gate.adapters.oci import OCIAdapter
from kyc_gate.adapters.slurm.adapter import SlurmAdapter
from kyc_gate.adapters.slurm.settings import SlurmSettings
from kyc_gate.model.call import Answer, Call

from .aws.test_golden import sent
from .calls import call
from .golden import Row, call_of, rows
from .nebius.test_golden import call_of as call_of_grpc

HERE = Path(__file__).parent
DECISION, CASE = f"dec_{'0' * 32}", f"case_{'1' * 32}"
LONG = "Ærøskøbing\r\nRegnecenter “has”\0 a reason; " * 40
BLOCKED = Refusal(
    status=403,
    code="blocked",
    title="this request was refused",
    detail=LONG,
    decision_id=DECISION,
    outcome="block",
    reasons=(("rule-of-the-house", "15 CFR 744.21"),),
)
HELD = replace(BLOCKED, code="review-required", title="this request needs a review", outcome="escalate")
CASED = replace(HELD, case_id=CASE, resubmit=True)


ADAPTERS: dict[str, Callable[[Row], Adapter]] = {
    "aws": lambda _: AWSAdapter(),
    "azure": lambda _: AzureAdapter(),
    "gcp": lambda _: GCPAdapter(),
    "nebius": lambda _: NebiusAdapter(),
    "neoclouds": lambda row: NeocloudAdapter(row["provider"]),
    "oci": lambda _: OCIAdapter(),
    "slurm": lambda _: SlurmAdapter(SlurmSettings()),
    "kubernetes": lambda _: KubernetesAdapter(KubernetesSettings(cluster="test", hosts=("cluster.example",))),
}
CALLS: dict[str, Callable[[Row], Call]] = {
    "aws": sent,
    "nebius": call_of_grpc,
    "kubernetes": lambda _: call("POST", b"/api/v1/namespaces/team/pods", b"{}", host=b"cluster.example"),
}


def every_row() -> list[Any]:
    """The golden rows of every cloud, of AWS the first of each service, and one of a cluster."""
    found = [pytest.param("kubernetes", {}, id="kubernetes")]
    seen: set[str] = set()
    for cloud in sorted(ADAPTERS.keys() - {"kubernetes"}):
        for each in rows(HERE / cloud):
            row: Row = each.values[0]
            if row.get("service") not in seen:
                found.append(pytest.param(cloud, row, id=f"{cloud}-{each.id}"))
            seen |= {row["service"]} if "service" in row else set()
    return found


def strings_of(answer: Answer) -> list[str]:
    """Every text in a body, as its client reads it."""
    text = answer.body.decode("ascii")
    if text.lstrip().startswith("<"):
        return [each.text or "" for each in ET.fromstring(text).iter()]
    found, left = [], [json.loads(text)] if text.startswith("{") else [text]
    while left:
        value = left.pop()
        left += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found += [value] if isinstance(value, str) else []
    return found


@pytest.mark.parametrize(("cloud", "row"), every_row())
def test_a_refusal_is_short_plain_and_final(cloud: str, row: Row) -> None:
    """No text has 256 characters or anything but printable ASCII; the decision stands in it; and what waits is told
    apart from what is refused even where both say the same."""
    adapter, given = ADAPTERS[cloud](row), CALLS.get(cloud, call_of)(row)
    answers = [adapter.refuse(given, each) for each in (BLOCKED, HELD, CASED)]
    for answer in answers:
        assert answer.status == 403
        texts = strings_of(answer)
        assert [each for each in texts if len(each) >= 256 or not each.isascii()] == []
        assert [each for each in texts if not each.strip("\n").isprintable()] == []
        assert any(DECISION in each for each in texts)
        assert all(name == name.lower() and value.isascii() and b"\n" not in value for name, value in answer.headers)
        assert not {name for name, _ in answer.headers} & {b"retry-after", b"location"}
    assert any(CASE in each for each in strings_of(answers[2]))
    blocked, held, _ = ((each.headers, each.body) for each in answers)
    assert blocked != held
