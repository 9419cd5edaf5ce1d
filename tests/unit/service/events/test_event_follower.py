"""Who follows misses nothing, whatever was in the way when it happened."""

from gitcoord.service.claims.claims import claim_files
from gitcoord.service.events.event_follower import EventFollower
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.upkeep.gc import gc


def test_what_could_not_be_read_when_it_moved_comes_with_the_next_turn(ann: Workspace) -> None:
    follower, patience = EventFollower(ann, None), Patience()
    begin = follower.cursor
    claim_files(ann, patterns=["a.zig"])

    follower.cursor = "none"
    broken = follower.turn(patience, 0.0)
    follower.cursor = begin
    well = follower.turn(patience, 0.0)

    assert (broken.rows, len(broken.problems)) == ([], 1)
    assert [row["event"] for row in well.rows] == ["claim_granted"]
    assert len(well.solved) == 1


def test_who_follows_goes_on_across_a_roll(ann: Workspace) -> None:
    follower, patience = EventFollower(ann, None), Patience()
    claim_files(ann, patterns=["a.zig"])
    claim_files(ann, patterns=["b.zig"])
    before = follower.turn(patience, 0.0)

    gc(ann, rolled_after=1)
    quiet = follower.turn(patience, 0.0)
    claim_files(ann, patterns=["c.zig"])
    after = follower.turn(patience, 0.0)

    assert [row["patterns"] for row in before.rows] == [["a.zig"], ["b.zig"]]
    assert (quiet.rows, quiet.problems) == ([], [])
    assert [row["patterns"] for row in after.rows] == [["c.zig"]]
