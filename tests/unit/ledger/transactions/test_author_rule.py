"""What the team's policy does not take is said before it is sent, and to each what helps it."""

from pathlib import Path

import pytest

from gitcoord.core.documents.policy import Policy
from gitcoord.errors import AuthorError
from gitcoord.ledger.format import post
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.post import Post, PostedCommands
from gitcoord.ledger.transactions.author_rule import check_own, takes_post
from gitcoord.remote.contract.protocol import RefName
from tests.unit.ledger.fakes import START, World

ANN = Signature("ann", "ann@example.org")
SIGNS = ANN._replace(sign=lambda _: "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----")


@pytest.mark.rule("SEC-8")
@pytest.mark.parametrize(
    ("policy", "helps"),
    [
        (Policy(signed="required"), "config set sign on"),
        (Policy(pin_agents="ann/*=key:ann@example.org"), "config set sign on"),
        (Policy(pin_agents="ann/*=bob@example.org"), "config set agent"),
    ],
    ids=["signed", "key", "address"],
)
def test_who_is_refused_is_told_what_to_do(policy: Policy, helps: str) -> None:
    with pytest.raises(AuthorError) as caught:
        check_own(policy, "ann/cli/wt", ANN)

    assert helps in caught.value.hint


@pytest.mark.parametrize(
    ("policy", "by", "expected"),
    [
        (Policy(), ANN, True),
        (Policy(signed="required"), ANN, False),
        (Policy(signed="required"), SIGNS, True),
    ],
    ids=["free", "not signed", "signed"],
)
def test_a_post_is_carried_out_only_if_it_is_signed_where_that_is_required(
    tmp_path: Path, policy: Policy, by: Signature, expected: bool
) -> None:
    objects = World(tmp_path).remote.objects
    said = PostedCommands(clone="zoe", ledger=RefName("refs/coord/claims"), entries=())
    tip = post.write(objects, said, by, START)

    assert takes_post(objects, policy, Post(RefName("refs/coord/inbox/x"), tip, said)) is expected
