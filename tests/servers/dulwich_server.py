"""dulwich's servers, started as a program: `python dulwich_server.py ROOT GIT_PORT HTTP_PORT`.

git:// at one port of loopback, http at another; each request has a thread, as it has a process in git's own servers.
"""

import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

from dulwich.server import BackendRepo, FileSystemBackend, TCPGitServer
from dulwich.web import WSGIRequestHandlerLogger, make_wsgi_chain


class _Below(FileSystemBackend):
    """The repositories below a folder; dulwich's own takes the path of a URL for one of the machine."""

    def open_repository(self, path: str) -> BackendRepo:
        return super().open_repository(os.fsdecode(path).lstrip("/"))


class _HttpServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _GitServer(ThreadingMixIn, TCPGitServer):
    daemon_threads = True


def main(root: str, git_port: str, http_port: str) -> None:
    """Serve the repositories in a folder, for ever."""
    backend = _Below(root)
    git = _GitServer(backend, "127.0.0.1", int(git_port))
    threading.Thread(target=git.serve_forever, daemon=True).start()
    app = make_wsgi_chain(backend)
    with make_server("127.0.0.1", int(http_port), app, _HttpServer, WSGIRequestHandlerLogger) as http:
        http.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
