"""boto3 and the aws command line, unmodified, through the re-signing door, to a cloud that checks every signature.

The customers hold keys of the gate alone. The cloud knows the broker, and a role of it in each customer's account.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto_cloud import check_signatures, gate_served, moto, party_line
from relay import Relay

from kyc_gate.cli.state import opened_store
from kyc_gate.service.sealing import read_sealer
from kyc_gate.service.signing_keys import KNOWN_SECONDS, SigningKeys

REGION = "us-east-1"
BROKER, ALLOWED, HELD, BLOCKED = "999999999999", "111111111111", "222222222222", "333333333333"
COUNTRIES = {ALLOWED: "Norway", HELD: "United Arab Emirates", BLOCKED: "China"}
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
ROLE = "arn:aws:iam::{account}:role/kyc-broker"
MANY = 4000


class Keys(NamedTuple):
    id: str
    secret: str


class World(NamedTuple):
    """The door, what the cloud saw, and the keys that the gate issued."""

    door: str
    upstream: str
    back: Relay
    keys: dict[str, Keys]
    config: Path
    broker: Keys

    def there(self, service: str, account: str) -> Any:
        """A client of the role in a customer's account that goes past the gate."""
        own = {"aws_access_key_id": self.broker.id, "aws_secret_access_key": self.broker.secret}
        sts = boto3.client("sts", endpoint_url=self.upstream, region_name=REGION, **own)
        session = sts.assume_role(RoleArn=ROLE.format(account=account), RoleSessionName="admin")["Credentials"]
        return boto3.client(
            service,
            endpoint_url=self.upstream,
            region_name=REGION,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    def client(self, service: str, account: str, **more: Any) -> Any:
        keys = self.keys[account]
        fields = {"aws_access_key_id": keys.id, "aws_secret_access_key": keys.secret, "region_name": REGION, **more}
        return boto3.client(service, endpoint_url=self.door, **fields)

    def sent(self) -> bytes:
        return bytes(self.back._sent)


def _iam(upstream: str, account: str) -> Any:
    iam = boto3.client(
        "iam", endpoint_url=upstream, region_name=REGION, aws_access_key_id="setup", aws_secret_access_key="setup"
    )
    iam.meta.events.register(
        "before-sign.iam.*", lambda request, **_: request.headers.add_header("x-moto-account-id", account)
    )
    return iam


def _broker_keys(upstream: str) -> Keys:
    """The broker's own key, and its role in each customer's account."""
    iam = _iam(upstream, BROKER)
    iam.create_user(UserName="broker")
    iam.put_user_policy(UserName="broker", PolicyName="all", PolicyDocument=POLICY)
    key = iam.create_access_key(UserName="broker")["AccessKey"]
    for account in COUNTRIES:
        there = _iam(upstream, account)
        there.create_role(RoleName="kyc-broker", AssumeRolePolicyDocument=POLICY)
        there.put_role_policy(RoleName="kyc-broker", PolicyName="all", PolicyDocument=POLICY)
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])


