"""git over http as it is deployed: nginx, fcgiwrap and git's own http-backend.

http://127.0.0.1:<port>/open/<name>.git     no sign-in
http://127.0.0.1:<port>/auth/<name>.git     basic authentication as USER with PASSWORD
http://127.0.0.1:<port>/bearer/<name>.git   a header that has TOKEN
http://127.0.0.1:<port>/old/<name>.git      no header but the usual ones gets through, so version 1 of the protocol
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.daemons import Daemon, free_port, need, port_answers, server_env

REQUESTS_AT_ONCE = 6
USER, PASSWORD = "ann", "s3cret-word"
TOKEN = "t0ken-of-a-service"  # noqa: S105 - of this server
_HTPASSWD = "ann:{PLAIN}s3cret-word\n"

_NGINX = """\
daemon off;
worker_processes 1;
error_log stderr warn;
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 256; }}
http {{
  log_format requests '$msec $request_time $uri';
  access_log {folder}/requests.log requests;
  client_max_body_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  fastcgi_param SCRIPT_FILENAME {backend};
  fastcgi_param GIT_PROJECT_ROOT {root};
  fastcgi_param GIT_HTTP_EXPORT_ALL "";
  fastcgi_param GIT_CONFIG_NOSYSTEM "1";
  map $uri $git_protocol {{ ~^/old/ ""; default $http_git_protocol; }}
  fastcgi_param GIT_PROTOCOL $git_protocol;
  fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
  fastcgi_param HOME {folder};
  fastcgi_param PATH /usr/bin:/bin:/usr/local/bin;
  fastcgi_param PATH_INFO $uri;
  fastcgi_param QUERY_STRING $query_string;
  fastcgi_param REQUEST_METHOD $request_method;
  fastcgi_param CONTENT_TYPE $content_type;
  fastcgi_param CONTENT_LENGTH $content_length;
  fastcgi_param REMOTE_USER $remote_user;
  server {{
    listen 127.0.0.1:{port}{tls};
    location /open/ {{ fastcgi_pass unix:{socket}; }}
    location /old/ {{ fastcgi_pass_request_headers off; fastcgi_pass unix:{socket}; }}
    location /auth/ {{
      auth_basic "gitcoord tests";
      auth_basic_user_file {folder}/htpasswd;
      fastcgi_pass unix:{socket};
    }}
    location /bearer/ {{
      if ($http_authorization != "Bearer {token}") {{
        add_header WWW-Authenticate 'Bearer realm="gitcoord tests"' always;
        return 401;
      }}
      fastcgi_pass unix:{socket};
    }}
  }}
}}
"""


class HttpBackend:
    """Serves the repositories in `<folder>/root/open`, `auth`, `bearer` and `old`."""

    def __init__(
        self,
        folder: Path,
        certificate: tuple[Path, Path] | None = None,
        around: Callable[[str], Path] | None = None,
        clients: Path | None = None,
    ) -> None:
        """Start it.

        Args:
            folder: for all that it has.
            certificate: with its key; it speaks TLS then.
            around: makes a program that runs git's.
            clients: who vouches for them; only who has such a certificate is let in then.
        """
        nginx, fcgiwrap, backend = need("nginx"), need("fcgiwrap"), need("git-http-backend")
        backend = str(around(backend)) if around else backend
        self.root = folder / "root"
        self.port = free_port()
        for name in ("open", "auth", "bearer", "old"):
            (self.root / name).mkdir(parents=True)
        (folder / "htpasswd").write_text(_HTPASSWD)
        path = folder / "s"  # short: a socket's path may have 107 bytes
        user = "user root;" if os.geteuid() == 0 else ""
        tls = " ssl; ssl_certificate {}; ssl_certificate_key {}".format(*certificate) if certificate else ""
        tls += f"; ssl_client_certificate {clients}; ssl_verify_client on" if clients else ""
        words = {"folder": folder, "user": user, "backend": backend, "root": self.root, "port": self.port, "tls": tls}
        (folder / "nginx.conf").write_text(_NGINX.format(socket=path, token=TOKEN, **words))
        env = server_env(folder)
        self._log = folder / "requests.log"
        # Each of its own: with `-c 6` the parent asks for its children without a pause, and takes a core for itself.
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen()
            self._wraps = [
                Daemon([fcgiwrap], folder=folder, env=env, ready=path.exists, stdin=listening.fileno())
                for _ in range(REQUESTS_AT_ONCE)
            ]
        self._nginx = Daemon(
            [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")],
            folder=folder,
            env=env,
            ready=port_answers(self.port),
        )

    def url(self, area: str, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{area}/{name}"

    def requests(self) -> list[tuple[float, float, bool]]:
        """Return of each request when it ended (s since the epoch), what it took (ms), and whether it was a push."""
        rows = [line.split() for line in self._log.read_text().splitlines()] if self._log.exists() else []
        return [(float(at), float(took) * 1000, path.endswith("/git-receive-pack")) for at, took, path in rows]

    def own_s(self) -> float:
        """Return the processor time of nginx and fcgiwrap themselves, without what they start; 0 where none is told."""
        return sum(daemon.own_s() for daemon in (self._nginx, *self._wraps))

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Within the block it accepts connections and answers none."""
        self._nginx.suspend()
        try:
            yield
        finally:
            self._nginx.resume()

    def stop(self) -> None:
        self._nginx.stop()
        for wrap in self._wraps:
            wrap.stop()
