"""The accounts of the AI Diffusion rule over installed chips: caps by country, consignee, company and site.

Pure arithmetic. Which countries are in which group, where the lines are and what their law is worth today is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import StrEnum
from fractions import Fraction

from kyc_gate.compute.installed import UNKNOWN, Installed
from kyc_gate.model.record import Record


class State(StrEnum):
    """Where an account stands. `REACHED` is exactly at its line."""

    BELOW = "below"
    REACHED = "reached"
    OVER = "over"


class Line(Record):
    """One line of the law: its name among the thresholds, and its value."""

    threshold: str
    value: Fraction


class Account(Record):
    """One account: what is used of what a line allows. `says` explains what was added up, in one sentence."""

    account: str
    subject: str
    used: Fraction
    line: Line
    unit: str
    says: str

    @property
    def state(self) -> State:
        """Where the account stands, exactly."""
        if self.used > self.line.value:
            return State.OVER
        return State.REACHED if self.used == self.line.value else State.BELOW


class Geography(Record):
    """The countries that the rule tells apart: authorized ones, and those for which licences are presumed denied."""

    authorized: frozenset[str]
    denied: frozenset[str]

    def capped(self, country: str) -> bool:
        """Whether the country cap speaks of `country`: neither authorized nor denied; unknown countries are."""
        return country not in self.authorized and country not in self.denied


def by_country(installed: Iterable[Installed]) -> Mapping[str, Fraction]:
    """Return the counted TPP of each country."""
    return _sums(installed, _country)


def country_caps(installed: Iterable[Installed], geography: Geography, line: Line) -> list[Account]:
    """Return the cumulative installed base of each country that has a cap (15 CFR 742.6(b)(10)(iii)(B))."""
    return _by_capped_country("country_cap", "TPP installed in {}", installed, geography, line)


def national_veu(installed: Iterable[Installed], geography: Geography, line: Line) -> list[Account]:
    """Return what the company holds in each country, against a national VEU's table (15 CFR 748.15(a)(2)(iii)(B))."""
    return _by_capped_country("nveu", "TPP that the company holds in {}", installed, geography, line)


def _by_capped_country(
    name: str, says: str, installed: Iterable[Installed], geography: Geography, line: Line
) -> list[Account]:
    return [
        Account(account=name, subject=country, used=tpp, line=line, unit="tpp", says=says.format(country))
        for country, tpp in by_country(installed).items()
        if geography.capped(country)
    ]


def low_processing(
    installed: Iterable[Installed], geography: Geography, year: int, annual: Line, notice: Line
) -> list[Account]:
    """Return what each consignee abroad received in the year (15 CFR 740.29), and what calls for a notice before that.

    Chips without a day are counted as received in the year: not knowing is not the same as earlier.
    """
    shipped = (each for each in installed if _in_year(each, year) and _country(each) not in geography.denied | {"US"})
    return [
        Account(
            account=account, subject=name, used=tpp, line=line, unit="tpp", says=f"TPP that {name} received in {year}"
        )
        for name, tpp in _sums(shipped, lambda each: each.placed.consignee).items()
        for account, line in (("lpp_annual", annual), ("lpp_notice", notice))
    ]


def authorized_filing(installed: Iterable[Installed], geography: Geography, line: Line) -> list[Account]:
    """Return the TPP of each consignee in authorized countries abroad, which calls for filing (15 CFR 740.27(c))."""
    eligible = (geography.authorized | {UNKNOWN}) - {"US"}
    received = _sums((each for each in installed if _country(each) in eligible), lambda each: each.placed.consignee)
    said = "TPP that {} received so far"
    return [
        Account(account="aia_filing", subject=name, used=tpp, line=line, unit="tpp", says=said.format(name))
        for name, tpp in received.items()
    ]


def universal_veu(
    installed: Iterable[Installed], geography: Geography, outside: Line, country: Line, us_outside: Line | None
) -> list[Account]:
    """Return the shares of a universal VEU's compute outside (15 CFR Part 748 Supp. No. 10 para 6).

    All of it outside the authorized countries, each of those countries, and, for one headquartered in the United
    States, all of it outside the United States.
    """
    bases = by_country(installed)
    total = sum(bases.values(), Fraction())
    if total == 0:
        return []
    away = {name: tpp for name, tpp in bases.items() if name not in geography.authorized}
    abroad = sum((tpp for name, tpp in bases.items() if name != "US"), Fraction())

    def account(name: str, subject: str, tpp: Fraction, line: Line, says: str) -> Account:
        return Account(account=name, subject=subject, used=tpp / total, line=line, unit="share", says=says)

    all_away = sum(away.values(), Fraction())
    found = [account("uveu_outside", "all", all_away, outside, "share of TPP outside the authorized countries")]
    found += [account("uveu_country", name, tpp, country, f"share of TPP in {name}") for name, tpp in away.items()]
    if us_outside is not None:
        found.append(account("uveu_us", "all", abroad, us_outside, "share of TPP outside the United States"))
    return found


def clusters(installed: Iterable[Installed], rate: Line, network: Line) -> list[Account]:
    """Return the peak of each site whose network is fast enough, or not known (EO 14110 s. 4.2(b)(ii)).

    Every chip counts at its fastest dense format, controlled or not. A site's network is the fastest that it names.
    """
    sites: dict[str, list[Installed]] = {}
    for each in installed:
        sites.setdefault(each.placed.site, []).append(each)
    return [
        Account(
            account="cluster",
            subject=site,
            used=sum((each.peak_rate for each in held), Fraction()),
            line=rate,
            unit="operations per second",
            says=f"peak of one site, {_network_said(held)}",
        )
        for site, held in sites.items()
        if _fast(held, network)
    ]


def _fast(held: list[Installed], network: Line) -> bool:
    rates = [each.placed.network_gbit_s for each in held]
    return any(rate is None or Fraction(repr(rate)) > network.value for rate in rates)


def _network_said(held: list[Installed]) -> str:
    rates = [each.placed.network_gbit_s for each in held]
    known = max((rate for rate in rates if rate is not None), default=None)
    return f"network of {known:g} Gbit/s" if known is not None and None not in rates else "network not known"


def _country(each: Installed) -> str:
    return each.placed.country or UNKNOWN


def _in_year(each: Installed, year: int) -> bool:
    day: date | None = each.placed.installed_on
    return day is None or day.year == year


def _sums(installed: Iterable[Installed], subject: Callable[[Installed], str]) -> Mapping[str, Fraction]:
    sums: dict[str, Fraction] = {}
    for each in installed:
        if each.counted:
            name = subject(each)
            sums[name] = sums.get(name, Fraction()) + each.tpp
    return dict(sorted(sums.items()))