def _kyc_gate(*arguments: str) -> str:
    command = [sys.executable, "-m", "kyc_gate", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _configuration(folder: Path, upstream: str) -> Path:
    parties = "".join(party_line(account, country) for account, country in COUNTRIES.items())
    (folder / "parties.jsonl").write_text(parties)
    accounts = [{"provider": "aws", "id": account, "party_id": f"party-{account}"} for account in COUNTRIES]
    (folder / "accounts.jsonl").write_text("".join(json.dumps(account) + "\n" for account in accounts))
    (folder / "list.jsonl").write_text('{"id": "1", "name": "Sealed Machinery Works", "list": "SDN"}\n')
    services = ("autoscaling", "batch", "ec2", "eks", "sagemaker", "sts")
    endpoints = ", ".join(f'{service} = "{upstream}"' for service in services)
    config = folder / "kyc-gate.toml"
    config.write_text(
        f"""
        [gate]
        decision_seconds = 20
        [directory]
        parties = ["parties.jsonl"]
        accounts = ["accounts.jsonl"]
        [lists]
        files = ["list.jsonl"]
        [aws]
        [aws.ask]
        regions = ["{REGION}"]
        role = "{ROLE}"
        seconds = 10
        endpoints = {{{endpoints}}}
        [broker]
        port = 0
        key_file = "sealing.key"
        hosts = ["127.0.0.1"]
        regions = ["{REGION}"]
        role = "{ROLE}"
        endpoints = {{{endpoints}}}
        [api]
        port = 0
        """
    )
    return config


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("broker")
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(moto(folder))
        broker = _broker_keys(upstream)
        check_signatures(upstream)
        back = stack.enter_context(Relay.to(upstream))
        config = _configuration(folder, back.url)
        _kyc_gate("broker", "keygen", "--output", str(folder / "sealing.key"))
        keys = {account: issued(config, account) for account in COUNTRIES}
        own = {"AWS_ACCESS_KEY_ID": broker.id, "AWS_SECRET_ACCESS_KEY": broker.secret, "HOME": str(folder)}
        addresses = stack.enter_context(gate_served(config, **own))
        yield World(addresses["broker"], upstream, back, keys, config, broker)


def issued(config: Path, account: str) -> Keys:
    said = json.loads(_kyc_gate("broker", "issue", account, "--name", "ops", "--json", "--config", str(config)))
    assert said["account"] == account
    return Keys(said["id"], said["secret"])


@pytest.fixture
def seen(world: World) -> World:
    """The world with the relay's count at nought."""
    world.back.clear()
    return world


def run_instances(client: Any, count: int = 1, **more: Any) -> Any:
    return client.run_instances(
        ImageId="ami-03cf127a", InstanceType="p5.48xlarge", MinCount=count, MaxCount=count, **more
    )


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, int, int]:
    said = caught.value.response
    metadata = said["ResponseMetadata"]
    return said["Error"]["Code"], metadata["HTTPStatusCode"], metadata["RetryAttempts"]


def test_the_cloud_sees_the_broker_in_the_customers_account(seen: World) -> None:
    """Upstream the caller is the broker's role in the customer's account, in a session named for the customer's key."""
    identity = seen.client("sts", ALLOWED).get_caller_identity()
    assert identity["Account"] == ALLOWED
    assert identity["Arn"] == f"arn:aws:sts::{ALLOWED}:assumed-role/kyc-broker/kyc-{seen.keys[ALLOWED].id}"
    signers = set(re.findall(rb"Credential=([A-Z0-9]+)/", seen.sent()))
    assert signers
    assert seen.keys[ALLOWED].id.encode() not in signers


def test_the_cloud_refuses_the_customers_own_keys(world: World) -> None:
    """Round the gate a customer's key opens nothing."""
    keys = world.keys[ALLOWED]
    ec2 = boto3.client(
        "ec2",
        endpoint_url=world.upstream,
        region_name=REGION,
        aws_access_key_id=keys.id,
        aws_secret_access_key=keys.secret,
    )
    with pytest.raises(ClientError) as caught:
        ec2.describe_instances()
    assert caught.value.response["Error"]["Code"] == "AuthFailure"


def test_unguarded_calls_pass(seen: World) -> None:
    """Calls that rent nothing are signed anew, in the query, JSON and REST protocols."""
    assert seen.client("ec2", BLOCKED).describe_instances(MaxResults=5)["Reservations"] == []
    assert seen.client("sagemaker", BLOCKED).list_training_jobs()["TrainingJobSummaries"] == []
    assert seen.client("eks", BLOCKED).list_clusters(maxResults=7)["clusters"] == []
    assert seen.client("batch", BLOCKED).describe_job_definitions(status="ACTIVE")["jobDefinitions"] == []


def test_identity_is_proven(seen: World) -> None:
    """What is allowed starts, and the record says that the caller was verified by signature."""
    answer = run_instances(seen.client("ec2", ALLOWED))
    assert len(answer["Instances"]) == 1
    decision = answer["ResponseMetadata"]["HTTPHeaders"]["kyc-decision-id"]
    lines = _kyc_gate("audit", "export", "--config", str(seen.config), "--json").splitlines()
    record = next(line for line in lines if decision in line)
    assert '"how":"signature"' in record.replace(" ", "").replace("\\", "")
    assert '"verified":true' in record.replace(" ", "").replace("\\", "")


@pytest.mark.parametrize(("account", "code"), [(HELD, "PendingVerification"), (BLOCKED, "UnauthorizedOperation")])
def test_what_is_refused_reaches_no_cloud(account: str, code: str, seen: World) -> None:
    """A held or blocked request is one typed error, and the cloud sees nothing of it."""
    seen.client("sts", account).get_caller_identity()  # so that the role is assumed already
    seen.back.clear()
    with pytest.raises(ClientError) as caught:
        run_instances(seen.client("ec2", account), MANY)
    assert code_of(caught) == (code, 403, 0)
    assert seen.back.requests == 0


