"""Signing by a running ssh-agent, over its socket: what `ssh-keygen -Y sign` asks of it, without starting a program.

    the agent's socket   SSH_AGENTC_SIGN_REQUEST ──> SSH_AGENT_SIGN_RESPONSE     (draft-ietf-sshm-ssh-agent, 3.6)
    what is signed       "SSHSIG", namespace, hash; and the blob around it       (PROTOCOL.sshsig of OpenSSH)

Rules:
  * What this does not know, or the agent does not do, is no error: `ssh-keygen` is asked then, which says why.
  * SEC-4: an answer is bounded in size and time.

What this file does not know: commits, git's settings.
"""

import base64
import hashlib
import socket
import struct
from typing import Final

from gitcoord.remote.contract.deadline import bounded

ANSWER_BYTES_MAX: Final = 64 * 1024  # a signature of the largest key of RSA has 2 KB
_SIGN, _SIGNED = 13, 14
_RSA_SHA2_512: Final = 4
_LINE_CHARS: Final = 70
_READS_MAX, _READ_S = 16, 1.0  # of an answer that has begun, which comes in one piece
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
        timeout_s: for the whole answer.

    Raises:
        TimeoutError: the agent did not answer in time; it may be asking a person.
    """
    kind, _, rest = key.strip().partition(" ")
    if kind not in _KINDS or not hasattr(socket, "AF_UNIX"):
        return None
    flags, made = _KINDS[kind]
    try:
        blob = base64.b64decode(rest.split(" ")[0], validate=True)
        about = _text(namespace.encode()) + _text(b"") + _text(b"sha512")
        asked = _MAGIC + about + _text(hashlib.sha512(data).digest())
        answer = _asked(path, bytes([_SIGN]) + _text(blob) + _text(asked) + struct.pack(">I", flags), timeout_s)
        signature = _field(answer, 1) if answer[:1] == bytes([_SIGNED]) else b""
        if not signature or _field(signature, 0) != made:
            return None
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return None
    whole = _MAGIC + struct.pack(">I", 1) + _text(blob) + about + _text(signature)
    text = base64.b64encode(whole).decode()
    lines = [text[at : at + _LINE_CHARS] for at in range(0, len(text), _LINE_CHARS)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def _asked(path: str, message: bytes, timeout_s: float) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.settimeout(bounded(timeout_s))
        agent.connect(path)
        agent.sendall(_text(message))
        found = agent.recv(ANSWER_BYTES_MAX)
        agent.settimeout(_READ_S)
        for _ in range(_READS_MAX):
            if len(found) >= len(_text(b"")) and (size := struct.unpack(">I", found[:4])[0]) <= len(found) - 4:
                return found[4 : 4 + size]
            found += agent.recv(ANSWER_BYTES_MAX - len(found))
    raise ValueError(path)


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
