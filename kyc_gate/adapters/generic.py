"""The generic adapter: a JSON provisioning API as configuration describes it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, Decimal

from kyc_gate.adapters.adapter import Learned, Refusal
from kyc_gate.adapters.form import read_form
from kyc_gate.adapters.generic_route import GenericRoute
from kyc_gate.adapters.head import check_head, check_method, check_target, has_body
from kyc_gate.adapters.paths import PathTable, Place, Standing
from kyc_gate.adapters.problem import problem_answer
from kyc_gate.adapters.strict_json import JsonValue, read_json_object
from kyc_gate.adapters.values import count, read_workload, reference, token
from kyc_gate.adapters.words import nearest, shown
from kyc_gate.compute.lineage_input import parse_lineage
from kyc_gate.errors import InputError, RefusedCall
from kyc_gate.model.call import Answer, Call, RawHeaders
from kyc_gate.model.ending import Ending
from kyc_gate.model.job import Accelerators, Caller, Certainty, ProvisioningRequest, Workload
from kyc_gate.model.lineage import Lineage
from kyc_gate.model.record import digest, plain

__all__ = ["GenericAdapter", "GenericRoute"]

Path = tuple[str, ...]

MAX_SECONDS = 10 * 366 * 86_400
"""Ten years. A longer run is a unit confused."""

HARMLESS_ACTIONS = frozenset({"cancel", "stop", "terminate", "delete", "pause", "suspend", "abort"})
"""Last segments of paths below a guarded one that only give capacity back."""

ENDING_ACTIONS = HARMLESS_ACTIONS - {"pause", "suspend"}
"""Last segments that end a run for good. What is only paused may be resumed by a call that nobody sees."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")
_JSON_TYPE = re.compile(rb"(?i)application/json(?:\s*;\s*charset=\"?utf-8\"?)?")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}")
_UNITS = (("duration_seconds", 1), ("duration_minutes", 60), ("duration_hours", 3600), ("duration_days", 86_400))
_SAFE = ("GET", "HEAD", "OPTIONS", "DELETE")
_CHANGING = frozenset({"POST", "PUT", "PATCH", "QUERY"})
_MISSING = object()


def _of_this_hop(call: Call) -> set[bytes]:
    """Return the header names that a call keeps from whoever stands behind the next server (RFC 9110, 7.6.1)."""
    return {name.strip().lower() for value in call.values(b"connection") for name in value.split(b",")}


