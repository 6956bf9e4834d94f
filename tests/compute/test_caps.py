"""`kyc_gate.compute.caps` and `kyc_gate.compute.installed`."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from kyc_gate.compute import caps
from kyc_gate.compute.caps import Geography, Line, State
from kyc_gate.compute.installed import Installed, Placed, resolve_installed
from kyc_gate.model.job import Accelerators

WORLD = Geography(authorized=frozenset({"US", "NO", "JP"}), denied=frozenset({"CN", "HK", "MO"}))
H100_TPP = 15832


def at(country: str | None, count: int = 1, model: str = "H100", **more: Any) -> Installed:
    """Chips of one model in a country."""
    return resolve_installed(Placed(line=Accelerators(model=model, count=count), country=country, **more))


def line(value: int | str) -> Line:
    """A line of the law."""
    return Line(threshold="line", value=Fraction(value))


@pytest.mark.parametrize(
    ("limit", "state"),
    [(10 * H100_TPP + 1, State.BELOW), (10 * H100_TPP, State.REACHED), (10 * H100_TPP - 1, State.OVER)],
)
def test_a_country_cap_is_exact(limit: int, state: State) -> None:
    """Ten H100 reach a cap of exactly their TPP, and one less is over."""
    (account,) = caps.country_caps([at("BR", 4), at("BR", 6)], WORLD, line(limit))
    assert account.state is state


def test_only_some_countries_have_a_cap() -> None:
    """Authorized countries have none, denied ones no allowance, and an unknown country is capped."""
    installed = [at(code) for code in ("NO", "CN", "HK", "BR", None)]
    assert {account.subject for account in caps.country_caps(installed, WORLD, line(1))} == {"BR", "unknown"}


def test_chips_that_are_not_controlled_are_left_out_and_unknown_ones_are_not() -> None:
    """A T4 adds nothing; a chip that nobody knows adds as much as the strongest."""
    assert caps.country_caps([at("BR", model="T4")], WORLD, line(1)) == []
    (account,) = caps.country_caps([at("BR", model="custom-asic-v9")], WORLD, line(1))
    assert account.used >= 200_000


def test_what_a_consignee_received_in_the_year() -> None:
    """Other years do not count, a day that nobody knows does, and neither chips at home nor denied ones are in it."""
    installed = [
        at("BR", 1, consignee="Rio", installed_on=date(2026, 1, 1)),
        at("NO", 2, consignee="Rio", installed_on=date(2026, 12, 31)),
        at("BR", 4, consignee="Rio"),
        at("BR", 8, consignee="Rio", installed_on=date(2025, 12, 31)),
        at("US", 16, consignee="Rio", installed_on=date(2026, 1, 1)),
        at("CN", 32, consignee="Rio", installed_on=date(2026, 1, 1)),
    ]
    annual, notice = caps.low_processing(installed, WORLD, 2026, line(26_900_000), line(7 * H100_TPP))
    assert annual.used == notice.used == 7 * H100_TPP
    assert (annual.state, notice.state) == (State.BELOW, State.REACHED)


def test_a_certificate_is_filed_over_all_years() -> None:
    """A consignee's chips in authorized countries abroad add up over years."""
    installed = [
        at("NO", 1, consignee="Fjord", installed_on=date(2025, 2, 1)),
        at("JP", 2, consignee="Fjord", installed_on=date(2026, 2, 1)),
        at("BR", 4, consignee="Fjord"),
        at("US", 8, consignee="Fjord"),
    ]
    (account,) = caps.authorized_filing(installed, WORLD, line(253_000_000))
    assert account.used == 3 * H100_TPP


def test_shares_of_a_universal_validated_end_user() -> None:
    """A quarter outside and seven per cent in a country are reached exactly, and half outside the United States too."""
    installed = [at("US", 50), at("NO", 25), at("BR", 7), at("CL", 18)]
    found = caps.universal_veu(installed, WORLD, line("1/4"), line("7/100"), line("1/2"))
    states = {(account.account, account.subject): account.state for account in found}
    assert states == {
        ("uveu_outside", "all"): State.REACHED,
        ("uveu_country", "BR"): State.REACHED,
        ("uveu_country", "CL"): State.OVER,
        ("uveu_us", "all"): State.REACHED,
    }
    assert caps.universal_veu([], WORLD, line("1/4"), line("7/100"), None) == []


@pytest.mark.parametrize(
    ("chips", "network", "state"),
    [
        pytest.param(50_531, 3200.0, State.OVER, id="at-scale"),
        pytest.param(50_530, 3200.0, State.BELOW, id="one-chip-short"),
        pytest.param(50_531, None, State.OVER, id="network-not-known"),
        pytest.param(50_531, 100.0, None, id="network-not-above"),
        pytest.param(50_531, 100.1, State.OVER, id="network-above"),
    ],
)
def test_a_cluster_is_one_site_at_full_peak(chips: int, network: float | None, state: State | None) -> None:
    """50,531 H100 reach 1e20 operations a second in their fastest format, over a network above 100 Gbit/s."""
    parts = [at("US", chips - 1, site="Ohio", network_gbit_s=network), at("US", 1, site="Ohio", network_gbit_s=network)]
    elsewhere = at("US", 10**6, site="Iowa", network_gbit_s=1.0)
    found = caps.clusters([*parts, elsewhere], line(10**20), line(100))
    assert [account.state for account in found] == ([] if state is None else [state])


def test_machines_and_shares_are_resolved() -> None:
    """A machine type holds its chips, and a sixth of a chip is a sixth."""
    held = resolve_installed(Placed(line=Accelerators(instance_type="p5.48xlarge", count=2), provider="aws"))
    assert (held.chips, held.tpp) == (16, 16 * H100_TPP)
    part = resolve_installed(Placed(line=Accelerators(instance_type="g6f.large", count=1)))
    assert part.chips == Fraction(1, 8)
