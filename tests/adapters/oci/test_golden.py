"""Every operation of Oracle Cloud has a call that is read as stated, and an evasion that gets its stated answer."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kyc_gate.adapters.oci import OCIAdapter
from kyc_gate.adapters.oci.operations import SERVICES
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call

from ..calls import JSON, call
from ..golden import Row, call_of, check, evasion_of, judged, rows

ROWS = rows(Path(__file__).parent)
TENANCY = "ocid1.tenancy.oc1..mine"
HOST = b"iaas.us-phoenix-1.oraclecloud.com"


def signed(key: str = f"{TENANCY}/ocid1.user.oc1..u/20:3b:97", more: str = "") -> tuple[bytes, bytes]:
    text = f'Signature version="1",keyId="{key}",algorithm="rsa-sha256",headers="date host",signature="AA=="{more}'
    return (b"authorization", text.encode())


def token(**claims: str) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"ST$e30.{payload}.AA"


@pytest.mark.parametrize("row", ROWS)
def test_a_call_is_read_as_stated(row: Row) -> None:
    """Operation, lines, time and names are those that the row states, and the account is the tenancy that signed."""
    check(judged(OCIAdapter(), call_of(row, signed())), {"account": TENANCY, **row["expected"]})


@pytest.mark.parametrize("row", ROWS)
def test_an_evasion_gets_its_answer(row: Row) -> None:
    """Another way to say it is refused, or read as what it may provision."""
    check(judged(OCIAdapter(), call_of(evasion_of(row), signed())), row["evasion"]["answer"])


def test_every_operation_that_asks_has_a_row() -> None:
    """No operation that is read goes without a golden call."""
    stated = {param.values[0]["expected"]["operation"] for param in ROWS}
    read = {
        operation.name
        for table in SERVICES.values()
        for methods in table.values()
        for operation in methods.values()
        if not operation.ends and not operation.defines and not operation.read.__qualname__.startswith("Asking.")
    }
    assert read - stated == {"addons.update"}  # read as `addons.install`


def judge(method: str, path: str, body: Any, *headers: tuple[bytes, bytes], host: bytes = HOST) -> Any:
    data = None if body is None else json.dumps(body).encode()
    return judged(OCIAdapter(), call(method, path.encode(), data, *([JSON] if data else []), *headers, host=host))


@pytest.mark.parametrize(
    ("authorization", "account"),
    [
        pytest.param(signed(), TENANCY, id="key"),
        pytest.param(signed(token(tenant=TENANCY)), TENANCY, id="token-of-a-person"),
        pytest.param(signed(token(res_tenant=TENANCY, sub="r")), TENANCY, id="token-of-a-resource"),
        pytest.param(signed(token(tenant=TENANCY, res_tenant="ocid1.tenancy.oc1..other")), None, id="two-tenancies"),
        pytest.param(signed("ocid1.user.oc1..u/x/20:3b"), None, id="no-tenancy"),
        pytest.param((b"authorization", b"Bearer 0123456789"), None, id="another-scheme"),
        pytest.param((b"authorization", b'Signature keyId="' + TENANCY.encode() + b"/u"), None, id="cut-off"),
    ],
)
def test_the_account_is_the_tenancy_that_signed(authorization: tuple[bytes, bytes], account: str | None) -> None:
    """A key names its tenancy, a token says it; whatever cannot be read one way names nobody."""
    found = judge("POST", "/20160918/instances", {"shape": "BM.GPU.H100.8"}, authorization)
    assert (found.caller.account, found.caller.verified) == (account, False)


def test_a_signature_with_two_keys_is_refused() -> None:
    """Whose call it is may not depend on who reads it."""
    double = signed(more=',KeyId="ocid1.tenancy.oc1..other/ocid1.user.oc1..u/20:3b"')
    assert judge("POST", "/20160918/instances", {"shape": "BM.GPU.H100.8"}, double) == 401


@pytest.mark.parametrize(
    ("method", "path", "query", "name"),
    [
        ("DELETE", "/20160918/instances/i", b"preserveBootVolume=true", "instance:i"),
        ("POST", "/20160918/instances/i", b"action=SOFTSTOP", "instance:i"),
        ("POST", "/20160918/instancePools/p/actions/stop", b"", "instance-pool:p"),
        ("DELETE", "/20160918/clusterNetworks/n", b"", "cluster-network:n"),
    ],
)
def test_ends_are_read(method: str, path: str, query: bytes, name: str) -> None:
    """A stop names what it ends, where it goes to Oracle or to a host that the operator names."""
    adapter = OCIAdapter(hosts=("cloud.example",))
    for host, ends in ((HOST + b":443", True), (b"cloud.example", True), (b"x", False)):
        given = Call(method=method, raw_path=path.encode(), query=query, headers=((b"host", host), signed()))
        assert (adapter.guards(given), adapter.read(given)) == (True, None)
        ending = adapter.ending(given)
        assert (ending and (ending.account, ending.references)) == ((TENANCY, (name,)) if ends else None)


@pytest.mark.parametrize("header", [b"opc-obo-token", b"x-cross-tenancy-request"])
def test_an_end_for_somebody_else_ends_nothing(header: bytes) -> None:
    """Whose machine it is, is not who signed."""
    adapter = OCIAdapter()
    given = Call(
        method="DELETE", raw_path=b"/20160918/instances/i", headers=((b"host", HOST), signed(), (header, b"x"))
    )
    assert adapter.guards(given)
    assert adapter.ending(given) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/20160918/instances"),
        ("POST", "/20160918/vcns"),
        ("PUT", "/20160918/volumes/v"),
        ("POST", "/20160918/instances/i/actions/changeCompartment"),
        ("POST", "/20160918/computeClusters"),
    ],
)
def test_what_provisions_nothing_is_not_guarded(method: str, path: str) -> None:
    """Networks, volumes, moves within a tenancy and reading are nobody's business here."""
    assert judge(method, path, {} if method != "GET" else None) is None