class GenericAdapter:
    """The dialect of a platform's own API.

    `account_header` is set by the platform's authentication and by nobody else; what it says counts as verified.
    `idempotency_header` carries the token that makes a retry a retry; name it only where the API behind the gate
    honours it too, since one token is one job in the ledger. `harmless` names path patterns below guarded ones
    whose calls change nothing that matters; other changing calls below a guarded path are refused.
    """

    def __init__(
        self,
        routes: Sequence[GenericRoute],
        *,
        name: str = "generic",
        account_header: str | None = None,
        idempotency_header: str | None = None,
        harmless: Sequence[str] = (),
    ) -> None:
        if not routes:
            raise ValueError("the generic adapter has no route; describe at least one")
        self.name = name
        self._table = PathTable([route.path for route in routes])
        self._harmless = PathTable(harmless)
        self._routes: dict[tuple[str, str], _Reader] = {}
        self._methods: dict[str, set[str]] = {}
        self._run_ids = {route.operation: split_path(route.run_id) for route in routes if route.run_id}
        self._first_reader: _Reader | None = None
        for route in routes:
            if not route.methods or not set(route.methods) <= _CHANGING:
                raise ValueError(f"route `{route.operation}`: methods are some of {', '.join(sorted(_CHANGING))}")
            reader = _Reader(route, account_header, idempotency_header)
            self._first_reader = self._first_reader or reader
            for method in route.methods:
                if (route.path, method) in self._routes:
                    raise ValueError(f"route `{route.operation}`: {method} `{route.path}` is described twice")
                self._routes[route.path, method] = reader
                self._methods.setdefault(route.path, set()).add(method)

    def overlooks(self, raw_path: bytes, query: bytes, headers: RawHeaders) -> bool:
        """Return true where the path has nothing to do with a guarded one. See `Adapter.overlooks`."""
        return self._table.elsewhere(raw_path)

    def guards(self, call: Call) -> bool:
        """Return whether the call is a guarded operation, or ends a run. See `Adapter.guards`."""
        return self._find(call) is not None or self._ended_run(call) is not None

    def _find(self, call: Call) -> tuple[_Reader, Place] | None:
        if self not in call.found:
            call.found[self] = self._looked_up(call)
        found: tuple[_Reader, Place] | None = call.found[self]
        return found

    def _looked_up(self, call: Call) -> tuple[_Reader, Place] | None:
        place = self._table.place(call.raw_path)
        if place.standing is Standing.ELSEWHERE:
            return None
        if place.standing is Standing.BELOW:
            self._check_below(call)
            return None
        if place.standing is not Standing.EXACT:
            if call.raw_path == b"*" and call.method == "OPTIONS" and not has_body(call):
                return None  # asks about the server as a whole (RFC 9112, 3.2.4)
            check_method(call)
            if place.standing is Standing.VARIANT and call.method in _SAFE and not has_body(call):
                return None
            raise RefusedCall(400, "target", f"path {shown(call.raw_path)} is not a plain spelling of a path")
        check_head(call)
        reader = self._routes.get((place.pattern, call.method))
        if reader is not None:
            _check_content_type(call)
            return reader, place
        if call.method in _SAFE and not has_body(call):
            return None
        declared = ", ".join(sorted(self._methods[place.pattern]))
        raise RefusedCall(405, "method", f"method {call.method} is not described for this path; use {declared}")

    def _check_below(self, call: Call) -> None:
        """Refuse what may change an operation after its approval and is not described."""
        check_method(call)
        if call.method in _SAFE and not has_body(call):
            return
        check_target(call)
        last = call.raw_path.rpartition(b"/")[2].decode("ascii").rpartition(":")[2]
        if last in HARMLESS_ACTIONS or self._harmless.place(call.raw_path).standing is Standing.EXACT:
            return
        raise RefusedCall(
            405,
            "method",
            f"{call.method} below a guarded path is not described; describe it as a route or list it as harmless",
        )

    def read(self, call: Call) -> ProvisioningRequest | None:
        """Return what the call asks for. See `Adapter.read`."""
        found = self._find(call)
        if found is None:
            return None
        reader, place = found
        document = read_json_object(call.body or b"")
        reader.check_fields(document)
        query = reader.read_query(call.query)
        caller = reader.caller(call, document)
        return reader.request(self.name, document, caller, place, query, reader.token(self.name, call, caller))

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Return the refusal as a problem document (RFC 9457); a 405 says which methods the path has (RFC 9110)."""
        answer = problem_answer(refusal)
        if refusal.status != 405:
            return answer
        methods = ", ".join(sorted(self._methods.get(self._table.place(call.raw_path).pattern, ())))
        return Answer(
            status=answer.status, headers=(*answer.headers, (b"allow", methods.encode("ascii"))), body=answer.body
        )

    def learns(self, request: ProvisioningRequest) -> bool:
        """Return whether the answer tells the id of what was started."""
        return request.operation in self._run_ids and not request.dry_run

    def learn(self, request: ProvisioningRequest, call: Call, status: int, body: bytes) -> tuple[Learned, ...]:
        """Return the run that the answer names, known by the path under which it stands from then on."""
        path = self._run_ids.get(request.operation)
        if path is None or not 200 <= status < 300:
            return ()
        id = _at(read_json_object(body), path)
        text = str(id) if isinstance(id, (str, int)) and not isinstance(id, bool) else ""
        if not _RUN_ID.fullmatch(text):
            return ()
        where = call.raw_path.decode("ascii", "replace").rstrip("/")
        return (Learned(kind="run", id=f"{where}/{text}", lines=request.lines),)

    def ending(self, call: Call) -> Ending | None:
        """Return the run that the call ends: `DELETE` of its path, or an action such as `cancel` below it."""
        found = self._ended_run(call)
        reader = self._first_reader
        if found is None or reader is None:
            return None
        account = reader.caller(call, {}).account
        return None if account is None else Ending(provider=self.name, account=account, references=(f"run:{found}",))

    def _ended_run(self, call: Call) -> str | None:
        """Return the path of the run that the call ends, or None."""
        if not self._run_ids or call.method not in ("DELETE", "POST", "PUT", "PATCH"):
            return None
        if self._table.place(call.raw_path).standing is not Standing.BELOW:
            return None
        path = call.raw_path.decode("ascii", "replace").rstrip("/")
        if call.method == "DELETE":
            return path
        run, separator, action = path.rpartition(":" if ":" in path.rpartition("/")[2] else "/")
        return run if separator and action in ENDING_ACTIONS else None


class _Reader:
    """One route with its paths split."""

    def __init__(self, route: GenericRoute, account_header: str | None, idempotency_header: str | None) -> None:
        self.route = route
        self._account_header = account_header.lower().encode("ascii") if account_header else None
        self._idempotency_header = idempotency_header.lower().encode("ascii") if idempotency_header else None
        given = {name: value for name, value in plain(route.fields).items() if value is not None}
        self._paths: dict[str, Path] = {name: split_path(value) for name, value in given.items()}
        self._linkage = {text: split_path(text) for text in route.linkage}
        others = [split_path(text) for text in route.other_fields]
        self._whole = frozenset(others)
        self._leaves = frozenset((*self._paths.values(), *self._linkage.values()))
        self._known = [".".join(leaf) for leaf in (*self._leaves, *self._whole)]
        prefixes = {leaf[:length] for leaf in self._leaves for length in range(1, len(leaf) + 1)}
        self._respelled = {folded(path) for path in prefixes}
        if sum(name.startswith("duration_") for name in self._paths) > 1:
            raise ValueError(f"route `{route.operation}`: more than one duration field; map one unit")
        if "lineage" in self._paths and self._paths.keys() & set(LINEAGE_FIELDS):
            raise ValueError(f"route `{route.operation}`: map `lineage`, or the single fields of it, not both")
        if {"instance_type", "accelerator"} <= self._paths.keys():
            raise ValueError(
                f"route `{route.operation}`: name machines by `instance_type` or chips by `accelerator`, not both"
            )

    def check_fields(self, document: dict[str, JsonValue]) -> None:
        """Refuse a field that nobody described, and a described field in another case."""
        for path in _walk(document, self._leaves, self._whole):
            name = ".".join(path)
            if self.route.unknown_fields == "ignore" and folded(path) not in self._respelled:
                continue
            raise RefusedCall(
                400,
                "unknown-field",
                f"body field {shown(name)} is not known here{nearest(name, self._known) or '; leave it out'}",
            )

    def read_query(self, query: bytes) -> dict[str, str]:
        """Return the query's parameters; refuse one that nobody described."""
        parameters = read_form(query, what="query")
        for name in parameters:
            if name not in self.route.query_parameters and self.route.unknown_fields == "refuse":
                raise RefusedCall(
                    400, "unknown-parameter", f"query parameter {shown(name)} is not known here; leave it out"
                )
        return parameters

    def caller(self, call: Call, document: dict[str, JsonValue]) -> Caller:
        """The header that the platform's authentication sets is proof; a field of the body is a claim."""
        values = call.values(self._account_header) if self._account_header else ()
        if len(values) > 1:
            raise RefusedCall(400, "account", "the account header is sent more than once")
        if values and self._account_header in _of_this_hop(call):
            raise RefusedCall(400, "account", "`Connection` names the account header, which would then go no further")
        proved = values[0].decode("latin-1") if values else None
        claimed = self._claimed(document)
        for account in (proved, claimed):
            if account is not None and not _ACCOUNT.fullmatch(account):
                raise RefusedCall(403, "account", "the account id is not one that this platform gives")
        if proved is not None and claimed is not None and proved != claimed:
            raise RefusedCall(403, "account", "the account in the body is not the account that sent the call")
        if proved is not None:
            return Caller(account=proved, verified=True, how="header")
        return Caller(account=claimed, how="body") if claimed is not None else Caller()

    def _claimed(self, document: dict[str, JsonValue]) -> str | None:
        value = self._value(document, "account")
        if value is _MISSING:
            return None
        if not isinstance(value, str):
            raise RefusedCall(400, "account", f"{self._label('account')} {shown(value)} is not a text")
        return value

    def token(self, provider: str, call: Call, caller: Caller) -> str | None:
        """Return the key under which retries of this call count once, scoped by account."""
        values = call.values(self._idempotency_header) if self._idempotency_header else ()
        if len(values) > 1:
            raise RefusedCall(400, "idempotency-token", "the idempotency header is sent more than once")
        value = token(values[0].decode("latin-1"), "the idempotency header") if values else None
        return f"{provider}/{caller.account or '-'}/{value}" if value else None

    def request(
        self,
        provider: str,
        document: dict[str, JsonValue],
        caller: Caller,
        place: Place,
        query: dict[str, str],
        key: str | None,
    ) -> ProvisioningRequest:
        """Return the request that the document describes."""
        route = self.route
        lines, unresolved = self._lines(document)
        asked = {
            "provider": provider,
            "account": caller.account,
            "operation": route.operation,
            "path": place.parts,
            "query": query,
            "body": document,
        }
        return ProvisioningRequest(
            provider=provider,
            service=route.service,
            operation=route.operation,
            kind=route.kind,
            lines=lines,
            certainty=Certainty.UNRESOLVED if unresolved else Certainty.EXACT,
            unresolved=unresolved,
            duration_seconds=self._duration(document),
            workload=self._workload(document),
            declared_operations=self._operations(document),
            region=self.text(document, "region"),
            place_of_use=self.text(document, "place_of_use"),
            data_centre=self.text(document, "data_centre"),
            caller=caller,
            linkage=tuple(sorted(self._links(document))),
            idempotency_key=key,
            dry_run=self._dry_run(document),
            fingerprint=digest(asked),
            lineage=self._lineage(document),
        )

    def _value(self, document: dict[str, JsonValue], field: str) -> object:
        """Return the value of a mapped field, or `_MISSING`."""
        path = self._paths.get(field)
        return _MISSING if path is None else _at(document, path)

    def _label(self, field: str) -> str:
        return f"body field `{'.'.join(self._paths[field])}`"

    def text(self, document: dict[str, JsonValue], field: str) -> str | None:
        """Return the text of a mapped field, None when absent. Raises `RefusedCall` 400 for anything but plain text."""
        value = self._value(document, field)
        if value is _MISSING or value is None:
            return None
        if isinstance(value, str) and value.isprintable() and 0 < len(value) <= 200:
            return value
        raise RefusedCall(
            400, "field", f"{self._label(field)} {shown(value)} is not a text of 1 to 200 printable characters"
        )

    def _lines(self, document: dict[str, JsonValue]) -> tuple[tuple[Accelerators, ...], tuple[str, ...]]:
        number, unresolved = self._count(document, "count"), []
        nodes = self._count(document, "nodes")
        instance_type = self.text(document, "instance_type")
        model = self.text(document, "accelerator") or self.route.assume_accelerator
        if number is None and nodes is None and "count" in self._paths:
            unresolved.append(reference("field", ".".join(self._paths["count"])))
        if instance_type is None and model is None:
            field = self._paths.get("instance_type") or self._paths.get("accelerator") or ("accelerator",)
            unresolved.append(reference("field", ".".join(field)))
            model = "unspecified"
        line = Accelerators(
            count=number or 1,
            instance_type=instance_type,
            model=model if instance_type is None else None,
            multiplier=nodes or 1,
        )
        return (line,), tuple(unresolved)

    def _count(self, document: dict[str, JsonValue], field: str) -> int | None:
        value = self._value(document, field)
        return None if value is _MISSING else count(value, self._label(field))

    def _duration(self, document: dict[str, JsonValue]) -> int | None:
        """Return the stated seconds, rounded up; None when the call states no end."""
        for field, unit in _UNITS:
            value = self._value(document, field)
            if value is _MISSING or value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not 0 < value * unit <= MAX_SECONDS:
                what = f"a number of {field.removeprefix('duration_')} above 0 and within ten years"
                raise RefusedCall(400, "duration", f"{self._label(field)} {shown(value)} is not {what}")
            return int((Decimal(value) * unit).to_integral_value(ROUND_CEILING))
        return None

    def _workload(self, document: dict[str, JsonValue]) -> Workload:
        value = self._value(document, "workload")
        if value is _MISSING or value is None:
            return self.route.assume_workload or Workload.UNKNOWN
        return read_workload(value, self._label("workload"))

    def _operations(self, document: dict[str, JsonValue]) -> int | None:
        value = self._value(document, "declared_operations")
        if value is _MISSING or value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value <= 0 or value % 1 != 0:
            label = self._label("declared_operations")
            raise RefusedCall(400, "operations", f"{label} {shown(value)} is not a whole number of operations above 0")
        return int(value)

    def _lineage(self, document: dict[str, JsonValue]) -> Lineage | None:
        """Return what the customer declares that the run starts from and trains, or None where nothing is said."""
        written = self._value(document, "lineage")
        if written is _MISSING or written is None:
            written = written_lineage({name: self._value(document, name) for name in LINEAGE_FIELDS})
        try:
            return None if written is None else parse_lineage(written)
        except InputError as error:
            raise RefusedCall(400, "lineage", str(error)) from None

    def _dry_run(self, document: dict[str, JsonValue]) -> bool:
        value = self._value(document, "dry_run")
        if value is _MISSING or value is None:
            return False
        if not isinstance(value, bool):
            raise RefusedCall(400, "field", f"{self._label('dry_run')} {shown(value)} is neither true nor false")
        return value

    def _links(self, document: dict[str, JsonValue]) -> Iterator[tuple[str, str]]:
        for name, path in self._linkage.items():
            value = _at(document, path)
            if isinstance(value, str) and value:
                yield name, value[:1024]


