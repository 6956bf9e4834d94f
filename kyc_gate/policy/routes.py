"""Routes: the calls on which rules are in another mode, told apart by what they ask the provider for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kyc_gate.model.decision import Mode
from kyc_gate.model.facts import RequestFacts
from kyc_gate.model.job import RequestKind
from kyc_gate.model.record import Record
from kyc_gate.policy.source import WARNINGS, Problem, Source
from kyc_gate.policy.syntax import All, Compare, Items, Literal, Name, Node
from kyc_gate.policy.tables import Table

_ASKED = {"providers": "provider", "services": "service", "operations": "operation", "kinds": "kind"}
"""Keys of a route, and the fact of the request that each is about."""


class Route(Record):
    """Calls that have one word of each list that is given, and the mode that rules are in there.

    `rules` are in exactly this mode; without any, every rule is, as far as it is in no milder one already.
    """

    name: str
    mode: Mode
    rules: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()

    def fits(self, asked: RequestFacts) -> bool:
        """Return whether a call is on the route."""
        return (
            (not self.operations or asked.operation in self.operations)
            and (not self.providers or asked.provider in self.providers)
            and (not self.services or asked.service in self.services)
            and (not self.kinds or asked.kind in self.kinds)
        )

    @property
    def node(self) -> Node:
        """What `fits` asks, as a condition."""
        parts = tuple(
            Compare(
                operator="in",
                left=Name(path=f"request.{fact}"),
                right=Items(items=tuple(Literal(value=word) for word in getattr(self, key))),
            )
            for key, fact in _ASKED.items()
            if getattr(self, key)
        )
        return parts[0] if len(parts) == 1 else All(operands=parts)

    def mode_of(self, rule: str, mode: Mode) -> Mode | None:
        """Return the mode of a rule on this route, or None where the route does not bear on it."""
        if self.rules:
            return self.mode if rule in self.rules else None
        return self.mode if self.mode.reach < mode.reach else None


class RuleRoute(Record):
    """A route that bears on one rule, and the rule's mode there."""

    route: Route
    mode: Mode


def mode_on(mode: Mode, routes: Sequence[RuleRoute], asked: RequestFacts) -> tuple[Mode, str | None]:
    """Return a rule's mode for a call and the route that sets it.

    INVARIANT: where several fit, the strictest counts.
    """
    fitting = [each for each in routes if each.route.fits(asked)]
    if not fitting:
        return mode, None
    chosen = max(fitting, key=lambda each: each.mode.reach)
    return chosen.mode, chosen.route.name


def read_routes(source: Source, problems: list[Problem]) -> list[Route]:
    """Return the tables `[[route]]` of a file, and note what is wrong with them."""
    top = Table(source.table, source, problems)
    return [_route(values, source, problems) for values in top.tables("route")]


def _route(values: object, source: Source, problems: list[Problem]) -> Route:
    name = values.get("name") if isinstance(values, dict) else None
    table = Table(values, source, problems, rule=name if isinstance(name, str) else None, kind="route", name="route")
    lists = {key: table.texts(key) for key in (*_ASKED, "rules")}
    table.known("kinds", lists["kinds"], map(str, RequestKind), "kind of request")
    if not any(lists[key] for key in _ASKED):
        table.refuse(f"a route says which calls are on it; add one of {', '.join(_ASKED)}")
    for key in ("rules", *_ASKED):
        if key in table.values and not lists[key]:
            table.refuse(f"`{key}` names nothing; leave it out, or name something", key)
    route = Route(
        name=table.text("name"),
        mode=table.choice("mode", Mode),
        accepts=table.known("accepts", table.texts("accepts"), WARNINGS, "warning"),
        **lists,
    )
    table.finish()
    return route


def named_twice(routes: Iterable[Route]) -> list[str]:
    """Return the names that several routes have."""
    names = [route.name for route in routes]
    return sorted({name for name in names if name and names.count(name) > 1})