@pytest.mark.parametrize(
    ("service", "operation", "wrong", "unknown"),
    [
        pytest.param("ec2", "describe_instances", "SignatureDoesNotMatch", "InvalidClientTokenId", id="ec2"),
        pytest.param(
            "autoscaling",
            "describe_auto_scaling_groups",
            "SignatureDoesNotMatch",
            "InvalidClientTokenId",
            id="query",
        ),
        pytest.param(
            "sagemaker", "list_training_jobs", "InvalidSignatureException", "UnrecognizedClientException", id="json"
        ),
        pytest.param("eks", "list_clusters", "InvalidSignatureException", "UnrecognizedClientException", id="rest"),
    ],
)
def test_a_wrong_signature_is_told_in_the_dialect(
    service: str, operation: str, wrong: str, unknown: str, seen: World
) -> None:
    """A wrong secret, and a key that nobody issued, are the service's own errors, 403, sent once; nothing goes on."""
    stranger = {"aws_access_key_id": "AKIA7777777777777777"}
    for changed, code in (({"aws_secret_access_key": "wrong"}, wrong), (stranger, unknown)):
        with pytest.raises(ClientError) as caught:
            getattr(seen.client(service, ALLOWED, **changed), operation)()
        assert code_of(caught) == (code, 403, 0)
    assert seen.back.requests == 0


def test_a_key_of_another_account_is_not_good_for_this_one(seen: World) -> None:
    """Whoever knows a customer's key id cannot start machines in its name."""
    with pytest.raises(ClientError) as caught:
        run_instances(seen.client("ec2", ALLOWED, aws_secret_access_key=seen.keys[BLOCKED].secret))
    assert code_of(caught) == ("SignatureDoesNotMatch", 403, 0)
    assert seen.back.requests == 0


def test_nothing_that_hands_out_credentials_is_signed(seen: World) -> None:
    """Of STS the question who one is passes; IAM, and a role or a token of one's own, do not."""
    sts = seen.client("sts", ALLOWED)
    for ask in (
        lambda: sts.get_session_token(),
        lambda: sts.assume_role(RoleArn=ROLE.format(account=ALLOWED), RoleSessionName="mine"),
        lambda: seen.client("iam", ALLOWED).create_access_key(UserName="broker"),
    ):
        with pytest.raises(ClientError) as caught:
            ask()
        assert code_of(caught)[1:] == (403, 0)
    assert seen.back.requests == 0


STS = "Version=2011-06-15"
WHO, ASSUME = f"Action=GetCallerIdentity&{STS}", "Action=AssumeRole"


@pytest.mark.parametrize(
    ("method", "path", "body", "more"),
    [
        pytest.param("GET", "/?{assume}&{who}", b"", {}, id="twice in the query"),
        pytest.param("POST", "/?{assume}", WHO.encode(), {}, id="in the query and in the body"),
        pytest.param("POST", "/", f"{ASSUME}&{WHO}".encode(), {}, id="twice in the body"),
        pytest.param("POST", "/elsewhere", WHO.encode(), {}, id="elsewhere"),
        pytest.param(
            "POST",
            "/",
            WHO.encode(),
            {"X-Amz-Target": "AWSSecurityTokenServiceV20110615.AssumeRole"},
            id="in a target",
        ),
        pytest.param("POST", "/", WHO.encode(), {"Content-Type": "application/x-amz-json-1.1"}, id="as JSON"),
    ],
)
def test_no_second_question_of_sts_hides_behind_the_first(
    method: str, path: str, body: bytes, more: dict[str, str], seen: World
) -> None:
    """Whoever asks twice, in two places or in another protocol, is given no role's credentials: nothing goes on."""
    role = f"{ASSUME}&RoleArn={quote(ROLE.format(account=BLOCKED), safe='')}&RoleSessionName=mine"
    keys = seen.keys[BLOCKED]
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"} if body else {}
    asked = AWSRequest(method, seen.door + path.format(assume=role, who=WHO), data=body, headers={**kind, **more})
    SigV4Auth(Credentials(keys.id, keys.secret), "sts", REGION).add_auth(asked)
    status, _ = send(seen, body or None, dict(asked.headers.items()), asked.url, method)
    assert status in (400, 403)
    assert b"AssumeRole" not in seen.sent()
    assert seen.back.requests == 0


