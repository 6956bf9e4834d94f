"""The catalogue of decisions as rows: drawn from the records behind them, and never in their way.

Callers hold the transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kyc_gate.audit.seal import seal_in
from kyc_gate.errors import InputError
from kyc_gate.model.catalogue import DecisionCard, DecisionPage, DecisionQuery
from kyc_gate.model.record import Record
from kyc_gate.storage.chain_log import head_of
from kyc_gate.storage.rows import Connection
from kyc_gate.storage.timestamps import micros

DRAWN_AT_ONCE = 128
"""Records whose cards are drawn in one turn: some ten milliseconds of reading, and two of writing."""

SEARCHED_AT_ONCE = 500
MOST_SEARCHED = 5_000
"""Cards that one search looks at, at most: some fifteen milliseconds of the thread that reads."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_COLUMNS = (
    "c.position, c.id, c.at, c.kind, c.outcome, c.acted, c.provider, c.account, c.party_id, c.operation,"
    " c.rules, c.counting, c.erased"
)


class Drawn(Record):
    """Cards drawn from the records between two marks."""

    since: int
    upto: int
    cards: tuple[DecisionCard, ...]


def draw(connection: Connection) -> Drawn | None:
    """Return the cards of the next records behind the mark; None where there are none."""
    mark = _mark(connection)
    rows = connection.execute(
        "SELECT records.position, records.decision_id, records.body, personal.party_id, personal.content"
        " FROM records LEFT JOIN personal USING (position)"
        " WHERE records.position > ? ORDER BY records.position LIMIT ?",
        (mark, DRAWN_AT_ONCE),
    ).fetchall()
    if not rows:
        return None
    cards = (_drawn(*row) for row in rows)
    return Drawn(since=mark, upto=int(rows[-1][0]), cards=tuple(card for card in cards if card is not None))


def file_cards(connection: Connection, drawn: Drawn) -> bool:
    """Write cards and move the mark, unless somebody else did; return whether they were written.

    A record that was erased meanwhile has its card without what tells of people.
    """
    moved = connection.execute(
        "UPDATE decision_mark SET position = ? WHERE id = 1 AND position = ?", (drawn.upto, drawn.since)
    )
    if moved.rowcount != 1:
        return False
    sealed = connection.execute(
        "SELECT position FROM personal WHERE position > ? AND position <= ?", (drawn.since, drawn.upto)
    )
    kept = {int(position) for (position,) in sealed}
    cards = [card if card.position in kept or _bare(card) else _without_people(card) for card in drawn.cards]
    connection.executemany(
        "INSERT INTO decision_cards (position, id, at, kind, outcome, acted, provider, account, party_id, operation,"
        " rules, counting, erased) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_row(card) for card in cards],
    )
    connection.executemany(
        "INSERT INTO decision_rules (rule, at, position, counts) VALUES (?, ?, ?, ?)",
        [
            (rule, micros(card.at), card.position, int(rule in card.counting))
            for card in cards
            for rule in dict.fromkeys(card.rules)
        ],
    )
    return True


def forget_people(connection: Connection, positions: Sequence[int]) -> None:
    """Take from the cards what tells of people: their records' sealed parts were erased."""
    connection.executemany(
        "UPDATE decision_cards SET provider = NULL, account = NULL, party_id = NULL, operation = NULL, erased = 1"
        " WHERE position = ?",
        [(position,) for position in positions],
    )


def behind(connection: Connection) -> int:
    """Return how many records have no card yet."""
    head = head_of(connection)
    return (head[0] if head else 0) - _mark(connection)


def decisions_found(connection: Connection, query: DecisionQuery) -> DecisionPage:
    """Return a page of what `query` asks for, the newest first. Raises `InputError` for an `after` that is none.

    It walks along the narrowest index that the query names, and stops after `MOST_SEARCHED` cards.
    """
    last = _place(query.after)
    found: list[DecisionCard] = []
    looked, most = 0, query.limit + 1
    while True:
        page = _walk(connection, query, last, most)
        for row in page:
            if _wanted(row, query):
                if len(found) == query.limit:
                    return _page(connection, found, last)
                found.append(_card(row))
            last = (int(row[2]), int(row[0]))
        looked += len(page)
        if len(page) < most:
            return _page(connection, found, None)
        if looked >= MOST_SEARCHED:
            return _page(connection, found, last, stopped=True)
        most = SEARCHED_AT_ONCE


