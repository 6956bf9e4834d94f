"""What the runs of a control group add up to, over a window and ever. Callers hold the transaction."""

from __future__ import annotations

from collections.abc import Collection

from kyc_gate.storage.rows import Connection
from kyc_gate.storage.spans import SPANS
from kyc_gate.storage.spread import OPERATIONS_A_UNIT, open_amount

# Sums are taken of quotient and remainder apart: a plain sum over many days could leave 64 bits. What turns `n` days
# into the window lasts `n` days less than the window, so it is counted from the window's end backwards.
_OF_DAYS = ", ".join(
    f"SUM(u.{name} / 1000000), SUM(u.{name} % 1000000),"
    f" SUM(u.turn_{name} / 1000000 * (u.day - :since)), SUM(u.turn_{name} % 1000000 * (u.day - :since))"
    for name in ("likely", "high")
)
_OF_SPANS = ", ".join(
    f"SUM(u.{name}), SUM(u.{name}_rest),"
    f" SUM(u.turn_{name} * (u.start - :since)), SUM(u.turn_{name}_rest * (u.start - :since))"
    for name in ("likely", "high")
)
_SHORT, _LONG = SPANS
_NONE = (0, 0)


def _spans(inside: int, days: int, condition: str) -> str:
    return (
        f"SELECT {inside}, h.id, {_OF_SPANS}, SUM(u.runs) FROM holders AS h JOIN usage_by_span AS u"
        f" ON u.holder = h.id AND u.days = {days}{condition} WHERE h.control_group = :control_group GROUP BY h.id"
    )


# The days of a window up to the first short span in it, the short spans up to the first long one, and the long ones.
_SUMS = " UNION ALL ".join(
    (
        f"SELECT 1, h.id, {_OF_DAYS}, SUM(u.runs) FROM holders AS h JOIN usage_by_day AS u ON u.holder = h.id"
        " AND u.day >= :since AND u.day < :short WHERE h.control_group = :control_group GROUP BY h.id",
        _spans(1, _SHORT, " AND u.start >= :short AND u.start < :long"),
        _spans(1, _LONG, " AND u.start >= :long"),
        _spans(0, _LONG, ""),
    )
)


class Sums:
    """What each holder of a control group takes up to the second `horizon`: since a day, and ever.

    Of the open-ended runs, each turn in the daily amount is known and has no turn back. So what they take from a day on
    is what all of them take a day, up to the horizon, less what those that began later did not take yet.
    """

    def __init__(self, connection: Connection, control_group: str, since: int, horizon: int) -> None:
        parameters = {
            "control_group": control_group,
            "since": since,
            "short": -(-since // _SHORT) * _SHORT,
            "long": -(-since // _LONG) * _LONG,
        }
        holders = connection.execute(
            "SELECT id, account, party_id, open_likely, open_high, open_runs FROM holders WHERE control_group = ?",
            (control_group,),
        )
        self._holders: dict[int, tuple[str, str, int, int, int]] = {row[0]: row[1:] for row in holders}
        self._since, self._horizon = since, horizon
        self._within: dict[int, tuple[int, int]] = {}
        self._ever: dict[int, tuple[int, int]] = {}
        self._ending: set[int] = set()
        for inside, id, a, b, c, d, e, f, g, h, runs in connection.execute(_SUMS, parameters):
            known = self._within if inside else self._ever
            likely, high = known.get(id, _NONE)
            # Quotients and remainders, of amounts and of turns, which are counted backwards.
            known[id] = (
                likely + int(a - c) * 1_000_000 + int(b - d),
                high + int(e - g) * 1_000_000 + int(f - h),
            )
            if inside and runs:
                self._ending.add(id)

    @property
    def seen(self) -> bool:
        """Whether anything falls into the window, or goes on."""
        return bool(self._within) or self.running > 0

    @property
    def running(self) -> int:
        """How many open-ended runs go on."""
        return sum([holder[4] for holder in self._holders.values()])

    @property
    def accounts(self) -> int:
        """How many accounts have a run that ends within the window, or goes on."""
        return len({account for id, (account, *_, runs) in self._holders.items() if runs or id in self._ending})

    def of(self, party_id: str, account: str) -> tuple[int, int, int, int, int, int]:
        """Return all that a hold asks for, in one pass: likely and high in the window, the same ever, and likely in the
        window of a party and of an account."""
        likely = high = ever_likely = ever_high = of_party = of_account = 0
        daily_likely = daily_high = daily_party = daily_account = 0
        for id, (name, party, open_likely, open_high, _) in self._holders.items():
            within, ever = self._within.get(id, _NONE), self._ever.get(id, _NONE)
            likely += within[0]
            high += within[1]
            ever_likely += ever[0]
            ever_high += ever[1]
            daily_likely += open_likely
            daily_high += open_high
            if party == party_id:
                of_party += within[0]
                daily_party += open_likely
            if name == account:
                of_account += within[0]
                daily_account += open_likely
        return (
            self._with_open(likely, daily_likely),
            self._with_open(high, daily_high),
            self._with_open(ever_likely, daily_likely),
            self._with_open(ever_high, daily_high),
            self._with_open(of_party, daily_party),
            self._with_open(of_account, daily_account),
        )

    def within(self, kind: int, *, party_id: str | None = None, account: str | None = None) -> int:
        """Return likely (0) or high (1) operations in the window, of one party or account where it is named."""
        ids = [
            id
            for id, (name, party, *_) in self._holders.items()
            if (party_id is None or party_id == party) and (account is None or account == name)
        ]
        return self._total(ids, self._within, kind)

    def ever(self, kind: int) -> int:
        """Return likely (0) or high (1) operations since the control group was first seen."""
        return self._total(self._holders, self._ever, kind)

    def _total(self, ids: Collection[int], amounts: dict[int, tuple[int, int]], kind: int) -> int:
        known = sum(amounts[id][kind] for id in ids if id in amounts)
        daily = 0
        for id in ids:
            _, _, *pace, _ = self._holders[id]
            daily += pace[kind]
        return self._with_open(known, daily)

    def _with_open(self, known: int, daily: int) -> int:
        """Return operations: what is known, and what goes on at so much a day, up to the horizon."""
        open_units = open_amount(daily, self._since, self._horizon) if daily else 0
        return max(known + open_units, 0) * OPERATIONS_A_UNIT