def test_another_region_is_not_signed_for(seen: World) -> None:
    """A signature is for one region; what the broker does not sign for is refused."""
    with pytest.raises(ClientError) as caught:
        seen.client("ec2", ALLOWED, region_name="eu-west-1").describe_instances()
    assert code_of(caught) == ("SignatureDoesNotMatch", 403, 0)


def test_a_session_token_is_refused(seen: World) -> None:
    """The gate issues no sessions, so that a token is another's."""
    with pytest.raises(ClientError) as caught:
        seen.client("ec2", ALLOWED, aws_session_token="token").describe_instances()
    assert code_of(caught) == ("InvalidClientTokenId", 403, 0)


def test_a_signed_address_passes_while_it_lasts(seen: World) -> None:
    """A presigned call is checked and signed anew; one that lasts for hours is refused."""
    ec2 = seen.client("ec2", ALLOWED)
    url = ec2.generate_presigned_url("describe_instances", ExpiresIn=300, HttpMethod="GET")
    assert b"DescribeInstancesResponse" in _fetched(url)
    assert b"X-Amz-Signature" not in seen.sent()
    long = ec2.generate_presigned_url("describe_instances", ExpiresIn=3600, HttpMethod="GET")
    changed = url.replace("DescribeInstances", "DescribeImages")
    for refused in (long, changed):
        with pytest.raises(urllib.error.HTTPError):
            _fetched(refused)


def signed_form(door: str, keys: Keys, body: bytes) -> dict[str, str]:
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", f"{door}/", data=body, headers=kind)
    SigV4Auth(Credentials(keys.id, keys.secret), "ec2", REGION).add_auth(request)
    return dict(request.headers.items())


def _fetched(asked: str | urllib.request.Request) -> bytes:
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 - an address of the test's own
        found: bytes = answer.read()
        return found


def send(
    world: World, body: bytes | None, headers: dict[str, str], url: str = "", method: str = "POST"
) -> tuple[int, bytes]:
    url = url or f"{world.door}/"
    request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310
    try:
        return 200, _fetched(request)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


RUN = b"Action=RunInstances&Version=2016-11-15&ImageId=ami-03cf127a&InstanceType=p5.48xlarge&MinCount=1&MaxCount=1"


def test_the_same_signature_starts_machines_once(seen: World) -> None:
    """What carries no token is taken once; what the SDK sends again with its token is the upstream's to know."""
    headers = signed_form(seen.door, seen.keys[ALLOWED], RUN)
    assert send(seen, RUN, headers)[0] == 200
    status, said = send(seen, RUN, headers)
    assert (status, b"SignatureDoesNotMatch" in said, b"sign it anew" in said) == (403, True, True)
    assert seen.sent().count(b"Action=RunInstances") == 1
    with_token = RUN + b"&ClientToken=one"
    headers = signed_form(seen.door, seen.keys[ALLOWED], with_token)
    first, second = send(seen, with_token, headers), send(seen, with_token, headers)
    assert (first[0], second[0]) == (200, 200)


def test_a_call_that_the_cloud_refused_may_be_sent_again(seen: World) -> None:
    """Nothing came of it, so the very same call is not a copy of one that did."""
    body = RUN + b"&SubnetId=subnet-0000000000000dead"
    headers = signed_form(seen.door, seen.keys[ALLOWED], body)
    first, second = send(seen, body, headers), send(seen, body, headers)
    assert first[0] == second[0] == 400
    assert b"InvalidSubnetID" in second[1]


def test_another_body_under_the_signature_is_refused(seen: World) -> None:
    """A body that was changed on the way is not the one that was signed."""
    keys = seen.keys[ALLOWED]
    headers = signed_form(seen.door, keys, RUN)
    status, said = send(seen, RUN.replace(b"MaxCount=1", b"MaxCount=9"), headers)
    assert (status, b"SignatureDoesNotMatch" in said) == (403, True)
    assert seen.back.requests == 0


def test_a_key_that_is_taken_back_is_good_for_nothing(world: World) -> None:
    """A revoked key is unknown within two seconds, and the customer's other key goes on working."""
    keys = issued(world.config, ALLOWED)
    ec2 = world.client("ec2", ALLOWED, aws_access_key_id=keys.id, aws_secret_access_key=keys.secret)
    ec2.describe_instances()
    _kyc_gate("broker", "revoke", keys.id, "--config", str(world.config))
    time.sleep(KNOWN_SECONDS)
    with pytest.raises(ClientError) as caught:
        ec2.describe_instances()
    assert code_of(caught) == ("InvalidClientTokenId", 403, 0)
    world.client("ec2", ALLOWED).describe_instances()


