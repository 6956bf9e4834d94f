"""A small cloud to try the gate with: a JSON API for clusters, and as much of EC2 as `RunInstances` needs.

It starts nothing and keeps what it was asked for in memory. It knows nothing of the gate in front of it.
"""

from __future__ import annotations

import itertools
import secrets
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
"""The XML namespace of EC2's API version, as its service model names it."""


class SampleCloud:
    """The cloud's memory: clusters of the JSON API, and instances of EC2."""

    def __init__(self) -> None:
        self.clusters: list[dict[str, object]] = []
        self.instances: list[dict[str, str]] = []
        self._numbers = itertools.count(1)
        self.app = Starlette(
            routes=[
                Route("/v1/clusters", self.create_cluster, methods=["POST"]),
                Route("/v1/clusters", self.list_clusters, methods=["GET"]),
                Route("/", self.ec2, methods=["POST"]),
            ]
        )

    async def create_cluster(self, request: Request) -> Response:
        """Start a cluster: 201 with its id."""
        asked = await request.json()
        cluster: dict[str, object] = {"id": f"cluster-{next(self._numbers)}", "state": "starting", "asked": asked}
        self.clusters.append(cluster)
        return JSONResponse(cluster, status_code=201)

    async def list_clusters(self, request: Request) -> Response:
        """List the clusters."""
        return JSONResponse({"clusters": self.clusters})

    async def ec2(self, request: Request) -> Response:
        """Answer the EC2 query protocol: `RunInstances` and `DescribeInstances`."""
        form = dict(parse_qsl((await request.body()).decode()))
        action = form.get("Action", "")
        if action == "RunInstances":
            return self._run_instances(form)
        if action == "DescribeInstances":
            return _xml(action, f"<reservationSet>{_reservation(self.instances)}</reservationSet>")
        message = f"<Code>InvalidAction</Code><Message>{escape(action)} is not valid for this web service.</Message>"
        body = f"<Response><Errors><Error>{message}</Error></Errors><RequestID>{_id()}</RequestID></Response>"
        return Response(body, status_code=400, media_type="text/xml")

    def _run_instances(self, form: dict[str, str]) -> Response:
        started = [
            {
                "id": f"i-{secrets.token_hex(8)[:17]}",
                "image": form.get("ImageId", ""),
                "type": form.get("InstanceType", "m1.small"),
                "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            }
            for _ in range(int(form.get("MaxCount", "1")))
        ]
        self.instances.extend(started)
        fields = f"<reservationId>r-{_id()[:8]}</reservationId><ownerId>000000000000</ownerId><groupSet/>"
        return _xml("RunInstances", f"{fields}<instancesSet>{''.join(map(_instance, started))}</instancesSet>")


def _reservation(instances: list[dict[str, str]]) -> str:
    if not instances:
        return ""
    fields = f"<reservationId>r-{_id()[:8]}</reservationId><ownerId>000000000000</ownerId>"
    return f"<item>{fields}<instancesSet>{''.join(map(_instance, instances))}</instancesSet></item>"


def _instance(instance: dict[str, str]) -> str:
    return (
        f"<item><instanceId>{instance['id']}</instanceId><imageId>{escape(instance['image'])}</imageId>"
        "<instanceState><code>0</code><name>pending</name></instanceState>"
        f"<instanceType>{escape(instance['type'])}</instanceType><launchTime>{instance['at']}</launchTime></item>"
    )


def _xml(action: str, inside: str) -> Response:
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response xmlns="{EC2_NAMESPACE}">'
        f"<requestId>{_id()}</requestId>{inside}</{action}Response>"
    )
    return Response(body, media_type="text/xml")


def _id() -> str:
    text = secrets.token_hex(16)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
