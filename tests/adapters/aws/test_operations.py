"""Which operations are guarded: all that provision, and all that nobody knows."""

from __future__ import annotations

import botocore
import botocore.session
import pytest

from kyc_gate.adapters.aws.operations import EC2, GUARDED, HARMLESS_SAGEMAKER, NEVER_DRY, REST, TOKENS, is_harmless

CHECKED_WITH = (1, 44, 8)
"""The release of botocore whose every operation was sorted into guarded and harmless. Later ones may know more."""


def model(service: str) -> list[str]:
    """Every operation of a service in botocore's model."""
    return list(botocore.session.Session().get_service_model(service).operation_names)


@pytest.mark.parametrize("service", sorted(GUARDED))
def test_every_guarded_operation_exists(service: str) -> None:
    """A guarded name is one that the API has, spelled as the API spells it."""
    assert set(GUARDED[service]) <= set(model(service))


def test_every_harmless_sagemaker_operation_exists() -> None:
    """A name on the harmless list is one that the API has, and is not guarded."""
    assert set(model("sagemaker")) >= HARMLESS_SAGEMAKER
    assert not HARMLESS_SAGEMAKER & set(GUARDED["sagemaker"])


@pytest.mark.parametrize("service", sorted(GUARDED))
def test_nothing_known_is_guarded_by_accident(service: str) -> None:
    """Of the operations that were sorted, those not harmless are those listed: no read goes to a person.

    A later release may know operations that nobody has sorted yet; they are guarded, and that is no fault.
    """
    guarded = {name for name in model(service) if not is_harmless(service, name)}
    assert guarded >= set(GUARDED[service])
    if tuple(int(part) for part in botocore.__version__.split(".")) <= CHECKED_WITH:
        assert guarded == set(GUARDED[service])


@pytest.mark.parametrize("service", sorted(GUARDED))
def test_an_unknown_operation_is_guarded(service: str) -> None:
    """A new way to provision reaches a person before it reaches the upstream."""
    assert not is_harmless(service, "GrantSupercomputer")
    assert not is_harmless(service, "LaunchInstancesV2")


@pytest.mark.parametrize("service", sorted(REST))
def test_every_guarded_path_exists(service: str) -> None:
    """A guarded method and path is one of the API's, up to the names of its segments."""
    found = botocore.session.Session().get_service_model(service)
    for path, (method, operation, _) in REST[service].items():
        http = found.operation_model(operation).http
        segments = [segment if "{" not in segment else "{}" for segment in http["requestUri"].split("/")]
        assert (http["method"], segments) == (method, [s if "{" not in s else "{}" for s in path.split("/")])


@pytest.mark.parametrize("service", sorted(TOKENS))
def test_tokens_are_those_of_the_api(service: str) -> None:
    """Each guarded operation has the token that the API knows, and no other."""
    found = botocore.session.Session().get_service_model(service)
    guarded = GUARDED.get(service) or [operation for _, operation, _ in REST[service].values()]
    known = {}
    for operation in guarded:
        shape = found.operation_model(operation).input_shape
        for name in shape.members if shape else ():
            if name.lower() in ("clienttoken", "clientrequesttoken", "idempotencytoken"):
                known[operation] = name
    assert TOKENS[service] == known


def test_operations_without_dry_run_are_those_of_the_api() -> None:
    """A guarded operation of EC2 is tried only where the API knows `DryRun`; Auto Scaling knows none."""
    ec2, scaling = (botocore.session.Session().get_service_model(name) for name in ("ec2", "autoscaling"))
    assert {name for name in EC2 if "DryRun" not in ec2.operation_model(name).input_shape.members} == NEVER_DRY
    shapes = [scaling.operation_model(name).input_shape for name in GUARDED["autoscaling"]]
    assert not [shape for shape in shapes if "DryRun" in shape.members]
