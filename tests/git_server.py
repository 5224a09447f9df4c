"""A bare repository over HTTP on the loopback address, as a forge serves it: by git's own program.

Who pushes needs the token, and gets to no protected branch with it. Of a private one, who reads
needs that or a token of readers, with any name.
"""

from __future__ import annotations

import os
import subprocess
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROTECTED = """#!/bin/sh
[ -z "$REMOTE_USER" ] && exit 0  # who has the folder itself
while read -r old new ref; do
  case "$ref" in
    refs/heads/main) rule="push code to protected branches" ;;
    refs/tags/*) [ -e protected-tags ] && rule="create this tag as it is protected" ;;
  esac
  [ -z "$rule" ] || { echo "GitLab: You are not allowed to $rule on this project." >&2; exit 1; }
done
"""


def protect(origin: Path) -> None:
    """Refuse over HTTP what a protected branch refuses."""
    hook = origin / "hooks/pre-receive"
    hook.write_text(PROTECTED)
    hook.chmod(0o755)


def unprotect(origin: Path) -> None:
    (origin / "hooks/pre-receive").unlink()


@contextmanager
def git_server(origin: Path, token: str, readers: str = "") -> Iterator[str]:
    """Its address: `origin` is to be had below it by any path."""
    password = b64encode(f"factory:{token}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            content = self.content()
            path, _, query = self.path.partition("?")
            may_push, may_read = self.rights()
            if not (may_push if "git-receive-pack" in self.path else may_read):
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="GitLab"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            variables = {
                "GIT_PROJECT_ROOT": str(origin),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path[path.index(".git/") + 4 :],
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers["Content-Type"] or "",
                "CONTENT_LENGTH": str(len(content)),
                "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
                "HTTP_GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
                "REMOTE_ADDR": "127.0.0.1",
                **({"REMOTE_USER": "factory"} if may_push else {}),
            }
            process = subprocess.run(
                ("git", "http-backend"),
                input=content,
                env={**os.environ, **variables},
                capture_output=True,
            )
            self.relay(process.stdout)

        def rights(self) -> tuple[bool, bool]:
            """Whether this one may push, and read."""
            header = self.headers["Authorization"] or ""
            if not readers:
                return header == f"Basic {password}", True
            secret = b64decode(header.removeprefix("Basic ")).decode().partition(":")[2]
            return secret == token, secret in (token, readers)

        def content(self) -> bytes:
            """What was sent, in one piece or in several."""
            if self.headers["Transfer-Encoding"] != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"] or 0))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def relay(self, output: bytes) -> None:
            """What the program has answered: its headers, one of which may be the status."""
            head, _, body = output.partition(b"\r\n\r\n")
            pairs = [line.split(": ", 1) for line in head.decode().split("\r\n")]
            headers = dict(pairs)
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
