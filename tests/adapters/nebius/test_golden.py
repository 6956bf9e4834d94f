"""Every method of Nebius has a call that is read as stated, and evasions that get their stated answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kyc_gate.adapters.adapter import Refusal
from kyc_gate.adapters.nebius import NebiusAdapter
from kyc_gate.adapters.nebius.operations import OPERATIONS
from kyc_gate.adapters.protobuf import Table, frame
from kyc_gate.model.call import Call
from kyc_gate.model.job import Certainty

from ..golden import Row, check, judged, rows

ROWS = rows(Path(__file__).parent)
HOST = b"compute.api.nebius.cloud:443"


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def written(table: Table, message: dict[str, Any]) -> bytes:
    """The message as a writer gives it, by the names of the table; a number for a name is a field of its own."""
    by_name = {field.name: (number, field) for number, field in table.items() if field is not None}
    out = b""
    for name, value in message.items():
        if name not in by_name:
            out += varint(int(name) << 3 | 2) + varint(len(value)) + value.encode()
            continue
        number, field = by_name[name]
        for each in value if isinstance(value, list) else [value]:
            if field.kind in ("int", "bool"):
                out += varint(number << 3) + varint(int(each))
                continue
            data = each.encode() if isinstance(field.kind, str) else written(field.kind, each)
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def call(
    method: str, body: bytes, *headers: tuple[bytes, bytes], kind: bytes = b"application/grpc", host: bytes = HOST
) -> Call:
    given = ((b"host", host), (b"content-type", kind), (b"te", b"trailers"), *headers)
    return Call(method="POST", raw_path=f"/nebius.{method}".encode(), headers=given, body=body)


def call_of(row: Row) -> Call:
    operation = OPERATIONS.get(f"nebius.{row['method']}")
    data = bytes.fromhex(row["hex"]) if "hex" in row else written(operation.table if operation else {}, row["message"])
    headers = [(name.encode(), value.encode()) for name, value in row.get("headers", {}).items()]
    return call(row["method"], frame(data), (b"authorization", b"Bearer ne1abcdefgh.sig"), *headers)


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_as_stated(row: Row) -> None:
    """Operation, lines, time and names are those that the row states, and the project is the one that is named."""
    check(judged(NebiusAdapter(), call_of(row)), row["expected"])


@pytest.mark.parametrize("row", ROWS)
def test_an_evasion_gets_its_answer(row: Row) -> None:
    """Another way to say it is refused, or read as what it may provision."""
    changed = {name: value for name, value in row["evasion"].items() if name not in ("why", "answer")}
    check(judged(NebiusAdapter(), call_of({**row, **changed})), row["evasion"]["answer"])


def test_every_operation_that_asks_has_a_row() -> None:
    """No method that is read goes without a golden call."""
    stated = {param.values[0]["expected"]["operation"] for param in ROWS}
    assert {operation.name for operation in OPERATIONS.values() if not operation.ends} <= stated


CREATE = "compute.v1.InstanceService/Create"
MACHINE = written(
    OPERATIONS[f"nebius.{CREATE}"].table,
    {"spec": {"resources": {"platform": "gpu-h100-sxm", "preset": "8gpu-128vcpu-1600gb"}}},
)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param(call(CREATE, frame(MACHINE), kind=b"application/json"), 415, id="json"),
        pytest.param(call(CREATE, frame(MACHINE), kind=b"application/grpc-web+proto"), 415, id="for-browsers"),
        pytest.param(call(CREATE, b"\x01" + frame(MACHINE)[1:]), 415, id="compressed"),
        pytest.param(call(CREATE, frame(MACHINE) + frame(MACHINE)), 400, id="two-messages"),
        pytest.param(call(CREATE, frame(MACHINE)[:-1]), 400, id="cut-off"),
        pytest.param(call(CREATE, MACHINE), 400, id="without-a-frame"),
        pytest.param(call("compute.v1.InstanceService/%43reate", frame(MACHINE)), 400, id="escaped"),
        pytest.param(call("Compute.v1.InstanceService/Create", frame(MACHINE)), 400, id="another-case"),
        pytest.param(call("compute.v1.InstanceService//Create", frame(MACHINE)), 400, id="two-slashes"),
    ],
)
def test_what_is_no_plain_call_is_refused(given: Call, status: int) -> None:
    """One message, uncompressed, to a method as it is spelled; whatever the host."""
    assert judged(NebiusAdapter(), given) == status


@pytest.mark.parametrize(
    "method", ["compute.v1.InstanceService/List", "vpc.v1.SubnetService/Create", "mk8s.v1.ClusterService/Create"]
)
def test_what_provisions_nothing_is_not_guarded(method: str) -> None:
    """Reading, networks and clusters without nodes are nobody's business here."""
    assert not NebiusAdapter().guards(call(method, frame(b"")))