LINEAGE_FIELDS = ("base_model", "base_weights", "base_operations", "parameters", "tokens", "epochs", "biological")
"""Fields of a route that together make a lineage."""


def written_lineage(values: dict[str, object]) -> dict[str, object] | None:
    """Return single values as the object that `parse_lineage` reads, or None where none is given."""
    given = {name: value for name, value in values.items() if value is not _MISSING and value is not None}
    base = {name.removeprefix("base_"): value for name, value in given.items() if name.startswith("base_")}
    if base:
        base = {"name": base.pop("model", "not named"), **base}
    plan = {name: given[name] for name in ("parameters", "tokens", "epochs") if name in given}
    parts = {"base": base or None, "plan": plan or None, "biological": given.get("biological")}
    return {name: value for name, value in parts.items() if value is not None} or None


def split_path(text: str) -> Path:
    """Return the keys of a dotted path or JSON Pointer (RFC 6901). Raises `ValueError` for an empty one."""
    if text.startswith("/"):
        parts = tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
    else:
        parts = tuple(text.split("."))
    if not all(parts):
        raise ValueError(f"field `{text}` is not a dotted path such as `resources.gpu_count`")
    return parts


def folded(path: Path) -> Path:
    """Return the path as a reader sees it that ignores case and compatibility forms."""
    return tuple(unicodedata.normalize("NFKC", name).casefold() for name in path)


def _at(document: JsonValue, path: Path) -> object:
    value: JsonValue = document
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _walk(
    document: dict[str, JsonValue], leaves: frozenset[Path], whole: frozenset[Path], inside: Path = ()
) -> Iterator[Path]:
    """Yield the path of each field that is neither described nor on the way to one that is."""
    for name, value in document.items():
        path = (*inside, name)
        if path in whole or path in leaves:
            continue
        if any(known[: len(path)] == path for known in (*leaves, *whole)) and isinstance(value, dict):
            yield from _walk(value, leaves, whole, path)
        else:
            yield path


def _check_content_type(call: Call) -> None:
    value = call.value(b"content-type") or b""
    if value.lower().startswith(b"multipart/"):
        raise RefusedCall(400, "content-type", "multipart bodies are not accepted here; send application/json")
    if not _JSON_TYPE.fullmatch(value):
        raise RefusedCall(
            415, "content-type", f"Content-Type {shown(value)} is not accepted here; send application/json"
        )
