"""What git's settings say of TLS, as Python checks it: authorities, the client's certificate.

Rules:
  * A key with a password is git's where its settings say that it has one (`http_settings`): git asks a credential
    helper for it then. Where they say nothing of it, git would ask at a terminal, which it has none of.

What this file does not know: servers.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from gitcoord.errors import UnreachableError
from gitcoord.remote.http.http_settings import HttpSettings
from gitcoord.remote.http.unfamiliar import UnfamiliarError

if TYPE_CHECKING:
    import ssl

_SEALED_HINT: Final = (
    "Set http.sslCertPasswordProtected to true, so that git asks a credential helper for it (protocol `cert`)."
)


def tls_context(settings: HttpSettings) -> "ssl.SSLContext":
    """Return what checks the server's certificate, and has the client's.

    Raises:
        UnfamiliarError: a certificate cannot be read here.
        UnreachableError: the key of the client's certificate has a password that only a person knows.
    """
    import ssl  # 10 ms, which http without TLS does not need

    def ask(*_: object) -> str:
        raise UnreachableError("The key of the client's certificate has a password.", hint=_SEALED_HINT)

    try:
        paths = (settings.ca_file, settings.ca_path, settings.certificate, settings.key)
        ca_file, ca_path, certificate, key = (str(Path(path).expanduser()) if path else None for path in paths)
        context = ssl.create_default_context(cafile=ca_file, capath=ca_path)
        if certificate:
            context.load_cert_chain(certificate, key, ask)
    except (OSError, ValueError) as error:
        raise UnfamiliarError(f"a certificate of this machine cannot be read: {error}") from None
    if not settings.verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
