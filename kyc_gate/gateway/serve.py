"""Everything that `kyc-gate serve` runs: the gateway, the webhook, and the gate's own interface with its console."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import structlog
import uvicorn

from kyc_gate.asgi.middleware import KYCGateMiddleware
from kyc_gate.authz.app import AuthzApp
from kyc_gate.console.app import interface_app
from kyc_gate.errors import ConfigurationError
from kyc_gate.gateway.app import Gateway
from kyc_gate.gateway.broker import broker_of
from kyc_gate.gateway.protocol import DeadlineProtocol
from kyc_gate.gateway.slurm_jobs import SlurmJobs
from kyc_gate.model.record import Record
from kyc_gate.service.config import AuthzSettings, Configuration
from kyc_gate.service.gate import Gate
from kyc_gate.webhook.app import webhook_app
from kyc_gate.webhook.kueue import KueueChecks
from kyc_gate.webhook.tls import keep_certificate, load_tls, tls_of

log = structlog.get_logger("kyc_gate")

CONCURRENT_CONNECTIONS = 1000
"""Connections served at once; the next one is answered 503."""

GRACE_SECONDS = 20
"""How long calls that are under way may take to end after a stop was asked for."""

KEEP_ALIVE_SECONDS = 65
"""Longer than the 60 seconds after which common load balancers drop an idle connection, so that they close first."""

HEAD_BYTES = 64 * 1024
"""Most bytes of a request's head that the server buffers before the gate looks at it."""


class Addresses(Record):
    """Where the servers listen, once they do; empty for one that is not configured."""

    gateway: str
    api: str
    webhook: str = ""
    authz: str = ""
    authz_grpc: str = ""
    broker: str = ""