@pytest.mark.parametrize(
    "method", ["compute.v1.InstanceService/GetOrCreate", "compute.v1.InstanceService/ListAndStart"]
)
def test_a_name_that_looks_and_does_is_guarded(method: str) -> None:
    """A method that is new is not believed for how its name begins."""
    assert NebiusAdapter().guards(call(method, frame(b"")))


def test_a_key_is_the_projects_whatever_the_token() -> None:
    """Two tokens share the answers that the upstream gives to one key, so the ledger knows them as one call."""
    keys = set()
    for token in (b"Bearer ne1aaaaaaaa.s", b"Bearer ne1bbbbbbbb.s"):
        data = written(OPERATIONS[f"nebius.{CREATE}"].table, {"metadata": {"parent_id": "project-1"}})
        request = NebiusAdapter().read(
            call(CREATE, frame(data), (b"authorization", token), (b"x-idempotency-key", b"k"))
        )
        assert request is not None
        keys.add(request.idempotency_key)
    assert keys == {"nebius/project-1/instances.create/k"}


def test_the_host_does_not_matter_but_for_learning() -> None:
    """What is asked for is read on whatever host; what is made and ended is believed of Nebius' own only."""
    adapter = NebiusAdapter(hosts=("front.example",))
    answer = written(
        {7: OPERATIONS[f"nebius.{CREATE}"].table[1]._replace(name="resource_id", kind="text")}, {"resource_id": "i"}
    )  # type: ignore[union-attr]
    for host, own in ((HOST, True), (b"front.example", True), (b"elsewhere.example", False)):
        made = call(CREATE, frame(MACHINE), host=host)
        request = adapter.read(made)
        assert request is not None
        assert [line.instance_type for line in request.lines] == ["gpu-h100-sxm 8gpu-128vcpu-1600gb"]
        assert [each.id for each in adapter.learn(request, made, 200, frame(answer))] == (["i"] if own else [])
        stop = call("compute.v1.InstanceService/Stop", frame(b"\x0a\x01i"), host=host)
        assert (adapter.guards(stop), adapter.read(stop)) == (True, None)
        ending = adapter.ending(stop)
        assert (ending.references if ending else None) == (("instance:i",) if own else None)


def test_a_machine_that_changes_is_forgotten() -> None:
    """An update with other resources teaches anew; one that is not resolved teaches nothing."""
    adapter = NebiusAdapter()
    data = written(
        OPERATIONS["nebius.compute.v1.InstanceService/Update"].table,
        {"metadata": {"id": "i"}, "spec": {"resources": {"platform": "cpu-d3", "preset": "4vcpu-16gb"}}},
    )
    update = call("compute.v1.InstanceService/Update", frame(data))
    request = adapter.read(update)
    assert request is not None
    change = adapter.changes(update)
    assert change is not None
    assert (change.account, change.names, request.certainty) == ("", ("instance:i",), Certainty.EXACT)
    (learned,) = adapter.learn(request, update, 200, frame(b""))
    assert (learned.id, learned.lines[0].instance_type) == ("i", "cpu-d3 4vcpu-16gb")


def test_a_refusal_is_a_status() -> None:
    """A client reads the status from the head; what it quotes stands beside it."""
    refusal = Refusal(
        status=403, code="review-required", title="t", detail="100% later", case_id="case_1", outcome="escalate"
    )
    answer = NebiusAdapter().refuse(call(CREATE, b""), refusal)
    told = dict(answer.headers)
    assert (answer.status, told[b"grpc-status"], told[b"kyc-case-id"]) == (403, b"7", b"case_1")
    assert told[b"grpc-message"] == b"100%25 later. Case case_1."
