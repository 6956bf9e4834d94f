"""Every operation of Azure has a call that is read as stated, and an evasion that gets its stated answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.adapters.azure.operations import OPERATIONS
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call

from ..golden import Row, call_of, check, evasion_of, judged, rows

ROWS = rows(Path(__file__).parent)


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_as_stated(row: Row) -> None:
    """Operation, lines, time and names are those that the row states, and the account is the subscription."""
    answer = judged(AzureAdapter(), call_of(row))
    check(answer, {"account": "sub-1", **row["expected"]})


@pytest.mark.parametrize("row", ROWS)
def test_an_evasion_gets_its_answer(row: Row) -> None:
    """Another way to say it is refused, or read as what it may provision."""
    check(judged(AzureAdapter(), call_of(evasion_of(row))), row["evasion"]["answer"])


def test_every_operation_with_a_reader_has_a_row() -> None:
    """No resource that is read goes without a golden call."""
    stated = {param.values[0]["expected"]["operation"] for param in ROWS}
    read = {
        operation.name
        for methods in OPERATIONS.values()
        for operation in methods.values()
        if not operation.ends and not operation.read.__qualname__.startswith("Asking.")
    }
    assert read <= stated, read - stated


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("DELETE", "virtualMachines/VM1", "instance:rg/vm1"),
        ("POST", "virtualMachines/vm1/deallocate", "instance:rg/vm1"),
        ("DELETE", "virtualMachineScaleSets/ss", "scale-set:rg/ss"),
    ],
)
def test_ends_are_read(method: str, path: str, name: str) -> None:
    """A delete names what it ends, where it goes to Azure or to a host that the operator names."""
    path = f"/subscriptions/Sub-1/resourceGroups/RG/providers/Microsoft.Compute/{path}"
    adapter = AzureAdapter(hosts=("cloud.example",))
    for host, ends in ((b"management.azure.com:443", True), (b"cloud.example", True), (b"x", False)):
        call = Call(method=method, raw_path=path.encode(), headers=((b"host", host),))
        assert (adapter.guards(call), adapter.read(call)) == (True, None)
        ending = adapter.ending(call)
        assert (ending and (ending.account, ending.references)) == (("sub-1", (name,)) if ends else None)


def test_an_end_that_says_two_methods_is_refused() -> None:
    """What some read as another method ends nothing."""
    path = b"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm"
    headers = ((b"host", b"management.azure.com"), (b"x-http-method-override", b"GET"))
    call = Call(method="DELETE", raw_path=path, headers=headers)
    with pytest.raises(RefusedCall, match="override"):
        AzureAdapter().guards(call)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "Microsoft.Compute/disks/d"),
        ("POST", "Microsoft.Compute/virtualMachines/vm1/restart"),
        ("PUT", "Microsoft.Network/networkInterfaces/n"),
        ("GET", "Microsoft.Compute/virtualMachines/vm1"),
    ],
)
def test_what_provisions_nothing_is_not_guarded(method: str, path: str) -> None:
    """Disks, networks and reading are nobody's business here."""
    path = f"/subscriptions/s/resourceGroups/g/providers/{path}"
    assert not AzureAdapter().guards(
        Call(method=method, raw_path=path.encode(), headers=((b"host", b"management.azure.com"),))
    )
