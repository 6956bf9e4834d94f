"""A server that speaks gRPC as Nebius does, its own client to talk to it, and what the client asks for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
from gates import AWS_ACCOUNTS
from nebius.api.nebius.common.v1 import Operation, ResourceMetadata
from nebius.api.nebius.compute import v1 as compute
from nebius.api.nebius.mk8s import v1 as mk8s
from nebius.base.options import INSECURE
from nebius.base.resolver import Resolver
from nebius.sdk import SDK

ALLOWED, HELD, BLOCKED = "norge", "emirate", "harbin"
"""Parties: one that may, one whose large requests wait, and one that is refused. Each has a project."""

MANY = 4000
"""Nodes of eight H100s: over a month, more than a tenth of 1e26 operations."""

SERVICES = {
    "nebius.compute.v1.InstanceService": (
        "computeinstance-one",
        ("Get", "Create", "Update", "Start", "Stop", "Delete"),
    ),
    "nebius.mk8s.v1.NodeGroupService": ("mk8snodegroup-one", ("Create", "Update", "Delete")),
}

Seen = list[tuple[str, bytes]]


@contextlib.asynccontextmanager
async def cloud_serving() -> AsyncIterator[tuple[int, Seen]]:
    """The server's port, and the methods with the messages that reached it."""
    seen: Seen = []
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(tuple(_handlers(seen)))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port, seen
    await server.stop(0)


def _handlers(seen: Seen) -> Iterator[Any]:
    def answering(method: str, id: str) -> Any:
        async def answer(request: bytes, context: Any) -> bytes:
            seen.append((method, request))
            if method.endswith("/Get"):
                return bytes(compute.Instance(metadata=ResourceMetadata(id=id)).SerializeToString())
            return bytes(Operation(id="operation-1", resource_id=id).SerializeToString())

        return grpc.unary_unary_rpc_method_handler(answer)

    for service, (id, methods) in SERVICES.items():
        found = {method: answering(f"{service.rpartition('.')[2]}/{method}", id) for method in methods}
        yield grpc.method_handlers_generic_handler(service, found)


class _Everything(Resolver):
    """Every service at one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def resolve(self, service_id: str) -> str:
        return self._address


@contextlib.asynccontextmanager
async def client_to(address: str, *interceptors: Any) -> AsyncIterator[SDK]:
    """The client, in this loop, without TLS."""
    sdk = SDK(
        domain=address,
        resolver=_Everything(address),
        credentials="a-token-of-nebius",
        interceptors=interceptors,
        options=[(INSECURE, True)],
        user_agent_prefix="kyc-gate-tests",
        event_loop=asyncio.get_running_loop(),
    )
    yield sdk
    await sdk.close()


def machine(party: str) -> Any:
    """A machine with eight H100s in the party's project."""
    resources = compute.ResourcesSpec(platform="gpu-h100-sxm", preset="8gpu-128vcpu-1600gb")
    metadata = ResourceMetadata(parent_id=AWS_ACCOUNTS[party], name="vm")
    return compute.CreateInstanceRequest(metadata=metadata, spec=compute.InstanceSpec(resources=resources))


def group(party: str, nodes: int) -> Any:
    """A group of such nodes in a cluster."""
    resources = mk8s.ResourcesSpec(platform="gpu-h100-sxm", preset="8gpu-128vcpu-1600gb")
    spec = mk8s.NodeGroupSpec(fixed_node_count=nodes, template=mk8s.NodeTemplate(resources=resources))
    return mk8s.CreateNodeGroupRequest(metadata=ResourceMetadata(parent_id=AWS_ACCOUNTS[party], name="g"), spec=spec)