def test_secrets_are_sealed_at_rest(world: World) -> None:
    """No file of the store holds a secret. After a new sealing key the old one is needed no more."""
    kept = b"".join(file.read_bytes() for file in world.config.parent.glob("kyc-gate.db*"))
    for keys in world.keys.values():
        assert keys.id.encode() in kept
        assert keys.secret.encode() not in kept
    file = world.config.with_name("sealing.key")
    _kyc_gate("broker", "keygen", "--output", str(world.config.with_name("newer.key")))
    newer = world.config.with_name("newer.key").read_text()
    file.write_text(newer + file.read_text())
    told = json.loads(_kyc_gate("broker", "reseal", "--json", "--config", str(world.config)))
    assert told["resealed"] >= len(world.keys)
    file.write_text(newer)
    listed = _kyc_gate("broker", "list", "--json", "--config", str(world.config))
    assert {json.loads(line)["id"] for line in listed.splitlines()} >= {keys.id for keys in world.keys.values()}
    asyncio.run(_opens(world))
    world.client("ec2", BLOCKED).describe_instances()  # the gate that runs reads the file again


async def _opens(world: World) -> None:
    """Every secret opens with the key of the file, and is what was told."""
    async with opened_store(world.config) as (_, store):
        keys = SigningKeys(store, partial(read_sealer, world.config.with_name("sealing.key")))
        for issued_keys in world.keys.values():
            found = await keys.find(issued_keys.id)
            assert found is not None
            assert found[1] == issued_keys.secret


def _template(world: World, account: str, name: str, *types: str) -> str:
    """Make a template past the gate, with a version for each type; its id."""
    ec2 = world.there("ec2", account)
    made = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"InstanceType": types[0]})
    id: str = made["LaunchTemplate"]["LaunchTemplateId"]
    for each in types[1:]:
        ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData={"InstanceType": each})
    return id


def record_of(world: World, decision: str) -> dict[str, Any]:
    lines = _kyc_gate("audit", "export", "--config", str(world.config), "--json").splitlines()
    found = next(json.loads(line) for line in lines if decision in line)
    body: dict[str, Any] = json.loads(found["body"]) if isinstance(found.get("body"), str) else found
    return body


def from_template(world: World, account: str, count: int = 1, **template: str) -> Any:
    return world.client("ec2", account).run_instances(
        ImageId="ami-03cf127a", LaunchTemplate=template, MinCount=count, MaxCount=count
    )


def test_a_template_that_never_passed_the_gate_is_asked_about(seen: World) -> None:
    """A numbered version of a template is asked upstream with the operator's credentials, and decided by its type."""
    id = _template(seen, ALLOWED, "asked", "p5.48xlarge")
    answer = from_template(seen, ALLOWED, LaunchTemplateId=id, Version="1")
    record = record_of(seen, answer["ResponseMetadata"]["HTTPHeaders"]["kyc-decision-id"])
    (inquired,) = record["request"]["inquired"]
    assert inquired["lines"] == [{"count": 1, "instance_type": "p5.48xlarge", "model": None, "multiplier": 1}]
    assert inquired["by"] == "aws ec2 describe_launch_template_versions"
    assert inquired["at"]
    assert record["request"]["unresolved"] == []


def test_what_the_template_says_is_multiplied(seen: World) -> None:
    """Four thousand machines from a template are as many as four thousand that are named."""
    id = _template(seen, BLOCKED, "many", "p5.48xlarge")
    with pytest.raises(ClientError) as caught:
        from_template(seen, BLOCKED, MANY, LaunchTemplateId=id, Version="1")
    assert code_of(caught)[0] == "UnauthorizedOperation"


def test_a_template_that_is_not_there_waits_for_a_person(seen: World) -> None:
    """What the cloud does not know stays unresolved; so does a template of another customer."""
    other = _template(seen, BLOCKED, "other", "t3.micro")
    for id in ("lt-00000000000000000", other):
        with pytest.raises(ClientError) as caught:
            from_template(seen, ALLOWED, LaunchTemplateId=id, Version="1")
        assert code_of(caught) == ("PendingVerification", 403, 0)


