"""A cloud for blocking and async clients alike: it keeps what it was sent and answers as its service would."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RUN_INSTANCES = (
    b'<RunInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><reservationId>r-1'
    b"</reservationId><instancesSet><item><instanceId>i-0123456789abcdef0</instanceId><instanceType>p5.48xlarge"
    b"</instanceType><instanceState><code>0</code><name>pending</name></instanceState></item></instancesSet>"
    b"</RunInstancesResponse>"
)


class Cloud:
    """What was sent, and how it is answered: `status`, or a redirect to `moved` where that is set."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.status = 200
        self.moved = ""
        self.url = ""


@contextlib.contextmanager
def serving() -> Iterator[Cloud]:
    cloud = Cloud()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            cloud.requests.append((self.path, body))
            if cloud.moved and self.path != cloud.moved:
                self._answer(307, b"", {"Location": cloud.moved})
            elif b"Action=RunInstances" in body:
                self._answer(cloud.status, RUN_INSTANCES, {"Content-Type": "text/xml"})
            else:
                self._answer(cloud.status, b'{"TrainingJobArn": "arn:aws:sagemaker:::training-job/j"}')

        do_GET = do_POST  # noqa: N815 - the name that the server looks for

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size + 2)[:-2]
            self.rfile.readline()
            return body

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {"Content-Type": "application/json"}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    cloud.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield cloud
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
