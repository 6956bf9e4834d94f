"""Every operation of Google Cloud has a call that is read as stated, and an evasion that gets its stated answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.adapters.gcp.operations import SERVICES
from kyc_gate.model.job import ProvisioningRequest
from kyc_gate.service.config import GCPSettings

from ..golden import Row, call_of, check, evasion_of, judged, rows

ROWS = rows(Path(__file__).parent)


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_as_stated(row: Row) -> None:
    """Operation, lines, time and names are those that the row states."""
    answer = judged(GCPAdapter(), call_of(row))
    check(answer, {"account": "acme", **row["expected"]})


@pytest.mark.parametrize("row", ROWS)
def test_an_evasion_gets_its_answer(row: Row) -> None:
    """Another way to say it is refused, or read as what it may provision."""
    answer = judged(GCPAdapter(), call_of(evasion_of(row)))
    check(answer, row["evasion"]["answer"])


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_on_a_host_that_says_nothing(row: Row) -> None:
    """Behind a name of the operator's own the path tells the service, where the operation is a listed one."""
    answer = judged(GCPAdapter(hosts=("cloud.example",)), call_of({**row, "host": "cloud.example:8080"}))
    check(answer, row["expected"])


def test_every_operation_with_a_reader_has_a_row() -> None:
    """No operation that is read goes without a golden call."""
    stated = {param.values[0]["expected"]["operation"] for param in ROWS}
    read = {
        operation.name
        for table in SERVICES.values()
        for methods in table.values()
        for operation in methods.values()
        if not (operation.ends or operation.defines) and not operation.read.__qualname__.startswith("Asking.")
    }
    assert read <= stated, read - stated


def test_a_number_is_the_project_whose_it_is() -> None:
    """A call may name a project by its number: account, definitions, changes and ends are those of its id."""
    adapter = GCPAdapter(numbers={"987654321098": "kestrel-prod"})
    home = "/compute/v1/projects/987654321098/zones/us-central1-a/instances"
    row = {"host": "compute.googleapis.com", "method": "POST", "path": home, "body": None}
    machine = {"name": "v", "machineType": "zones/z/machineTypes/a3-highgpu-8g"}
    made = judged(adapter, call_of({**row, "body": machine}))
    assert isinstance(made, ProvisioningRequest)
    assert made.caller.account == "kestrel-prod"
    gone = call_of({**row, "method": "DELETE", "path": f"{home}/v"})
    assert (adapter.guards(gone), adapter.read(gone)) == (True, None)
    ending, change = adapter.ending(gone), adapter.changes(gone)
    assert ending is not None
    assert change is not None
    assert (ending.account, change.account) == ("kestrel-prod", "kestrel-prod")
    other = judged(GCPAdapter(), call_of({**row, "body": machine}))
    assert isinstance(other, ProvisioningRequest)
    assert other.caller.account == "987654321098"


@pytest.mark.parametrize("numbers", [{"kestrel-prod": "987654321098"}, {"987654321098": ""}, {"9": "8"}])
def test_a_table_the_wrong_way_round_is_refused(numbers: dict[str, str]) -> None:
    """It would know every project as another, or as none."""
    with pytest.raises(ValueError, match="a project's number, and then its id"):
        GCPSettings(numbers=numbers)
