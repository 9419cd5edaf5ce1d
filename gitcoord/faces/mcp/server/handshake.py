"""The opening of a conversation: which requests the manifest may answer in the engine's place.

A call of a tool is not answered here, but its parameters are looked at in the same way (`early_calls`).
The first request settles the protocol version, as it does in the engine: an `initialize`, or a request with the
envelope of 2026-07-28. Whatever the manifest does not cover, a version, a parameter, an order of messages, is left to
the engine. Standard library only, without `typing`, which takes 9 ms.
"""

from gitcoord.faces.mcp.manifest import CALL, MODERN_VERSION, Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard

# The id under which the engine sees an opening request that was answered already.
ANSWERED = "gitcoord:answered-by-front"
_MEMBERS = ({"_meta"}, {"_meta", "name", "arguments"})  # of a request, and of a call of a tool
_VERSION = "io.modelcontextprotocol/protocolVersion"
_INFO = "io.modelcontextprotocol/clientInfo"
_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


class Opening:
    """One conversation, as far as the manifest can carry it."""

    def __init__(self, manifest: Manifest | None) -> None:
        self._manifest = manifest
        self._version = ""
        self._is_carried = False  # whether the first request was answered
        self.begun = False

    def answer(self, message: "dict[str, Any]") -> "dict[str, Any] | None":
        """Return the result of a request, or `None` to leave it to the engine."""
        method, params = message["method"], message.get("params", {})
        first, self.begun = not self.begun, True
        if not _is_object(params) or self._manifest is None:
            return None
        if first:
            self._version = _version_of(method, params)
        if (method == "initialize") is not (first and self._version != MODERN_VERSION):
            return None
        result = self._manifest.answer(self._version, method) if self._is_plain(method, params) else None
        self._is_carried |= first and result is not None
        return result

    def added(self, message: "dict[str, Any]") -> "dict[str, Any] | None":
        """Return what the engine adds to the result of a call of a tool; `None` to leave the request to it."""
        params = message.get("params")
        if message["method"] != CALL or not self._is_carried or self._manifest is None or not _is_object(params):
            return None
        has_tool = isinstance(params.get("name"), str) and isinstance(params.get("arguments", {}), dict)
        return self._manifest.added(self._version) if has_tool and self._is_plain(CALL, params) else None

    def _is_plain(self, method: str, params: "dict[str, Any]") -> bool:
        plain = _is_plain_modern if self._version == MODERN_VERSION else _is_plain
        return plain(method, params)


def _version_of(method: str, params: "dict[str, Any]") -> str:
    """Return the version that an opening request settles; nothing for one that the manifest cannot carry."""
    if method != "initialize":
        return MODERN_VERSION if _member(params, "_meta").get(_VERSION) == MODERN_VERSION else ""
    version = params.get("protocolVersion")
    capabilities = params.get("capabilities")
    if not isinstance(version, str) or not isinstance(capabilities, dict) or not _is_client(params.get("clientInfo")):
        return ""
    return version if version != MODERN_VERSION else ""


def _is_plain(method: str, params: "dict[str, Any]") -> bool:
    """Return whether the answer to a request of the handshake era depends on its method alone, or on its tool."""
    meta = _member(params, "_meta")
    extra = method != "initialize" and params.keys() - _MEMBERS[method == CALL]
    return not extra and _has_plain_meta(params) and _VERSION not in meta


def _is_plain_modern(method: str, params: "dict[str, Any]") -> bool:
    """Return the same for a request of 2026-07-28, each of which carries the envelope."""
    meta = _member(params, "_meta")
    has_envelope = meta.get(_VERSION) == MODERN_VERSION and isinstance(meta.get(_CAPABILITIES), dict)
    has_client = _INFO not in meta or _is_client(meta[_INFO])
    return has_envelope and has_client and not params.keys() - _MEMBERS[method == CALL] and _has_plain_meta(params)


def _has_plain_meta(params: "dict[str, Any]") -> bool:
    token = _member(params, "_meta").get("progressToken", 0)
    return isinstance(params.get("_meta", {}), dict) and isinstance(token, int | str) and not isinstance(token, bool)


def _is_client(info: object) -> bool:
    return _is_object(info) and all(isinstance(info.get(name), str) for name in ("name", "version"))


def _member(params: "dict[str, Any]", name: str) -> "dict[str, Any]":
    value = params.get(name)
    return value if _is_object(value) else {}


def _is_object(value: object) -> "TypeGuard[dict[str, Any]]":
    return isinstance(value, dict)