async def serve(
    gate: Gate,
    configuration: Configuration,
    *,
    ready: Callable[[Addresses], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set, or until SIGINT or SIGTERM where it is None; then let the calls under way end.

    With `[broker]`, `[kubernetes]` or `[authz]` their doors are served too, the gateway only where it has upstreams.
    `ready` is called once with the addresses, after the gate is open and every port is taken.
    Raises `ConfigurationError` for a port that is not to be had, or a certificate that cannot be used.
    """
    settings, api, cluster = configuration.gateway, configuration.api, configuration.kubernetes
    async with contextlib.AsyncExitStack() as stack:
        servers, addresses = [], {}
        others = (cluster, configuration.authz, configuration.broker)
        if settings.upstreams or all(other is None for other in others):
            gateway = Gateway(
                settings.upstreams, connect_seconds=settings.connect_seconds, upstream_seconds=settings.upstream_seconds
            )
            front = stack.enter_context(_listening(settings.host, settings.port, "gateway"))
            application = KYCGateMiddleware(gateway, gate)
            servers.append((_Server(_config(application, server_header=False, date_header=False)), front))
            addresses["gateway"] = _address(front)
            stack.push_async_callback(gateway.close)
        back = stack.enter_context(_listening(api.host, api.port, "api"))
        servers.append((_Server(_config(interface_app(gate, api.tokens_sha256))), back))
        if cluster is not None:
            hook = stack.enter_context(_listening(cluster.host, cluster.port, "kubernetes"))
            tls = tls_of(cluster, configuration.path)
            server = _Server(_config(webhook_app(gate, cluster), **tls), with_tls=bool(tls))
            servers.append((server, hook))
            addresses["webhook"] = _address(hook, "https" if tls else "http")
            await stack.enter_async_context(_beside(keep_certificate(server.config, tls)))
        if configuration.broker is not None:
            door, desk = broker_of(gate, configuration)
            sock = stack.enter_context(_listening(configuration.broker.host, configuration.broker.port, "broker"))
            servers.append((_Server(_config(door, server_header=False, date_header=False)), sock))
            addresses["broker"] = _address(sock)
            stack.push_async_callback(desk.close)
        if configuration.authz is not None:
            asked = configuration.authz
            side = stack.enter_context(_listening(asked.host, asked.port, "authz"))
            servers.append((_Server(_config(AuthzApp(gate, slurm=configuration.slurm, skypilot=asked.skypilot))), side))
            addresses["authz"] = _address(side)
        await stack.enter_async_context(gate)
        if configuration.authz is not None and configuration.authz.grpc_port is not None:
            addresses["authz_grpc"] = await stack.enter_async_context(_authz_grpc(gate, configuration.authz))
        if cluster is not None and cluster.kueue is not None:
            checks = KueueChecks(gate, cluster, configuration.path(""))
            await stack.enter_async_context(_beside(checks.keep()))
        if (jobs := slurm_jobs(gate, configuration)) is not None:
            await stack.enter_async_context(_beside(jobs.keep()))
        await stack.enter_async_context(_beside(_reevaluated(gate)))
        stack.enter_context(_reloading(gate))
        told = Addresses(**{"gateway": "", "api": _address(back), **addresses})
        await _run(tuple(servers), told, ready, stop)


def slurm_jobs(gate: Gate, configuration: Configuration) -> SlurmJobs | None:
    """Return what looks after the jobs of a cluster as its operator, where the configuration says how."""
    cluster = configuration.slurm
    if cluster is None or cluster.rest is None or cluster.rest.url is None or cluster.rest.token_file is None:
        return None
    return SlurmJobs(gate, cluster, configuration.path(cluster.rest.token_file))


@contextlib.asynccontextmanager
async def _authz_grpc(gate: Gate, settings: AuthzSettings) -> AsyncIterator[str]:
    """Serve Envoy's questions over gRPC. Raises `ConfigurationError` where the extra `envoy` is not installed."""
    try:
        from kyc_gate.authz.envoy_grpc import serving
    except ImportError as error:
        raise ConfigurationError(f"`authz.grpc_port` needs the extra `envoy`: {error}") from error
    async with serving(gate, settings.host, settings.grpc_port or 0) as port:
        yield f"{settings.host}:{port}"


async def _reevaluated(gate: Gate) -> None:
    """Look over the runs that go on, again and again. A look that fails is logged, and the next one comes."""
    while True:
        await asyncio.sleep(gate.settings.reevaluate_minutes * 60)
        try:
            await gate.reevaluate()
        except Exception as error:  # noqa: BLE001 - whatever it was, the next look must come
            log.error("runs.unevaluated", error=f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def _reloading(gate: Gate) -> Iterator[None]:
    """Have SIGHUP read the policies again. Without that signal or a main thread, files are watched as always."""
    loop, keeper = asyncio.get_running_loop(), gate.policy_keeper
    if keeper is None or not hasattr(signal, "SIGHUP"):
        yield
        return
    try:
        loop.add_signal_handler(signal.SIGHUP, keeper.ask)
    except (ValueError, RuntimeError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let `work` go on beside what stands inside, and end it after that."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _run(
    servers: tuple[tuple[_Server, socket.socket], ...],
    addresses: Addresses,
    ready: Callable[[Addresses], None] | None,
    stop: asyncio.Event | None,
) -> None:
    """Run the servers side by side; when one ends, all end."""
    stopping = stop or asyncio.Event()
    running = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    stopped = asyncio.create_task(stopping.wait())
    with _signals(stopping) if stop is None else contextlib.nullcontext():
        for server, _ in servers:
            await server.listening.wait()
        log.info("server.ready", gateway=addresses.gateway, api=addresses.api, webhook=addresses.webhook)
        if ready is not None:
            ready(addresses)
        await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
        for server, _ in servers:
            server.should_exit = True
        stopped.cancel()
        results = await asyncio.gather(*running, return_exceptions=True)
    log.info("server.stopped")
    for result in results:
        if isinstance(result, BaseException):
            raise result


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to whoever runs several of them."""

    def __init__(self, config: uvicorn.Config, *, with_tls: bool = False) -> None:
        super().__init__(config)
        if with_tls:
            load_tls(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Any, **more: Any) -> uvicorn.Config:
    """Return the server's configuration. h11 on purpose: with httptools, trailers end up among a call's headers."""
    return uvicorn.Config(
        app,
        http=DeadlineProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        limit_concurrency=CONCURRENT_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        proxy_headers=False,
        **more,
    )


@contextlib.contextmanager
def _listening(host: str, port: int, section: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise ConfigurationError(f"`{section}.port`: cannot listen on {host} port {port}: {why}") from error
        yield sock


def _address(sock: socket.socket, scheme: str = "http") -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


@contextlib.contextmanager
def _signals(stopping: asyncio.Event) -> Iterator[None]:
    """Set `stopping` at SIGINT or SIGTERM. A second signal ends the process at once, as without a handler."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        stopping.set()
        for each in caught:
            loop.remove_signal_handler(each)

    for each in caught:
        loop.add_signal_handler(each, stop)
    try:
        yield
    finally:
        for each in caught:
            loop.remove_signal_handler(each)
