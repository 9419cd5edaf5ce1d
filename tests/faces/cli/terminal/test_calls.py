"""What is shown beside the result of a call."""

from datetime import datetime
from pathlib import Path

import pytest

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal import calls
from gitcoord.service.session.workspace import Workspace


def test_a_notice_names_commands_in_its_message_too(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo)

    def call(workspace: Workspace) -> dict[str, Json]:
        workspace.notify(CallerNotice.of("x", sentence("Work waits: ", Call.of("claim_step"), ".")))
        return {}

    def view(_: dict[str, Json], __: datetime) -> None: ...

    calls.answer(call, view, as_json=False)

    assert "note: Work waits: `gitcoord step claim`.\n" in capsys.readouterr().err
