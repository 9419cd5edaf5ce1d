"""Entries and replies: what crosses from the process that carries a command out to the one that waits."""

from collections.abc import Iterator

import pytest

from gitcoord import errors
from gitcoord.errors import CoordError, DocumentError, InvalidError
from gitcoord.ledger.format.entry import Failure, Reply, failed


def kinds_below(kind: type[CoordError]) -> Iterator[type[CoordError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from kinds_below(one)


KINDS = sorted((kind for kind in kinds_below(CoordError) if kind.__module__ == errors.__name__), key=str)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives_the_trip(kind: type[CoordError]) -> None:
    sent = failed(kind("What was true.", hint="A thing to do."))

    arrived = Reply.parse(sent.dump()).failure

    assert arrived is not None
    error = arrived.as_error()
    assert (type(error), str(error), error.hint) == (kind, "What was true.", "A thing to do.")
    assert error.exit_status == kind.exit_status


def test_the_place_of_a_damage_survives_the_trip() -> None:
    sent = failed(DocumentError("It is damaged.", where="refs/coord/steps/app"))

    assert sent.failure is not None
    error = sent.failure.as_error()
    assert isinstance(error, DocumentError)
    assert error.where == "refs/coord/steps/app"


class NarrowError(InvalidError):
    """An error of some module, with the code of what it is."""


def test_a_narrower_error_arrives_as_what_its_code_says() -> None:
    sent = failed(NarrowError("What was true."))

    assert sent.failure is not None
    assert type(sent.failure.as_error()) is InvalidError


def test_an_error_that_only_another_version_knows_stays_an_error() -> None:
    assert str(Failure(code="from_the_future", message="Something.").as_error()) == "Something."


def test_no_two_errors_have_one_code() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
