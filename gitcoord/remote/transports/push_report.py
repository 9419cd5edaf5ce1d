"""What became of a push: reads the report that `git push --porcelain` writes.

The report, one line for each ref (see git-push(1), OUTPUT, and `print_ref_status` in git's transport.c):

    To <url>
    <flag>TAB<from>:<to>TAB<summary>[ (<reason>)]
    Done                                              (where the push went through to a report)

    *	4f…:refs/coord/claims	[new reference]
    +	4f…:refs/coord/claims	9ab…4f0 (forced update)
    -	:refs/coord/inbox/claims/1	[deleted]
    =	4f…:refs/coord/config	[up to date]
    !	4f…:refs/coord/claims	[rejected] (stale info)
    !	4f…:refs/coord/claims	[remote rejected] (pre-receive hook declined)

Rules:
  * `=` on a ref that was to be written is not a win: the ref is where we wanted it, but not from where we expected.
  * A loser learns it in many ways; a hook's no looks almost the same. Both are listed here by their words.
  * A line that we do not know is UNKNOWN, never a success.

This module must not start anything.
"""

import re
from collections.abc import Container, Mapping, Sequence
from typing import Final, NamedTuple

from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.git.git_failure import judge_failure, shown, unquoted
from gitcoord.remote.git.git_process import Completed, clean_text

_LINE = re.compile(
    r"(?P<flag>[ +\-*=!])\t[^:\t]*:(?P<ref>[^\t]+)\t(?P<summary>\[[^\]]*\]|[^ ]+)(?: \((?P<reason>.*)\))?"
)

_LOST: Final = re.compile(
    r"stale info|fetch first|needs force|failed to update ref|failed to lock|cannot lock ref"
    r"|reference already exists|reference does not exist|already exists|incorrect old value|is at .* but expected"
    r"|missing necessary objects|unresolved deltas|lock.failure|remote ref updated since checkout"
    # JGit's words [4.11; JGitText]: a race that was lost by the listing of this push, and a base that went away.
    r"|invalid old id sent|missing object\(s\)|object [0-9a-f]{40} missing",
    re.IGNORECASE,
)
# Said by git's client this is a lost race; said by the server it is `receive.denyNonFastForwards`, a rule.
_REWIND: Final = "non-fast-forward"
# The server could not take the pack; why is on standard error.
_UNPACK: Final = re.compile(r"unpacker error|unpack failed|abnormal exit", re.IGNORECASE)
# Said of every ref of a push because of another one.
_BECAUSE_OF_ANOTHER: Final = re.compile(
    r"atomic (?:push|transaction) fail|transaction failed|failed atomic|transaction aborted", re.IGNORECASE
)
# Among the words of a loser these mean that trying again does not help.
_PERMANENT: Final = re.compile(
    r"permission denied|unable to create temporary|insufficient permission|read-only file system|no space left"
    r"|quota exceeded|fsck"
    r"|exceeds maximum allowed size|exists; cannot create|refname conflict|case-insensitive",
    re.IGNORECASE,
)


class PushLine(NamedTuple):
    """One line of the report. `summary` has its brackets; `reason` is "" where git gives none."""

    flag: str
    ref: str
    summary: str
    reason: str


def parse_report(stdout: str) -> list[PushLine]:
    """Return the lines about refs; lines of another shape are skipped, and their refs are then missing."""
    matches = (_LINE.fullmatch(line) for line in stdout.splitlines())
    return [PushLine(m["flag"], m["ref"], m["summary"], m["reason"] or "") for m in matches if m]


def judge_push(done: Completed, updates: Sequence[RefUpdate]) -> SwapOutcome:
    """Return what became of a push that carried `updates`, checks included."""
    lines = {line.ref: line for line in parse_report(done.stdout.decode(errors="replace"))}
    rejected = [line for line in lines.values() if line.flag == "!"]
    if (done.rc != 0 or done.timed_out) and not rejected:
        return judge_failure(done)
    outcome = judge_lines(lines, updates, done.errors)
    if outcome.status is SwapStatus.LOST and any(
        update.new and f"is at {update.new} " in done.errors for update in updates
    ):
        # curl sends a request again if a kept connection dies before the first byte of the answer comes.
        return SwapOutcome(SwapStatus.UNKNOWN, f"an earlier try of this push landed: {outcome.message}")
    return outcome