def card_of(connection: Connection, position: int) -> DecisionCard | None:
    """Return the card of the record at a position."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM decision_cards c WHERE c.position = ?", (position,)).fetchone()
    return _card(row) if row else None


def count_rules(connection: Connection, rules: Sequence[str], since: datetime, most: int) -> dict[str, tuple[int, int]]:
    """Return for each rule how often it had a finding since then, and how often that counted; each up to `most`."""
    counted = (
        "SELECT COUNT(*), COALESCE(SUM(counts), 0) FROM"
        " (SELECT counts FROM decision_rules WHERE rule = ? AND at >= ? ORDER BY at DESC LIMIT ?) AS hits"
    )
    found = {}
    for rule in rules:
        hits, counting = connection.execute(counted, (rule, micros(since), most)).fetchone()
        found[rule] = (int(hits), int(counting))
    return found


# Drawing


def _drawn(position: int, id: str | None, body: str, party_id: str | None, content: str | None) -> DecisionCard | None:
    """Return the card of a record; None for one that is no decision's."""
    if id is None or "/" in id:
        return None
    said = json.loads(body)
    at = _moment(said.get("at"))
    if at is None:
        return None
    parts = _parts(content) if content is not None else _Parts()
    counting = tuple(str(rule) for rule in said.get("rules") or _counting(parts))
    return DecisionCard(
        position=position,
        id=id,
        at=at,
        kind=str(said.get("type", "decision")),
        outcome=str(said.get("outcome") or parts.decision.outcome),
        acted=str(said.get("acted", "")),
        provider=parts.request.provider,
        account=parts.request.caller.account,
        party_id=party_id,
        operation=parts.request.operation,
        rules=tuple(dict.fromkeys((*counting, *(finding.rule for finding in parts.decision.findings)))),
        counting=counting,
        erased=content is None and seal_in(body) is not None,
    )


class _Caller(msgspec.Struct):
    account: str | None = None


class _Request(msgspec.Struct):
    provider: str | None = None
    operation: str | None = None
    caller: _Caller = msgspec.field(default_factory=_Caller)


class _Finding(msgspec.Struct):
    rule: str
    counts: bool = True


class _Decision(msgspec.Struct):
    outcome: str = ""
    findings: tuple[_Finding, ...] = ()


class _Parts(msgspec.Struct):
    """Of the sealed parts what a card holds; the rest is passed over unread."""

    request: _Request = msgspec.field(default_factory=_Request)
    decision: _Decision = msgspec.field(default_factory=_Decision)


_decode = msgspec.json.Decoder(_Parts).decode


def _parts(content: str) -> _Parts:
    """Return what a card holds of the sealed parts; nothing of parts that say it in another shape."""
    try:
        return _decode(content)
    except msgspec.ValidationError:
        return _Parts()
    except msgspec.DecodeError:  # half a pair of surrogates, which Python reads
        try:
            return msgspec.convert(json.loads(content), _Parts)
        except msgspec.ValidationError:
            return _Parts()


def _counting(parts: _Parts) -> Iterator[str]:
    return (finding.rule for finding in parts.decision.findings if finding.counts)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _bare(card: DecisionCard) -> bool:
    """Return whether a card tells of nobody."""
    return card.provider is None and card.account is None and not card.party_id and card.operation is None


def _without_people(card: DecisionCard) -> DecisionCard:
    return msgspec.structs.replace(card, provider=None, account=None, party_id=None, operation=None, erased=True)


# Rows


def _mark(connection: Connection) -> int:
    return int(connection.execute("SELECT position FROM decision_mark WHERE id = 1").fetchone()[0])


