"""Certificates for tests, made by openssl: of an authority, and of who it vouches for."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.servers.daemons import need

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
_EXTENSIONS = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n"


class Signed(NamedTuple):
    """A certificate, and its key."""

    certificate: Path
    key: Path


class Authority:
    """What signs certificates. `certificate`: its own; `folder`: has all that it signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.pem"
        _openssl(folder, "req", "-x509", *_NEW_KEY, "-nodes", "-days", "2", "-subj", "/CN=a private authority",
                 "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip

    def signed(self, name: str = "127.0.0.1", *, password: str = "") -> Signed:
        """Return a new certificate for a name at the address of the loopback; `password`: of its key."""
        folder = self.folder / name.replace("/", "-")
        folder.mkdir()
        (folder / "extensions").write_text(_EXTENSIONS)
        hidden = ("-passout", f"pass:{password}") if password else ("-nodes",)
        _openssl(folder, "req", *_NEW_KEY, *hidden, "-subj", f"/CN={name}", "-keyout", "key.pem", "-out", "wanted.pem")
        _openssl(folder, "x509", "-req", "-in", "wanted.pem", "-days", "2", "-CA", "../ca.pem", "-CAkey", "../ca.key",
                 "-CAcreateserial", "-extfile", "extensions", "-out", "certificate.pem")  # fmt: skip
        return Signed(folder / "certificate.pem", folder / "key.pem")

    def hashed(self) -> Path:
        """Return a folder of authorities as `http.sslCAPath` wants it, with this one. See openssl-rehash(1)."""
        folder = self.folder / "hashed"
        folder.mkdir()
        (folder / "ca.pem").write_bytes(self.certificate.read_bytes())
        _openssl(folder, "rehash", ".")
        return folder


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run([need("openssl"), *words], cwd=folder, check=True, capture_output=True, timeout=60)
