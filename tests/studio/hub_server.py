"""A stand-in for the Hugging Face Hub: the few endpoints that sending and fetching a run use, in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml


class HubServer(ThreadingHTTPServer):
    """Repositories as ``{name: {path: bytes}}``; large files come in by the LFS protocol, as they do there."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.blobs: dict[str, bytes] = {}
        self.commits: list[str] = []
        self.tokens: set[str | None] = set()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, repo: str) -> str:
        """A digest of what is in it."""
        told = sorted((path, hashlib.sha1(content).hexdigest()) for path, content in self.repos[repo].items())
        return hashlib.sha1(repr(told).encode()).hexdigest()


class _Answers(BaseHTTPRequestHandler):
    server: HubServer

    def do_POST(self) -> None:
        body, path = self._body(), self.path.partition("?")[0]
        self.server.tokens.add(self.headers.get("Authorization"))
        if path == "/api/repos/create":
            told = json.loads(body)
            repo = "/".join(filter(None, (told.get("organization"), told["name"])))
            if repo in self.server.repos:
                return self._json({"url": f"{self.server.address}/{repo}", "error": "it is there"}, 409)
            self.server.repos[repo] = {}
            if told.get("private") or told.get("visibility") == "private":
                self.server.private.add(repo)
            return self._json({"url": f"{self.server.address}/{repo}"})
        if path == "/api/validate-yaml":  # what it is asked for every README.md
            yaml.safe_load(json.loads(body)["content"].split("---")[1])
            return self._json({"errors": [], "warnings": []})
        if "/preupload/" in path:
            names = [each["path"] for each in json.loads(body)["files"]]
            modes = ["lfs" if name.endswith(".safetensors") else "regular" for name in names]
            files = [
                {"path": name, "uploadMode": mode, "shouldIgnore": False}
                for name, mode in zip(names, modes, strict=True)
            ]
            return self._json({"files": files})
        if path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.server.address}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            return self._json({"transfer": "basic", "objects": objects})
        if "/commit/" in path:
            repo = path.removeprefix("/api/models/").partition("/commit/")[0]
            self._commit(self.server.repos[repo], [json.loads(line) for line in body.splitlines()])
            return self._json({"commitUrl": f"{self.server.address}/{repo}/commit/1", "commitOid": "1" * 40})
        return self._json({"error": f"no {path} here"}, 404)

    def _commit(self, files: dict[str, bytes], lines: list[dict[str, Any]]) -> None:
        for line in lines:
            told = line["value"]
            if line["key"] == "header":
                self.server.commits.append(told["summary"])
            elif line["key"] == "file":
                files[told["path"]] = base64.b64decode(told["content"])
            else:
                files[told["path"]] = self.server.blobs[told["oid"]]

    def do_PUT(self) -> None:
        content = self._body()
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(content).hexdigest() == oid
        self.server.blobs[oid] = content
        self._json({})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].lstrip("/")
        if path.startswith("api/models/"):
            repo = path.removeprefix("api/models/").partition("/revision/")[0]
            if repo not in self.server.repos:
                return self._json({"error": "Repository not found"}, 401, {"X-Error-Code": "RepoNotFound"})
            return self._json({"id": repo, "sha": self.server.commit(repo), "siblings": []})
        repo, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        content = self.server.repos[repo].get(name)
        if content is None:
            return self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        self.send_response(200)
        self.send_header("X-Repo-Commit", revision)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _json(self, told: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""
