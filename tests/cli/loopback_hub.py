"""A hub on the loopback that speaks the protocol of the real client, as far as making, filling and reading a
repository goes.

hub = LoopbackHub()
hub.url, hub.files["me/team"]["README.md"], hub.asked[0]       # "POST /api/repos/create"

`fails` gives requests that begin so another answer: a status, or None to hang up.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_loopback_token"
SHA = "0123456789abcdef0123456789abcdef01234567"
REFUSED = {401: "Invalid credentials in Authorization header", 403: "You may not write here"}


class LoopbackHub:
    """Repositories in memory; every request must bring TOKEN."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.commits: list[str] = []
        self.fails: dict[str, int | None] = {}
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self._handle(b"")

    def do_PUT(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self._handle(self._body())

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _handle(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        line = f"{self.command} {path}"
        self.hub.asked.append(line)
        self.hub.agents.add(self.headers.get("user-agent", ""))
        for begin, status in self.hub.fails.items():
            if line.startswith(begin):
                return self._hang_up() if status is None else self._refuse(status)
        if not path.startswith("/lfs/") and self.headers.get("authorization") != f"Bearer {TOKEN}":
            return self._refuse(401)
        for pattern, name in ROUTES:
            if found := re.fullmatch(pattern, line):
                getattr(self, name)(body, *found.groups())
                return None
        return self._refuse(404)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def create(self, body: bytes) -> None:
        wanted = json.loads(body)
        repo = f"{wanted['organization']}/{wanted['name']}"
        if repo in self.hub.files:
            return self._answer(409, {"error": "exists", "url": f"{self.hub.url}/{repo}"})
        self.hub.files[repo], self.hub.private[repo] = {}, wanted["visibility"] == "private"
        return self._answer(200, {"url": f"{self.hub.url}/{repo}"})

    def info(self, _body: bytes, repo: str) -> None:
        if repo not in self.hub.files:
            return self._refuse(404)
        siblings = [{"rfilename": name, "size": len(data)} for name, data in self.hub.files[repo].items()]
        private = self.hub.private[repo]
        return self._answer(200, {"id": repo, "sha": SHA, "private": private, "siblings": siblings, "tags": []})

    def validate(self, _body: bytes) -> None:
        self._answer(200, {"errors": [], "warnings": []})

    def preupload(self, body: bytes, _repo: str) -> None:
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(body)["files"]
        ]
        self._answer(200, {"files": files})

    def batch(self, body: bytes, _repo: str) -> None:
        objects = []
        for each in json.loads(body)["objects"]:
            upload = {"href": f"{self.hub.url}/lfs/{each['oid']}"}
            verify = {"href": f"{self.hub.url}/verify"}
            known = each["oid"] in self.hub.blobs
            objects.append(each if known else {**each, "actions": {"upload": upload, "verify": verify}})
        self._answer(200, {"transfer": "basic", "objects": objects})

    def upload(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self._refuse(400)
        self.hub.blobs[oid] = body
        return self._answer(200, {})

    def verify(self, body: bytes) -> None:
        wanted = json.loads(body)
        self._answer(200 if len(self.hub.blobs[wanted["oid"]]) == wanted["size"] else 400, {})

    def commit(self, body: bytes, repo: str) -> None:
        header, *operations = (json.loads(line) for line in body.splitlines())
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "deletedFile":
                del self.hub.files[repo][value["path"]]
            else:
                lfs = operation["key"] == "lfsFile"
                content = self.hub.blobs[value["oid"]] if lfs else base64.b64decode(value["content"])
                self.hub.files[repo][value["path"]] = content
        self.hub.commits.append(header["value"]["summary"])
        self._answer(200, {"commitUrl": f"{self.hub.url}/{repo}/commit/{SHA}", "commitOid": SHA})

    def tree(self, _body: bytes, repo: str) -> None:
        files = self.hub.files[repo].items()
        listed = [{"type": "file", "path": name, "size": len(data), "oid": _oid(data)} for name, data in files]
        self._answer(200, listed)

    def resolve(self, _body: bytes, repo: str, name: str) -> None:
        data = self.hub.files[repo][name]
        self._send(200, data, {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": SHA})

    def _refuse(self, status: int) -> None:
        self._send(status, b'{"error": "no"}', {"X-Error-Message": REFUSED.get(status, "no")})

    def _answer(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), {})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


REPO = r"([^/]+/[^/]+)"
ROUTES = (
    (r"POST /api/repos/create", "create"),
    (r"POST /api/validate-yaml", "validate"),
    (rf"GET /api/models/{REPO}", "info"),
    (rf"GET /api/models/{REPO}/revision/\w+", "info"),
    (rf"GET /api/models/{REPO}/tree/\w+", "tree"),
    (rf"POST /api/models/{REPO}/preupload/main", "preupload"),
    (rf"POST /api/models/{REPO}/commit/main", "commit"),
    (rf"POST /{REPO}\.git/info/lfs/objects/batch", "batch"),
    (r"PUT /lfs/(\w+)", "upload"),
    (r"POST /verify", "verify"),
    (rf"(?:GET|HEAD) /{REPO}/resolve/\w+/(.+)", "resolve"),
)


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
