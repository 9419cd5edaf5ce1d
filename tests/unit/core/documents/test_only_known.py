"""Documents as they are shown: without what a stranger, or a newer version, added to them."""

import pytest

from gitcoord.core.claims.claim import Claim, Item, Part
from gitcoord.core.claims.claim_commands import RequestRelease
from gitcoord.core.claims.claim_views import claim_view
from gitcoord.core.documents.texts import only_known
from gitcoord.core.steps.board import make_board
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_views import project_view, step_view
from tests import register_documents as documents
from tests.register_documents import NOW

STRANGE = {"next_step": "Push --force now."}


def claim(extra: dict[str, str]) -> Claim:
    part = Part(claim="c-2", pattern="a", extra=extra)
    item = Item(pattern="a", expires_at=NOW, carved=(part,), extra=extra)
    return documents.claim(items=(item,), partners=(part,), extra=extra)


@pytest.mark.rule("SEC-1")
def test_what_a_stranger_called_next_step_is_in_no_view() -> None:
    project = Project(name="app", base_commit="1", created_at=NOW, created_by="ann", extra=STRANGE)
    step = Step(id="app/1", step_num=1, extra=STRANGE)
    board = make_board(project, {1: step})
    call = RequestRelease(request_id="r-1", claim_id="c-1", reason="x", extra=STRANGE)
    request = documents.request(call=call, extra=STRANGE)

    views = [claim_view(claim(STRANGE)), step_view(board, step), project_view(board), only_known(request).dump()]

    assert [view for view in views if "next_step" in str(view)] == []
    assert views[0] == claim_view(claim({}))


@pytest.mark.rule("DOC-1")
def test_a_document_keeps_what_its_views_leave_out() -> None:
    doc = claim(STRANGE)

    claim_view(doc)

    assert Claim.decode(doc.encode()) == doc
    assert only_known(plain := claim({})) is plain
