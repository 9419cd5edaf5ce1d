"""Samples of documents: each kind with its required fields alone, and with every field set. No chance, no clock."""

import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import structs

import gitcoord
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.notice import Barrier, Notice
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.core.documents.outcomes import refused
from gitcoord.core.documents.policy import Policy
from gitcoord.core.owners.refusal_counts import Counter
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.format.meta import Applied, Meta
from gitcoord.ledger.rewinds.decisions import Decisions

MOMENT = datetime(2026, 11, 21, 9, 30, 0, 125_000, tzinfo=UTC)
# Texts of which only some are taken.
_NARROWER: Mapping[str, object] = {
    "pre_commit": "refuse",
    "texts": "private",
    "signed": "required",
    "pin_agents": "ann/*=ann@example.org",
}
_LAYERS = ("core", "ledger")  # what a service shows of a document is stored nowhere
_KINDS: Mapping[str, type[Doc]] = {
    "applied": Applied,
    "barriers": Barrier,
    "claims": Claim,
    "counters": Counter,
    "heartbeat.json": Heartbeat,
    "meta.json": Meta,
    "notices": Notice,
    "policy.json": Policy,
    "project.json": Project,
    "queue": QueueEntry,
    "requests": ReleaseRequest,
    "rewinds.json": Decisions,
    "steps": Step,
}
UNKNOWN: Mapping[str, Json] = {"from_a_newer_version": {"kept": ["as", "it", "is", 1.5, None]}}


def kinds() -> dict[str, type[Doc]]:
    """Return every kind of document, by its name."""
    for layer in _LAYERS:
        package = importlib.import_module(f"{gitcoord.__name__}.{layer}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return {kind.__name__: kind for kind in sorted(_below(Doc), key=lambda kind: kind.__name__)}


def kind_at(path: str) -> type[Doc]:
    """Return the kind of the document that lies at a path of a ledger."""
    return _KINDS[path.split("/", maxsplit=1)[0]]


def bare(kind: type[Doc]) -> Doc:
    """Return a document with nothing but its required fields."""
    required: dict[str, Any] = {field.name: _value(kind, field.name) for field in _fields(kind) if field.required}
    return kind(**required)


def full(kind: type[Doc]) -> Doc:
    """Return a document with each field set to what is not its default, changed one by one as production does."""
    document = bare(kind)
    for field in _fields(kind):
        if not field.required:
            changed = not field.default if isinstance(field.default, bool) else _value(kind, field.name)
            document = document.evolve(**{field.name: changed})
    return structs.replace(document, extra=UNKNOWN)


def reply_with_calls() -> Reply:
    """Return a refusal as it crosses the spool: its hint names calls of tools."""
    ask = Call.of("request_release", claim_id="c-00000001", reason=...)
    return Reply(outcome=refused("conflict", "It is held.", sentence("Ask: ", ask, ", or work elsewhere.")))


def names(kind: type[Doc]) -> list[str]:
    """Return the names of its fields."""
    return [field.name for field in _fields(kind)]


def _below(kind: type[Doc]) -> Iterator[type[Doc]]:
    for narrower in kind.__subclasses__():
        if narrower.__module__.startswith(tuple(f"{gitcoord.__name__}.{layer}." for layer in _LAYERS)):
            yield narrower
        yield from _below(narrower)


def _fields(kind: type[Doc]) -> list[structs.FieldInfo]:
    return [field for field in structs.fields(kind) if field.name != "extra"]


def _value(kind: type[Doc], name: str) -> object:
    return _NARROWER[name] if name in _NARROWER else _of(typing.get_type_hints(kind)[name], name)


def _of(hint: Any, name: str) -> object:  # noqa: ANN401 - a type expression has no narrower type
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType or origin is typing.Union:
        return _of(next(inner for inner in arguments if inner is not types.NoneType), name)
    if origin is tuple:
        return (_of(arguments[0], f"{name} b"), _of(arguments[0], f"{name} a"))  # their order is kept
    if origin is not None and issubclass(origin, Mapping):
        return {"ö": _of(arguments[1], name), "a": _of(arguments[1], name)}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return list(hint)[-1]
    if isinstance(hint, type) and issubclass(hint, Doc):
        return full(hint)
    return {str: f'{name} "ö" \\ \u2028', int: 7, float: 0.25, datetime: MOMENT}.get(hint, True)