def judge_lines(lines: Mapping[str, PushLine], updates: Sequence[RefUpdate], errors: str) -> SwapOutcome:
    """Return what became of a push with this report; `errors`: what was said beside it."""
    rejected = [line for line in lines.values() if line.flag == "!"]
    if rejected:
        return _judge_rejection(rejected, lines, updates, errors)
    unclear = [update.ref for update in updates if update.ref not in lines]
    if unclear:
        return SwapOutcome(SwapStatus.UNKNOWN, f"the remote did not say what became of {unclear[0]}")
    moved_checks = [update.ref for update in updates if update.is_check and lines[update.ref].flag != "="]
    if moved_checks:
        return SwapOutcome(SwapStatus.UNKNOWN, f"the check of {moved_checks[0]} was taken for a write")
    writes = [update for update in updates if not update.is_check]
    there_already = [update.ref for update in writes if lines[update.ref].flag == "="]
    if len(there_already) == len(writes):
        return SwapOutcome(SwapStatus.LOST, f"{there_already[0]} is there already")
    if there_already:
        return SwapOutcome(SwapStatus.UNKNOWN, f"{there_already[0]} was there already, the rest landed")
    return SwapOutcome(SwapStatus.WON)


def lines_of(updates: Sequence[RefUpdate], ok: Container[str], failed: Mapping[str, str]) -> Mapping[str, PushLine]:
    """Return a server's own report as git shows it: which refs are `ok`, and why others `failed`."""
    lines: dict[str, PushLine] = {}
    for update in updates:
        if update.ref in failed:
            lines[update.ref] = PushLine("!", update.ref, "[remote rejected]", failed[update.ref])
        elif update.ref in ok:
            lines[update.ref] = PushLine("=" if update.is_check else "+", update.ref, "[done]", "")
    return lines


def landed_refs(done: Completed) -> list[str]:
    """Return the refs that a push wrote."""
    return [line.ref for line in parse_report(done.stdout.decode(errors="replace")) if line.flag in " +-*"]


def _judge_rejection(
    rejected: Sequence[PushLine], lines: Mapping[str, PushLine], updates: Sequence[RefUpdate], errors: str
) -> SwapOutcome:
    landed = [update.ref for update in updates if lines.get(update.ref, rejected[0]).flag in " +-*"]
    first = next((line for line in rejected if not _BECAUSE_OF_ANOTHER.search(line.reason)), rejected[0])
    spoken = shown(errors) if "remote" in errors else ""
    words = clean_text("\n".join(filter(None, (f"{first.ref}: {first.reason or first.summary}", spoken))))
    if landed:
        return SwapOutcome(SwapStatus.UNKNOWN, f"{', '.join(landed)} landed, the rest did not: {words}")
    statuses = {_judge_line(line, errors) for line in rejected}
    for status in (SwapStatus.UNKNOWN, SwapStatus.DENIED):
        if status in statuses:
            return SwapOutcome(status, words)
    return SwapOutcome(SwapStatus.LOST, words)


def _judge_line(line: PushLine, errors: str) -> SwapStatus:
    if line.summary not in {"[rejected]", "[remote rejected]"}:
        return SwapStatus.UNKNOWN  # `[remote failure]`: no report on this ref came back
    if _BECAUSE_OF_ANOTHER.search(line.reason) or _LOST.search(line.reason) or _UNPACK.search(line.reason):
        spoken = unquoted(f"{line.reason}\n{errors}")
        is_permanent = line.summary == "[remote rejected]" and _PERMANENT.search(spoken) is not None
        return SwapStatus.DENIED if is_permanent else SwapStatus.LOST
    if line.summary == "[rejected]" and line.reason == _REWIND:
        return SwapStatus.LOST
    # The words of a remote's rule are its own; the words of git's client are not.
    return SwapStatus.DENIED if line.summary == "[remote rejected]" else SwapStatus.UNKNOWN
