"""The page beside the play: a dashboard that says nothing does not hold the play up."""

import os
from pathlib import Path

import pytest

from gitcoord.errors import StorageError
from gitcoord.faces.demo.live_page import live_page
from gitcoord.faces.demo.place import PEOPLE, Place


def test_a_dashboard_that_does_not_start_is_waited_for_so_long_and_ended(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import threading\nthreading.Event().wait()\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    place = Place(tmp_path, env, remote="", is_own_remote=True, project="demo", base="", desks=())
    for folder in (tmp_path / "logs", place.clone(PEOPLE[1])):
        folder.mkdir(parents=True)

    with (
        pytest.raises(StorageError, match=r"did not start: it said nothing for 0\.1 s"),
        live_page(place, is_opened=False, start_s=0.1),
    ):
        pass
