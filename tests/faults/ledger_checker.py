"""What must be true of ledgers whatever has happened: read with plain git and json; shares no code with gitcoord.

    checker = Checker(git_dir)
    checker.check(logs)        again after each fault: what was looked at before is not looked at again

Rules:
  * At no commit overlap two active claims for writing of different parties. Patterns that a test may claim are paths
    and `folder/**`; any other is an error of the test.
  * Each step has one holder at a time, each fence one winner, and what is completed is never claimed again.
  * A command of two ledgers is in both, at the latest when it was acknowledged.
  * A command lands once, and the numbers of a clone's commands have no gap.
  * What was acknowledged is in the history as it was told; what was refused, or could not be, is not.
  * Every ref names an object that is there, with all it needs.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.race.verify import Naive, git, read_logs

STEPS, CLAIMS = "refs/coord/steps/app", "refs/coord/claims"
NOT_LANDED = {"contended", "unreachable", "storage", "denied", "rewound", "store_damaged", "rate_limited"}


def overlap(first: str, second: str) -> bool:
    """Whether two patterns have a path in common."""
    one, two = (pattern.removesuffix("**") for pattern in (first, second))
    for text in (one, two):
        assert not set("*?[{") & set(text), f"a test may not claim {text!r}"
    is_tree, is_other_tree = first.endswith("/**"), second.endswith("/**")
    return one == two or (is_tree and two.startswith(one)) or (is_other_tree and one.startswith(two))


class Steps(Naive):
    """The rules of steps, where a session that is started again gets the step of its agent back, with a new fence."""

    def follow(self, event: Mapping[str, Any]) -> None:
        """Follow a command."""
        by, num = event["by"], event["outcome"].get("facts", {}).get("step_num")
        if event["do"] == "claim_step" and self.holder.get(num, ())[:2] == (by["agent"], by["clone"]):
            del self.holder[num]
        super().follow(event)


@dataclass
class Ledger:
    """What was seen of one ref."""

    tip: str = ""
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    counters: dict[str, int] = field(default_factory=dict[str, int])


@dataclass
class Checker:
    """Looks at the ledgers of one repository.

    `is_whole`: whether both ledgers move at once or not at all, whatever happens. `commits`: how many it has looked at.
    """

    git_dir: Path
    is_whole: bool = True
    steps: Ledger = field(default_factory=Ledger)
    claims: Ledger = field(default_factory=Ledger)
    rules: Steps = field(default_factory=Steps)
    commits: int = 0
    _blobs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def check(self, logs: Iterable[Path]) -> None:
        """Look at what is new, and at what everyone was told."""
        for event in self._follow(self.steps, STEPS):
            self.rules.follow(event)
        self._follow(self.claims, CLAIMS)
        by_uid = [{event["uid"]: event for event in ledger.events} for ledger in (self.claims, self.steps)]
        for ledger, of_it in zip((self.claims, self.steps), by_uid, strict=True):
            assert len(of_it) == len(ledger.events), "a command was applied twice"
        commands = read_logs(logs)
        # Where ledgers move one after the other, paths without their step confer nothing, and are no claim of it.
        halves = {uid for uid, said in commands.items() if said.get("word") == "claim_step" and not self.is_whole}
        of_claims = {uid: event for uid, event in by_uid[0].items() if uid not in halves}
        self._check_told({**of_claims, **by_uid[1]}, commands)
        for uid in by_uid[1].keys() - by_uid[0].keys():
            # Of what is taken for the first time the paths are claimed with it; later they may be held, or given back.
            is_first = by_uid[1][uid]["outcome"].get("facts", {}).get("fence") == 1
            is_told = commands.get(uid, {}).get("verdict") == "done"
            assert not (is_first and (is_told or self.is_whole)), f"half a command landed: {by_uid[1][uid]}"
        assert git(self.git_dir, "fsck", "--connectivity-only", "--no-dangling", "--no-progress") == ""
        kinds = {*git(self.git_dir, "for-each-ref", "--format=%(objecttype)", "refs/coord").split()}
        assert kinds <= {"commit"}, f"refs of {kinds}"

    def _follow(self, ledger: Ledger, ref: str) -> list[dict[str, Any]]:
        """Read the commits since the last look, each a child of the one before; return their commands."""
        tip = git(self.git_dir, "for-each-ref", "--format=%(objectname)", ref).strip()
        if tip == ledger.tip:
            return []
        assert tip, f"{ref} is gone"
        wanted = [f"{ledger.tip}..{tip}" if ledger.tip else tip]
        text = git(self.git_dir, "log", "--reverse", "--first-parent", "-z", "--format=%H %P%n%B", *wanted)
        before, fresh = ledger.tip, list[dict[str, Any]]()
        for row in filter(None, text.split("\0")):
            head, _, message = row.partition("\n")
            commit, first, *posts = [*head.split(" "), ""][: max(2, head.count(" ") + 1)]
            assert first == before, f"{commit} of {ref} is no child of {before}"
            for post in filter(None, posts):
                assert git(self.git_dir, "ls-tree", "--name-only", post) == "post.json\n", f"{post} is no post"
            before, self.commits = commit, self.commits + 1
            fresh += self._commands(commit, message)
            if ref == CLAIMS:
                self._check_overlaps(commit)
        assert before == tip, f"{ref} was at {ledger.tip}, which {tip} does not follow"
        for event in fresh:
            clone, _, counter = event["id"].rpartition(".")
            expected = ledger.counters.get(clone, 0) + 1
            assert int(counter) == expected, f"the counter of {clone} in {ref} jumps from {expected - 1} to {counter}"
            ledger.counters[clone] = expected
        ledger.tip = tip
        ledger.events += fresh
        return fresh

    def _commands(self, commit: str, message: str) -> list[dict[str, Any]]:
        body = message.partition("\n\n")[2]
        if body.startswith('{"record"'):
            body = git(self.git_dir, "show", f"{commit}:record.json")
        return [{**line, "commit": commit} for line in map(json.loads, filter(None, body.split("\n"))) if "do" in line]

    def _check_overlaps(self, commit: str) -> None:
        rows = git(self.git_dir, "ls-tree", "-r", commit, "claims/").splitlines()
        held: list[tuple[tuple[str, str], str, str]] = []
        for row in rows:
            oid = row.split("\t")[0].split(" ")[2]
            if oid not in self._blobs:
                self._blobs[oid] = json.loads(git(self.git_dir, "cat-file", "blob", oid))
            claim = self._blobs[oid]
            written = [item["pattern"] for item in claim["items"] if item.get("mode", "write") == "write"]
            held += [((claim["agent"], claim["clone"]), claim["id"], pattern) for pattern in written]
        for index, (party, claim_id, pattern) in enumerate(held):
            for other, other_id, wanted in held[index + 1 :]:
                assert party == other or not overlap(pattern, wanted), (
                    f"at {commit} {party} ({claim_id}) has {pattern} and {other} ({other_id}) has {wanted}"
                )

    def _check_told(self, landed: Mapping[str, Mapping[str, Any]], commands: Mapping[str, Mapping[str, Any]]) -> None:
        for uid, command in commands.items():
            event, facts = landed.get(uid), command.get("facts") or {}
            if command.get("verdict") == "done" and not facts.get("already") and command.get("code") not in NO_CHANGE:
                assert event is not None, f"acknowledged and lost: {command}"
                assert event["outcome"].get("facts", {}) == facts, f"told otherwise than recorded: {command} {event}"
            elif command.get("verdict") in {"refused", "invalid"} or command.get("code") in NOT_LANDED:
                assert event is None, f"landed in {event['commit']}, and told otherwise: {command}"


NO_CHANGE = {"nothing_to_release", "already_claimed", "nothing_held"}