def test_a_name_that_moves_goes_on_as_what_it_stood_for(seen: World) -> None:
    """`$Latest` of a name is decided as the version that it stands for, and that version is what the cloud is sent."""
    id = _template(seen, ALLOWED, "moving", "t3.micro", "p5.48xlarge")
    seen.back.clear()
    answer = from_template(seen, ALLOWED, LaunchTemplateName="moving", Version="$Latest")
    assert answer["Instances"][0]["InstanceType"] == "p5.48xlarge"
    sent = next(each for each in seen.sent().split(b"\r\n\r\n") if b"Action=RunInstances" in each)
    assert f"LaunchTemplate.LaunchTemplateId={id}&LaunchTemplate.Version=2".encode() in sent
    assert b"Latest" not in sent
    answer = from_template(seen, ALLOWED, LaunchTemplateId=id)  # its default version
    assert answer["Instances"][0]["InstanceType"] == "t3.micro"


def test_an_instance_that_never_passed_the_gate_is_asked_about(seen: World) -> None:
    """Starting machines that were made past the gate is decided by their types; one that is not there waits."""
    ec2 = seen.there("ec2", ALLOWED)
    made = ec2.run_instances(ImageId="ami-03cf127a", InstanceType="p5.48xlarge", MinCount=2, MaxCount=2)
    ids = [instance["InstanceId"] for instance in made["Instances"]]
    ec2.stop_instances(InstanceIds=ids)
    answer = seen.client("ec2", ALLOWED).start_instances(InstanceIds=ids)
    record = record_of(seen, answer["ResponseMetadata"]["HTTPHeaders"]["kyc-decision-id"])
    assert [line["instance_type"] for line in record["request"]["lines"]] == ["p5.48xlarge"] * 2
    with pytest.raises(ClientError) as caught:
        seen.client("ec2", ALLOWED).start_instances(InstanceIds=[ids[0], "i-0123456789abcdef0"])
    assert code_of(caught) == ("PendingVerification", 403, 0)


def test_a_job_definition_is_asked_about(seen: World) -> None:
    """The GPUs of a job's definition are counted, and the job waits, since no chip is named; so does one without."""
    needs = [{"type": "VCPU", "value": "4"}, {"type": "MEMORY", "value": "4096"}, {"type": "GPU", "value": "8"}]
    batch = seen.there("batch", ALLOWED)
    for name in ("plain", "heavy"):
        properties = {"image": "busybox", "resourceRequirements": needs if name == "heavy" else needs[:2]}
        batch.register_job_definition(jobDefinitionName=name, type="container", containerProperties=properties)
    client = seen.client("batch", ALLOWED)
    found = {}
    for name in ("plain:1", "heavy:1", "heavy"):
        with pytest.raises(ClientError) as caught:
            client.submit_job(jobName="j", jobQueue="queue", jobDefinition=name, arrayProperties={"size": 4})
        assert code_of(caught) == ("AccessDeniedException", 403, 0)
        decision = re.search(r"dec_[0-9a-f]+", str(caught.value))
        assert decision is not None
        asked = record_of(seen, decision[0])["request"]
        found[name] = [line["count"] * line["multiplier"] for line in asked["lines"]], asked["unresolved"]
    assert found == {
        "plain:1": ([], ["job-definition:plain:1"]),
        "heavy:1": ([32], []),
        "heavy": ([], ["job-definition:heavy"]),
    }


def test_the_command_line_passes(seen: World) -> None:
    """The aws command line starts what is allowed, and shows the service's own errors for the rest."""
    keys = seen.keys[ALLOWED]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(seen.config.parent),
        "AWS_ACCESS_KEY_ID": keys.id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": seen.door,
    }
    program = str(Path(sys.executable).with_name("aws"))
    asked = [program, "ec2", "run-instances", "--image-id", "ami-03cf127a", "--instance-type", "p5.48xlarge"]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["Instances"]) == 1
    environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "SignatureDoesNotMatch" in done.stderr


def test_clients_that_retry_retry_nothing(seen: World) -> None:
    """With retries allowed, a refused signature is still sent once."""
    ec2 = seen.client("ec2", ALLOWED, aws_secret_access_key="wrong", config=Config(retries={"total_max_attempts": 5}))
    with pytest.raises(ClientError) as caught:
        ec2.describe_instances()
    assert code_of(caught) == ("SignatureDoesNotMatch", 403, 0)
