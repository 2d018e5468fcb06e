"""The part of the Hub that is written to: repositories, branches, uploads apart, commits."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import yaml

from .server import HubServer, Reply, Request, git_hash, is_lfs

TOKEN = "hf_writer"
REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"


class Writing:
    """Routes for pushing, on a server.

    Attributes:
        private: repositories that were made private.
        stored: what was uploaded apart, by sha256.
        messages: of the commits, oldest first.
        lose: how many commits land without their answer being sent.
    """

    def __init__(self, server: HubServer) -> None:
        self.server = server
        self.private: set[str] = set()
        self.stored: dict[str, bytes] = {}
        self.messages: list[str] = []
        self.lose = 0
        model = f"/api/models/{REPO}"
        info = [(key, route) for key, route in server.routes.items() if key[1].startswith("/api/")]
        for key, route in info:
            server.routes[key] = self._with_visibility(route) if "revision/" in key[1] else route
        server.routes |= {
            ("POST", "/api/repos/create"): self._create,
            ("POST", "/api/validate-yaml"): self._validate,
            ("POST", rf"{model}/branch/(?P<branch>[^/]+)"): self._branch,
            ("POST", rf"{model}/preupload/(?P<revision>[^/]+)"): self._preupload,
            ("POST", rf"{model}/commit/(?P<revision>[^/]+)"): self._commit,
            ("POST", rf"/{REPO}\.git/info/lfs/objects/batch"): self._batch,
            ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})"): self._put,
            ("POST", "/lfs/verify"): self._verify,
        }

    def _with_visibility(self, route: Any) -> Any:
        def answer(request: Request, **groups: str) -> Reply:
            reply = route(request, **groups)
            if reply.status == 200:
                reply = Reply.json({**json.loads(reply.body), "private": groups["repo"] in self.private})
            return reply

        return answer

    def _refused(self, request: Request) -> Reply | None:
        given = request.headers.get("authorization", request.headers.get("Authorization"))
        if given == f"Bearer {TOKEN}":
            return None
        status = 403 if given else 401
        message = "you have read access only" if given else "Invalid username or password."
        return Reply(status, {"X-Error-Message": message}, b"{}")

    def _create(self, request: Request) -> Reply:
        asked = json.loads(request.body)
        repo = f"{asked['organization']}/{asked['name']}"
        refused = self._refused(request)
        if refused:
            return refused
        if repo in self.server.repos:
            return Reply.json({"error": "You already created this model repo"}, 409)
        self.server.commit(repo, {".gitattributes": b"*.safetensors filter=lfs\n"})
        if asked.get("visibility") == "private":
            self.private.add(repo)
        return Reply.json({"url": f"{self.server.url}/{repo}"})

    def _validate(self, request: Request) -> Reply:
        content = json.loads(request.body)["content"]
        try:
            front = yaml.safe_load(content.split("---\n")[1])
        except yaml.YAMLError:
            front = None
        if not isinstance(front, dict):
            return Reply.json({"errors": [{"message": "not a table"}], "warnings": []}, 400)
        return Reply.json({"errors": [], "warnings": []})

    def _branch(self, request: Request, repo: str, branch: str) -> Reply:
        refused = self._refused(request)
        if refused:
            return refused
        if (repo, branch) in self.server.heads:
            return Reply.json({"error": "exists"}, 409)
        self.server.heads[repo, branch] = self.server.heads[repo, "main"]
        return Reply.json({})

    def _preupload(self, request: Request, repo: str, revision: str) -> Reply:
        refused, found = self._refused(request), self.server.find(repo, revision)
        if refused or found is None:
            return refused or self.server.missing(repo)
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if is_lfs(file["path"]) else "regular",
                "shouldIgnore": False,
                "oid": git_hash(found[1][file["path"]]) if file["path"] in found[1] else None,
            }
            for file in json.loads(request.body)["files"]
        ]
        return Reply.json({"files": files})

    def _batch(self, request: Request, repo: str) -> Reply:
        refused = self._refused(request)
        if refused:
            return refused
        objects = []
        for item in json.loads(request.body)["objects"]:
            actions = {
                "upload": {"href": f"{self.server.url}/lfs/{item['oid']}"},
                "verify": {"href": f"{self.server.url}/lfs/verify"},
            }
            objects.append({**item, **({} if item["oid"] in self.stored else {"actions": actions})})
        return Reply.json({"transfer": "basic", "objects": objects})

    def _put(self, request: Request, oid: str) -> Reply:
        if hashlib.sha256(request.body).hexdigest() != oid:
            return Reply(400)
        self.stored[oid] = request.body
        return Reply(200)

    def _verify(self, request: Request) -> Reply:
        return Reply(200 if json.loads(request.body)["oid"] in self.stored else 404)

    def _commit(self, request: Request, repo: str, revision: str) -> Reply:
        refused = self._refused(request)
        if refused:
            return refused
        with self.server.lock:
            found = self.server.find(repo, revision)
            if found is None:
                return self.server.missing(repo)
            lines = [json.loads(line) for line in request.body.splitlines()]
            header = lines[0]["value"]
            if header.get("parentCommit") not in (None, found[0]):
                return Reply(412, {"X-Error-Message": "A commit has happened since."}, b"{}")
            files, removed = {}, []
            for line in lines[1:]:
                value = line["value"]
                if line["key"] == "lfsFile":
                    files[value["path"]] = self.stored[value["oid"]]
                elif line["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                else:
                    removed.append(value["path"])
            sha = self.server.commit(repo, files, branch=revision, remove=tuple(removed))
            self.messages.append(header["summary"])
        if self.lose:
            self.lose -= 1
            return None  # type: ignore[return-value]  # the connection is torn down
        return Reply.json({"commitUrl": f"{self.server.url}/{repo}/commit/{sha}", "commitOid": sha})
