"""An HTTP server that does what the API server does with objects and their patches, in front of the real webhooks.

It is not the API server: no schemas, no watch, no roles. Paths, versions of resources, pages, status as a subresource,
JSON Patch with tests, merge patches, conflicts, tokens, and the two admission webhooks in their order are as there.
"""

from __future__ import annotations

import copy
import json
import re
import uuid
from typing import Any

import jsonpatch
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .cluster import ALICE, Cluster

TOKEN = "the-gates-own-token"
USERS = {TOKEN: "system:serviceaccount:kyc-gate:kyc-gate", "alice": ALICE}

_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[a-z0-9.-]+))/(?P<version>v[a-z0-9]+)(?:/namespaces/(?P<namespace>[a-z0-9-]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[a-z0-9.-]+))?(?:/(?P<sub>status|scale))?"
)


class Refused(Exception):
    """An answer of the API server that is no object."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.answer = JSONResponse(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
            | {"reason": reason, "message": message},
            status_code=code,
        )


class Objects:
    """Everything that is stored, and how it is asked for."""

    def __init__(self, cluster: Cluster | None) -> None:
        self.cluster = cluster
        self.stored: dict[tuple[str, ...], dict[str, Any]] = {}
        self.version = 100
        self.calls: list[str] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._endpoint, methods=["GET", "POST", "PATCH", "PUT"])])

    def put(self, plural: str, document: dict[str, Any]) -> dict[str, Any]:
        """Store an object without asking anybody, as it was there before."""
        made = copy.deepcopy(document)
        made["metadata"].setdefault("uid", str(uuid.uuid4()))
        self._write(self._key(plural, made), made)
        return made

    def of(self, plural: str, name: str) -> dict[str, Any]:
        """A stored object, whatever its namespace."""
        return next(each for key, each in self.stored.items() if (key[0], key[-1]) == (plural, name))

    def _key(self, plural: str, document: dict[str, Any]) -> tuple[str, ...]:
        group = document["apiVersion"].rpartition("/")[0]
        return (plural, group, document["metadata"].get("namespace", ""), document["metadata"]["name"])

    def _write(self, key: tuple[str, ...], document: dict[str, Any]) -> None:
        self.version += 1
        document["metadata"]["resourceVersion"] = str(self.version)
        self.stored[key] = document

    async def _endpoint(self, request: Request) -> JSONResponse:
        try:
            return await self._answer(request)
        except Refused as refused:
            return refused.answer

    async def _answer(self, request: Request) -> JSONResponse:
        self.calls.append(f"{request.method} {request.url.path}")
        user = USERS.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if user is None:
            raise Refused(401, "Unauthorized", "Unauthorized")
        found = _PATH.fullmatch(request.url.path)
        if found is None:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        part = {name: value or "" for name, value in found.groupdict().items()}
        if request.method == "GET" and not part["name"]:
            return self._page(request, part)
        if request.method == "POST":
            return await self._created(await request.json(), part, user)
        key = (part["plural"], part["group"], part["namespace"], part["name"])
        if key not in self.stored:
            raise Refused(404, "NotFound", f'{part["plural"]} "{part["name"]}" not found')
        before = self.stored[key]
        if request.method == "GET":
            return JSONResponse(before)
        made = _patched(before, await request.json(), request.headers.get("content-type", ""), part["sub"])
        claimed = made["metadata"].get("resourceVersion")
        if claimed != before["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", "the object has been modified")
        if self.cluster is not None and not part["sub"]:
            self._check((await self.cluster.replace(before, made, user)).response)
        self._write(key, made)
        return JSONResponse(made)

    def _page(self, request: Request, part: dict[str, str]) -> JSONResponse:
        """One page of a collection, of two objects at most: few as they are, there are several pages."""
        items = [
            each
            for (plural, group, namespace, _), each in sorted(self.stored.items())
            if (plural, group) == (part["plural"], part["group"]) and part["namespace"] in ("", namespace)
        ]
        start = int(request.query_params.get("continue", "0"))
        end = start + min(2, int(request.query_params.get("limit", "2")))
        more = str(end) if end < len(items) else ""
        return JSONResponse({"kind": "List", "metadata": {"continue": more}, "items": items[start:end]})

    async def _created(self, document: dict[str, Any], part: dict[str, str], user: str) -> JSONResponse:
        document["metadata"].setdefault("namespace", part["namespace"])
        made = document
        if self.cluster is not None:
            answered = await self.cluster.create(document, user)
            self._check(answered.response)
            made = answered.document
        made["metadata"].setdefault("uid", str(uuid.uuid4()))
        self._write(self._key(part["plural"], made), made)
        return JSONResponse(made, status_code=201)

    def _check(self, response: dict[str, Any]) -> None:
        """Refuse what a webhook denies, in the words that the API server puts before its own."""
        if not response["allowed"]:
            status = response["status"]
            message = f'admission webhook "validate.kyc-gate.io" denied the request: {status["message"]}'
            raise Refused(status["code"], status["reason"], message)


def _patched(before: dict[str, Any], patch: Any, kind: str, sub: str) -> dict[str, Any]:
    """The object after a patch; below `/status` nothing else changes, and elsewhere the status does not."""
    made = copy.deepcopy(before)
    if kind == "application/json-patch+json":
        try:
            made = jsonpatch.apply_patch(made, patch)
        except jsonpatch.JsonPatchException as error:
            raise Refused(422, "Invalid", f"the patch does not apply: {error}") from error
    elif kind.startswith("application/") and kind.endswith("patch+json"):
        made = _merged(made, patch)
    else:
        made = patch
    kept = {"status"} if sub else set(made) - {"status"}
    result = {name: value for name, value in before.items() if name not in kept}
    result |= {name: made[name] for name in kept if name in made}
    result["metadata"] = {**result["metadata"], "resourceVersion": made["metadata"].get("resourceVersion")}
    return json.loads(json.dumps(result))  # type: ignore[no-any-return]


def _merged(home: Any, patch: Any) -> Any:
    if not isinstance(patch, dict) or not isinstance(home, dict):
        return patch
    made = {name: value for name, value in home.items() if patch.get(name, ...) is not None}
    return made | {name: _merged(made.get(name), value) for name, value in patch.items() if value is not None}
