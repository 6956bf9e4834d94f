"""Which operations are guarded: all that provision, and all that nobody knows."""

from __future__ import annotations

import botocore.session
import pytest

from kyc_gate.adapters.aws.operations import GUARDED, HARMLESS_SAGEMAKER, REST, is_harmless


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
    """Of the operations that the API has today, those not harmless are those listed: no read goes to a person."""
    guarded = {name for name in model(service) if not is_harmless(service, name)}
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
