"""Every operation of the smaller clouds that is read has a call read as stated, and an evasion with its answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.bearer import key_id
from kyc_gate.adapters.neoclouds import NeocloudAdapter
from kyc_gate.model.call import Call

from ..golden import Row, call_of, check, evasion_of, judged, rows

ROWS = rows(Path(__file__).parent)
KEY = (b"authorization", b"Bearer a-secret-key")


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_as_stated(row: Row) -> None:
    """Operation, lines and time are those that the row states, and the account is the digest of the key."""
    answer = judged(NeocloudAdapter(row["provider"]), call_of(row, KEY))
    check(answer, {"account": key_id(b"a-secret-key"), **row["expected"]})


@pytest.mark.parametrize("row", ROWS)
def test_an_evasion_gets_its_answer(row: Row) -> None:
    """Another way to say it is refused, or left to a person."""
    check(judged(NeocloudAdapter(row["provider"]), call_of(evasion_of(row), KEY)), row["evasion"]["answer"])


@pytest.mark.parametrize(
    "query", ["query { myself { id } }", "{ pods { id } }", 'mutation { podStop(input: {podId: "a"}) { id } }']
)
def test_what_rents_nothing_is_not_guarded(query: str) -> None:
    """Queries and stops pass unseen."""
    row = {"host": "api.runpod.io", "method": "POST", "path": "/graphql", "body": {"query": query}}
    assert judged(NeocloudAdapter("runpod"), call_of(row, KEY)) is None


def test_a_launch_teaches_its_machines_and_a_terminate_ends_them() -> None:
    """Each machine that the answer names is known by its type, and ends by its id."""
    adapter = NeocloudAdapter("lambda")
    launch = call_of(ROWS[0].values[0], KEY)
    request = adapter.read(launch)
    assert request is not None
    learned = adapter.learn(request, launch, 200, b'{"data":{"instance_ids":["i-1","i-2"]}}')
    assert [(each.id, each.lines[0].count) for each in learned] == [("i-1", 1), ("i-2", 1)]
    body = json.dumps({"instance_ids": ["i-1"]}).encode()
    path = b"/api/v1/instance-operations/terminate"
    end = Call(method="POST", raw_path=path, headers=((b"host", b"cloud.lambda.ai"), KEY), body=body)
    assert (adapter.guards(end), adapter.read(end)) == (True, None)
    ending = adapter.ending(end)
    assert ending is not None
    assert ending.references == ("instance:i-1",)


def test_refusals_are_in_each_dialect() -> None:
    """A wait and a block have codes of their own, in the members that the providers' clients read."""
    refusal = Refusal(status=403, code="review-required", title="t", detail="a person will look")
    rest = NeocloudAdapter("lambda").refuse(call_of(ROWS[0].values[0]), refusal)
    assert json.loads(rest.body)["error"]["code"] == "kyc/review-pending"
    graph = NeocloudAdapter("runpod").refuse(call_of(ROWS[3].values[0]), refusal)
    assert json.loads(graph.body)["errors"][0]["extensions"]["code"] == "kyc/review-pending"
