"""A Hugging Face Hub on the loopback, with faults to switch on: what the real client talks to in tests."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Files = dict[str, bytes]
_PIECES = 20


@dataclass
class Reply:
    """What a route answers; a fault may change it before it is sent."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def json(cls, data: Any, status: int = 200) -> Reply:
        """Plain data."""
        return cls(status, {"Content-Type": "application/json"}, json.dumps(data).encode())

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


def git_hash(body: bytes) -> str:
    """What git calls the content."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def is_lfs(name: str) -> bool:
    """Whether the Hub keeps a file apart, by its sha256."""
    return name.endswith((".safetensors", ".bin", ".png"))


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


def saying(status: int, message: str = "no", **headers: str) -> Fault:
    """Another status, with what the Hub says beside it; underscores of names of headers are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda reply: Reply(status, {"X-Error-Message": message, **named}, b"{}")


def page(reply: Reply) -> Reply:
    """The page of a proxy that wants a log-in, in the place of what was asked for."""
    return Reply(200, {"Content-Type": "text/html"}, b"<html>log in</html>")


def reset(reply: Reply) -> None:
    """The connection is torn down before an answer."""
    return


class HubServer:
    """Repositories with their commits, served in a thread.

    Further parts of the Hub's API are routes: `server.routes[method, pattern] = function`, which is called
    with the request and the pattern's groups.

    Attributes:
        repos: commits by repository (`datasets/owner/name` of data), oldest first; a commit is (sha, files).
        heads: commit by repository and branch or tag.
        moved: new names of repositories by their old ones, and the status that tells of it.
        gates: what is answered instead, by repository: not allowed, gated, ...
        pause: seconds between the pieces of an answer, as over a slow link.
        asked: all requests so far, as `GET /me/x/resolve/main/model.safetensors`.
    """

    def __init__(self) -> None:
        self.repos: dict[str, list[tuple[str, Files]]] = {}
        self.heads: dict[tuple[str, str], str] = {}
        self.gates: dict[str, Reply] = {}
        self.moved: dict[str, tuple[str, int]] = {}
        self.pause = 0.0
        self.asked: list[str] = []
        self.lock = threading.Lock()
        self.routes: dict[tuple[str, str], Route] = {}
        self._faults: list[tuple[str, str, Fault, int]] = []
        resolve = r"/(?P<repo>(?:datasets/)?[\w.-]+/[\w.-]+)/resolve/(?P<revision>[\w.-]+)/(?P<file>.+)"
        self.routes["HEAD", resolve] = self.routes["GET", resolve] = self._resolve
        model = r"/api/(?:models/)?(?P<repo>(?:datasets/)?[\w.-]+/[\w.-]+)"
        self.routes["GET", rf"{model}(/revision/(?P<revision>[^/]+))?"] = self._info
        self.routes["GET", rf"{model}/tree/(?P<revision>[^/]+)"] = self._tree
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

    def commit(self, repo: str, files: Files, *, branch: str = "main", remove: tuple[str, ...] = ()) -> str:
        """Adds files to a repository, which is made if need be; returns the commit."""
        commits = self.repos.setdefault(repo, [])
        found = self.find(repo, branch)
        whole = {**(found[1] if found else {}), **files}
        sha = hashlib.sha1(repr((repo, len(commits))).encode()).hexdigest()
        commits.append((sha, {name: body for name, body in whole.items() if name not in remove}))
        self.heads[repo, branch] = sha
        return sha

    def find(self, repo: str, revision: str = "main") -> tuple[str, Files] | None:
        """The commit and files of a branch, tag or commit."""
        sha = self.heads.get((repo, revision), revision)
        return next((commit for commit in self.repos.get(repo, []) if commit[0] == sha), None)

    def fail(
        self, fault: Fault, method: str = "GET", times: int = 1, *, at: str = "/resolve/", after: int = 0
    ) -> None:
        """Applies a fault to `times` answers to `method` at paths that have `at`, after `after` of them."""
        self._faults += [(method, at, lambda reply: reply, after), (method, at, fault, times)]

    def answer(self, request: Request) -> Reply | None:
        """The answer to a request; None tears the connection down."""
        self.asked.append(f"{request.method} {request.path}")
        for (method, pattern), route in self.routes.items():
            match = re.fullmatch(pattern, request.path.partition("?")[0])
            if method == request.method and match:
                groups = {k: unquote(v) for k, v in match.groupdict().items() if v is not None}
                gate = self.gates.get(groups.get("repo", "")) or self._elsewhere(request, groups)
                return self._faulty(request, gate or route(request, **groups))
        return Reply.error("NotFound")

    def _elsewhere(self, request: Request, groups: dict[str, str]) -> Reply | None:
        """Where a repository is that was renamed, as the Hub says it: by a path on itself."""
        old = groups.get("repo", "")
        if old not in self.moved:
            return None
        new, status = self.moved[old]
        return Reply(status, {"Location": request.path.replace(old, new, 1)})

    def _faulty(self, request: Request, reply: Reply) -> Reply | None:
        for i, (method, at, fault, times) in enumerate(self._faults):
            if method in (request.method, "") and at in request.path and times:
                self._faults[i] = (method, at, fault, times - 1)
                return fault(reply)
        return reply

    def _resolve(self, request: Request, repo: str, revision: str, file: str) -> Reply:
        found = self.find(repo, revision)
        if found is None:
            return self.missing(repo)
        sha, files = found
        if file not in files:
            reply = Reply.error("EntryNotFound")
            reply.headers["X-Repo-Commit"] = sha
            return reply
        body = files[file]
        etag = f'"{hashlib.sha256(body).hexdigest() if is_lfs(file) else git_hash(body)}"'
        headers = {"X-Repo-Commit": sha, "ETag": etag, "X-Linked-Etag": etag, "Accept-Ranges": "bytes"}
        start = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if start and int(start[1]):
            first = int(start[1])
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            return Reply(206, headers, body[first:])
        return Reply(200, headers, body)

    def missing(self, repo: str) -> Reply:
        """There is no such revision, or no such repository."""
        return Reply.error("RevisionNotFound" if repo in self.repos else "RepoNotFound")

    def _info(self, request: Request, repo: str, revision: str = "main") -> Reply:
        found = self.find(repo, revision)
        if found is None:
            return self.missing(repo)
        sha, files = found
        siblings = [
            {
                "rfilename": name,
                "size": len(body),
                "blobId": git_hash(body),
                **({"lfs": lfs_facts(body)} if is_lfs(name) else {}),
            }
            for name, body in files.items()
        ]
        return Reply.json({"id": repo, "sha": sha, "private": False, "siblings": siblings})

    def _tree(self, request: Request, repo: str, revision: str) -> Reply:
        found = self.find(repo, revision)
        if found is None:
            return self.missing(repo)
        entries = [
            {"type": "file", "path": name, "size": len(body), "oid": git_hash(body)}
            for name, body in found[1].items()
        ]
        return Reply.json(entries)


def lfs_facts(body: bytes) -> dict[str, Any]:
    """What the Hub says of a file that it keeps apart."""
    return {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 130}


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
            self._send(reply.body)
        if reply.headers.get("Content-Length", str(len(reply.body))) != str(len(reply.body)):
            self.close_connection = True

    def _send(self, body: bytes) -> None:
        pause = self.server.hub.pause
        if not pause:
            self.wfile.write(body)
            return
        size = max(1, len(body) // _PIECES)
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            time.sleep(pause)

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
