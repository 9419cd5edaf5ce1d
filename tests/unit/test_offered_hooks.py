"""What `.pre-commit-hooks.yaml` offers exists."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from gitcoord.faces.hooks import dispatch

ROOT = Path(__file__).parents[2]


@pytest.mark.docs
def test_every_hook_that_is_offered_is_one_of_ours() -> None:
    offered = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    source = Path(dispatch.__file__).read_text("utf-8")

    assert [one["id"] for one in offered] == [
        "gitcoord-pre-push",
        "gitcoord-pre-commit",
        "gitcoord-prepare-commit-msg",
    ]
    for one in offered:
        name = one["id"].removeprefix("gitcoord-")
        assert one["entry"] == f"gitcoord hook {name}"
        assert one["stages"] == [name]
        assert f'"{name}"' in source