def _row(card: DecisionCard) -> tuple[Any, ...]:
    return (
        card.position,
        _text(card.id),
        micros(card.at),
        card.kind,
        card.outcome,
        card.acted,
        _text(card.provider),
        _text(card.account),
        _text(card.party_id),
        _text(card.operation),
        json.dumps(card.rules),
        json.dumps(card.counting),
        int(card.erased),
    )


def _text(value: str | None) -> str | None:
    """Return a text that a column can hold: half a pair of surrogates, and NUL, are no text there."""
    return None if value is None else value.encode("utf-8", "replace").decode("utf-8").replace("\0", "�")


def _card(row: Sequence[Any]) -> DecisionCard:
    position, id, at, kind, outcome, acted, provider, account, party_id, operation, rules, counting, erased = row
    return DecisionCard(
        position=int(position),
        id=id,
        at=_EPOCH + timedelta(microseconds=int(at)),
        kind=kind,
        outcome=outcome,
        acted=acted,
        provider=provider,
        account=account,
        party_id=party_id,
        operation=operation,
        rules=tuple(json.loads(rules)),
        counting=tuple(json.loads(counting)),
        erased=bool(erased),
    )


# Searching


_Place = tuple[int, int] | None
"""Time and position of the last card that was looked at."""


def _place(after: str | None) -> _Place:
    """Return the time and position at which a page ended."""
    if after is None:
        return None
    at, _, position = after.partition("-")
    if not (at.isdecimal() and position.isdecimal() and len(after) <= 40 and after.isascii()):
        raise InputError(f"`after` is `{after[:40]}`; it is what the page before says")
    return int(at), int(position)


_AT = {column.removeprefix("c."): number for number, column in enumerate(_COLUMNS.split(", "))}

_NARROW = ("party_id", "account", "operation", "outcome", "provider")
"""Columns with an index of their own, those that usually leave fewest first."""


def _walk(connection: Connection, query: DecisionQuery, last: _Place, most: int) -> list[Sequence[Any]]:
    """Return the rows of the next cards along the index that the query narrows most, those before `last`."""
    table, where, values = "decision_cards c", ["TRUE"], dict[str, Any]()
    narrow = next((column for column in _NARROW[:2] if getattr(query, column) is not None), None)
    place = "c"
    if narrow is None and query.rule is not None:
        table, place = "decision_rules r JOIN decision_cards c ON c.position = r.position", "r"
        where.append("r.rule = :rule")
        values["rule"] = _text(query.rule)
    else:
        narrow = narrow or next((column for column in _NARROW[2:] if getattr(query, column) is not None), None)
        if narrow is not None:
            where.append(f"c.{narrow} = :narrow")
            values["narrow"] = _text(getattr(query, narrow))
    if query.since is not None:
        where.append(f"{place}.at >= :since")
        values["since"] = micros(query.since)
    if query.until is not None:
        where.append(f"{place}.at < :until")
        values["until"] = micros(query.until)
    if last is not None:
        where.append(f"({place}.at, {place}.position) < (:at, :position)")
        values |= {"at": last[0], "position": last[1]}
    return connection.execute(
        f"SELECT {_COLUMNS} FROM {table} WHERE {' AND '.join(where)}"
        f" ORDER BY {place}.at DESC, {place}.position DESC LIMIT :most",
        {**values, "most": most},
    ).fetchall()


def _wanted(row: Sequence[Any], query: DecisionQuery) -> bool:
    party = row[_AT["party_id"]]
    if query.not_of and (party is None or party in query.not_of):
        return False
    if query.rule is not None and json.dumps(query.rule) not in row[_AT["rules"]]:
        return False
    for column in _NARROW:
        asked = getattr(query, column)
        if asked is not None and row[_AT[column]] != _text(asked):
            return False
    return True


def _page(
    connection: Connection, found: Sequence[DecisionCard], last: _Place, *, stopped: bool = False
) -> DecisionPage:
    return DecisionPage(
        found=tuple(found),
        after=f"{last[0]}-{last[1]}" if last else None,
        searched_back_to=_EPOCH + timedelta(microseconds=last[0]) if last and stopped else None,
        behind=behind(connection),
    )