def test_every_realm_is_known() -> None:
    """Hosts of every realm are guarded, and other hosts by their paths."""
    for host in (
        b"iaas.uk-gov-london-1.oraclegovcloud.uk",
        b"iaas.ap-x-1.ds.oci.oraclecloud20.com",
        b"IAAS.a.oraclecloud.eu.",
    ):
        assert judge("POST", "/20160918/newThings", {}, host=host) is not None
    assert judge("POST", "/20160918/instances", {"shape": "BM.GPU.H100.8"}, host=b"cloud.example") is not None
    assert judge("POST", "/20160918/newThings", {}, host=b"cloud.example") is None


CONFIGURATION = {"instanceDetails": {"instanceType": "compute", "launchDetails": {"shape": "BM.GPU.H100.8"}}}


def defined(path: str, body: Any, answer: Any, method: str = "POST", host: bytes = HOST) -> Any:
    """What a definition teaches with its answer."""
    adapter = OCIAdapter()
    given = call(method, path.encode(), json.dumps(body).encode(), JSON, signed(), host=host)
    assert adapter.guards(given)
    assert adapter.read(given) is None
    assert adapter.definition(given) is not None
    return [
        (each.kind, each.id, each.lines[0].instance_type)
        for each in adapter.names_defined(given, json.dumps(answer).encode())
    ]


def test_a_definition_is_learnt_from_the_answer() -> None:
    """What the cloud says that it keeps is what counts: the call may be answered with what an earlier one made."""
    path = "/20160918/instanceConfigurations"
    small = {"instanceDetails": {"instanceType": "compute", "launchDetails": {"shape": "VM.Standard.E5.Flex"}}}
    answer = {**CONFIGURATION, "id": "k"}
    assert defined(path, small, answer) == [("instance-configuration", "k", "BM.GPU.H100.8")]
    assert defined(path, {"source": "INSTANCE", "instanceId": "i"}, answer) == [
        ("instance-configuration", "k", "BM.GPU.H100.8")
    ]
    assert defined(path, CONFIGURATION, {"id": "k"}) == []
    assert defined(path, CONFIGURATION, answer, host=b"cloud.example") == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/20160918/instances/i", {"displayName": "x", "launchDetails": {"shape": "BM.GPU.H100.8"}}),
        ("/20160918/instancePools/p", {"more": [{"size": 64}]}),
    ],
)
def test_a_change_with_machines_that_nobody_reads_waits(path: str, body: Any) -> None:
    """What changes none where the gate looks, and names some where it does not, is not let through unseen."""
    assert judge("PUT", path, body, signed()).unresolved
    assert judge("PUT", path, {"displayName": "x"}, signed()) is None


def test_a_name_of_the_operators_own_is_guarded() -> None:
    """Behind it any service of Oracle's may answer: what is on no list waits, and what provisions nothing passes."""
    adapter = OCIAdapter(hosts=("oci.example",))
    new = call("POST", b"/20160918/newThings", b"{}", JSON, signed(), host=b"oci.example")
    harmless = call("POST", b"/20160918/vcns", b"{}", JSON, signed(), host=b"oci.example")
    found = judged(adapter, new)
    assert not isinstance(found, int)
    assert found is not None
    assert found.unresolved == ("operation:POST newThings",)
    assert judged(adapter, harmless) is None


def test_a_job_of_several_nodes_is_not_learnt() -> None:
    """Its limit stands with its nodes: a run that states a limit alone would be believed to end."""
    host = b"datascience.us-phoenix-1.oci.oraclecloud.com"
    one = {
        "jobInfrastructureConfigurationDetails": {"jobInfrastructureType": "STANDALONE", "shapeName": "VM.GPU.A10.2"}
    }
    groups = [{"replicas": 64, "jobInfrastructureConfigurationDetails": {"shapeName": "BM.GPU.H100.8"}}]
    several = {**one, "jobNodeConfigurationDetails": {"jobNodeGroupConfigurationDetailsList": groups}}
    assert defined("/20190101/jobs", one, {**one, "id": "j"}, host=host) == [("job", "j", "VM.GPU.A10.2")]
    assert defined("/20190101/jobs", several, {**several, "id": "j"}, host=host) == []


def test_a_changed_job_is_forgotten() -> None:
    """A job whose machines change stands for nothing afterwards."""
    host = b"datascience.us-phoenix-1.oci.oraclecloud.com"
    body = {"jobInfrastructureConfigurationDetails": {"shapeName": "BM.GPU.H100.8"}}
    adapter = OCIAdapter()
    given = call("PUT", b"/20190101/jobs/j", json.dumps(body).encode(), JSON, signed(), host=host)
    assert adapter.guards(given)
    change = adapter.changes(given)
    assert change is not None
    assert change.names == ("job:j",)
    assert defined("/20190101/jobs/j", body, {**body, "id": "j"}, "PUT", host) == []


def test_a_definition_that_has_two_readings_is_refused() -> None:
    """What defines is read as strictly as what starts."""
    given = call(
        "POST",
        b"/20160918/instanceConfigurations",
        b'{"instanceDetails":{},"InstanceDetails":{}}',
        JSON,
        signed(),
        host=HOST,
    )
    adapter = OCIAdapter()
    assert adapter.guards(given)
    with pytest.raises(RefusedCall):
        adapter.definition(given)
