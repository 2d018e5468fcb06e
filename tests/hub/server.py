"""A Hugging Face Hub on the loopback, with faults to switch on: what the real client talks to in tests."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Files = dict[str, bytes]


@dataclass
class Reply:
    """What a route answers; a fault may change it before it is sent."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def error(cls, code: str, status: int = 404) -> Reply:
        """The Hub's own way to say what is missing."""
        return cls(status, {"X-Error-Code": code, "X-Error-Message": code}, b"")


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Route = Callable[..., Reply]
Fault = Callable[[Reply], Reply | None]


def corrupt(reply: Reply) -> Reply:
    """Another content of the same size."""
    middle = len(reply.body) // 2
    flipped = bytes(b ^ 0xFF for b in reply.body[middle : middle + 64])
    reply.body = reply.body[:middle] + flipped + reply.body[middle + 64 :]
    return reply


def short(reply: Reply) -> Reply:
    """Half the body, under the whole length."""
    reply.headers["Content-Length"] = str(len(reply.body))
    reply.body = reply.body[: len(reply.body) // 2]
    return reply


def broken(reply: Reply) -> Reply:
    """An internal error."""
    return Reply(500, body=b"internal error")


def reset(reply: Reply) -> None:
    """The connection is torn down before an answer."""
    return


class HubServer:
    """Repositories with their commits, served in a thread.

    Further parts of the Hub's API are routes: `server.routes[method, pattern] = function`, which is called
    with the request and the pattern's groups.

    Attributes:
        repos: commits by repository, oldest first; a commit is (sha, files).
        asked: all requests so far, as `GET /me/x/resolve/main/model.safetensors`.
    """

    def __init__(self) -> None:
        self.repos: dict[str, list[tuple[str, Files]]] = {}
        self.asked: list[str] = []
        self.routes: dict[tuple[str, str], Route] = {}
        self._faults: list[tuple[str, Fault, int]] = []
        resolve = r"/(?P<repo>[\w.-]+/[\w.-]+)/resolve/(?P<revision>[\w.-]+)/(?P<file>.+)"
        self.routes["HEAD", resolve] = self.routes["GET", resolve] = self._resolve
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What `HF_ENDPOINT` should be."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def stop(self) -> None:
        """Refuses connections from now on."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    def commit(self, repo: str, files: Files) -> str:
        """Adds files to a repository, which is made if need be; returns the commit."""
        commits = self.repos.setdefault(repo, [])
        whole = {**(commits[-1][1] if commits else {}), **files}
        sha = hashlib.sha1(repr((repo, len(commits))).encode()).hexdigest()
        commits.append((sha, whole))
        return sha

    def fail(self, fault: Fault, method: str = "GET", times: int = 1) -> None:
        """Applies a fault to the next `times` answers that a route gives to `method`."""
        self._faults.append((method, fault, times))

    def answer(self, request: Request) -> Reply | None:
        """The answer to a request; None tears the connection down."""
        self.asked.append(f"{request.method} {request.path}")
        for (method, pattern), route in self.routes.items():
            match = re.fullmatch(pattern, request.path.partition("?")[0])
            if method == request.method and match:
                return self._faulty(method, route(request, **match.groupdict()))
        return Reply.error("NotFound")

    def _faulty(self, method: str, reply: Reply) -> Reply | None:
        for i, (wanted, fault, times) in enumerate(self._faults):
            if method == wanted and times:
                self._faults[i] = (wanted, fault, times - 1)
                return fault(reply)
        return reply

    def _resolve(self, request: Request, repo: str, revision: str, file: str) -> Reply:
        commits = self.repos.get(repo)
        if not commits:
            return Reply.error("RepoNotFound")
        found = commits[-1] if revision == "main" else next((c for c in commits if c[0] == revision), None)
        if found is None:
            return Reply.error("RevisionNotFound")
        sha, files = found
        if file not in files:
            reply = Reply.error("EntryNotFound")
            reply.headers["X-Repo-Commit"] = sha
            return reply
        body = files[file]
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        headers = {"X-Repo-Commit": sha, "ETag": etag, "X-Linked-Etag": etag, "Accept-Ranges": "bytes"}
        start = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if start and int(start[1]):
            first = int(start[1])
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            return Reply(206, headers, body[first:])
        return Reply(200, headers, body)


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: HubServer) -> None:
        self.hub = hub
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in mid-answer is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = self.server.hub.answer(Request(self.command, self.path, dict(self.headers.items()), body))
        if reply is None:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        if reply.headers.get("Content-Length", str(len(reply.body))) != str(len(reply.body)):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Says nothing."""


@contextlib.contextmanager
def hub_server() -> Iterator[HubServer]:
    """A running server."""
    server = HubServer()
    try:
        yield server
    finally:
        server.stop()
