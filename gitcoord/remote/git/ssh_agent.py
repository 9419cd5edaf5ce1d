"""Signing by a running ssh-agent, over its socket: what `ssh-keygen -Y sign` asks of it, without starting a program.

    the agent's socket   SSH_AGENTC_REQUEST_IDENTITIES ──> its keys              (draft-ietf-sshm-ssh-agent, 3.5)
                         SSH_AGENTC_SIGN_REQUEST ──> SSH_AGENT_SIGN_RESPONSE     (3.6)
    what is signed       "SSHSIG", namespace, hash; and the blob around it       (PROTOCOL.sshsig of OpenSSH)

Rules:
  * What this does not know, or the agent does not do, is no error: `ssh-keygen` is asked then, which says why.
  * An agent that has the key and does not sign may have asked a person, who refused: no one is asked again.
  * SEC-4: an answer is bounded in size, and all of them together in time.

What this file does not know: commits, git's settings.
"""

import base64
import hashlib
import socket
import struct
from typing import Final

from gitcoord.remote.contract.deadline import bounded
from gitcoord.remote.git.socket_end import ended_after

ANSWER_BYTES_MAX: Final = 64 * 1024  # a signature of the largest key of RSA has 2 KB
_LIST, _LISTED, _SIGN, _SIGNED, _FAILED = 11, 12, 13, 14, 5
_RSA_SHA2_512: Final = 4
_LINE_CHARS: Final = 70
_MAGIC: Final = b"SSHSIG"
# The kinds of keys, each with the flags for the agent and what its signature may be; others are ssh-keygen's.
_KINDS: Final = {
    "ssh-ed25519": (0, b"ssh-ed25519"),
    "ecdsa-sha2-nistp256": (0, b"ecdsa-sha2-nistp256"),
    "ecdsa-sha2-nistp384": (0, b"ecdsa-sha2-nistp384"),
    "ecdsa-sha2-nistp521": (0, b"ecdsa-sha2-nistp521"),
    "ssh-rsa": (_RSA_SHA2_512, b"rsa-sha2-512"),
}


def sign(path: str, key: str, namespace: str, data: bytes, timeout_s: float) -> str | None:
    """Return an armored signature of these bytes; `None`: this agent does not give one.

    Args:
        path: of the agent's socket.
        key: a public key, as a line of its file has it.
        namespace: what the signature is for; `git` for commits.
        data: what is signed.
        timeout_s: for everything that is asked of it.

    Raises:
        TimeoutError: the agent did not answer in time; it may be asking a person.
        PermissionError: it has the key and refuses to sign with it.
        TooSlowError: the transaction has no time left to ask it.
    """
    kind, _, rest = key.strip().partition(" ")
    if kind not in _KINDS or not hasattr(socket, "AF_UNIX"):
        return None
    flags, made = _KINDS[kind]
    try:
        blob = base64.b64decode(rest.split(" ")[0], validate=True)
        about = _text(namespace.encode()) + _text(b"") + _text(b"sha512")
        asked = _MAGIC + about + _text(hashlib.sha512(data).digest())
        request = bytes([_SIGN]) + _text(blob) + _text(asked) + struct.pack(">I", flags)
        answer = _asked(path, blob, request, timeout_s)
        signature = _field(answer, 1) if answer[:1] == bytes([_SIGNED]) else b""
        is_refused = answer[:1] == bytes([_FAILED])
        if not is_refused and (not signature or _field(signature, 0) != made):
            return None
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return None
    if is_refused:
        raise PermissionError(path)
    whole = _MAGIC + struct.pack(">I", 1) + _text(blob) + about + _text(signature)
    text = base64.b64encode(whole).decode()
    lines = [text[at : at + _LINE_CHARS] for at in range(0, len(text), _LINE_CHARS)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def _asked(path: str, blob: bytes, request: bytes, timeout_s: float) -> bytes:
    """Return the agent's answer; nothing where it has not got this key."""
    limit_s = bounded(timeout_s)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent, ended_after(limit_s, lambda: agent) as is_over:
        agent.settimeout(limit_s)  # while it connects there is nothing to end
        try:
            agent.connect(path)
            return _answer(agent, request) if blob in _keys(_answer(agent, bytes([_LIST]))) else b""
        except (OSError, ValueError):
            if is_over.is_set():
                raise TimeoutError from None
            raise


def _keys(answer: bytes) -> set[bytes]:
    if answer[:1] != bytes([_LISTED]):
        return set()
    found: set[bytes] = set()
    start = 5
    while start < len(answer):
        key = _field(answer, start)
        found.add(key)
        start += 4 + len(key)
        start += 4 + len(_field(answer, start))  # its comment
    return found


def _answer(agent: socket.socket, message: bytes) -> bytes:
    agent.sendall(_text(message))
    (size,) = struct.unpack(">I", _read(agent, 4))
    if size > ANSWER_BYTES_MAX:
        raise ValueError(size)
    return _read(agent, size)


def _read(agent: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = agent.recv(count - len(found))
        if not piece:
            raise ValueError(count)
        found += piece
    return found


def _text(data: bytes) -> bytes:
    """Return bytes as the protocol has a string: behind their length."""
    return struct.pack(">I", len(data)) + data


def _field(data: bytes, start: int) -> bytes:
    """Return the string at a place.

    Raises:
        ValueError: there is none.
    """
    if len(data) < start + 4:
        raise ValueError(start)
    (size,) = struct.unpack(">I", data[start : start + 4])
    if start + 4 + size > len(data):
        raise ValueError(size)
    return data[start + 4 : start + 4 + size]
