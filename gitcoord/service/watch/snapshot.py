"""The snapshot: what is claimed, as small files that a hook reads within a millisecond (`ledger/clone/snapshot_files`).

    watch/snapshot.lock    held by the session whose server writes, for as long as it lives
    watch/snapshot.pen     its id, for others to ring when they changed something

Rules:
  * One session of a clone writes; the next one to look takes over.
  * Only files whose content changed are written, each whole. Of a change among 10,000 claims one line is made anew.
  * The notices to each session stand in `me.json`, so that a hook can show its agent what it was not shown.
  * What could not be written is written by the next look.
  * It serves hooks, which fail open: a disk that cannot be written is not an error here.

What this file does not know: what a hook answers, when it is time to write.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.core.claims.claim import Claim, Item, Mode, Part
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.patterns import regex
from gitcoord.core.patterns.index import slot_of, spelled_out
from gitcoord.core.patterns.path_pattern import shape_of
from gitcoord.errors import CoordError, StorageError
from gitcoord.ledger.clone import files, snapshot_files
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims.dry_run import context_of, lives
from gitcoord.service.session import freshness
from gitcoord.service.session.wakeup import ring
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch import pending_notices

DESCRIPTION_CHARS = 120
NAME_CHARS = 120  # of a branch or a symbol, which an agent reads and no one compares
SYMBOLS_MAX = 50
NEWS_MAX, NEWS_CHARS = 10, 600  # of each session: all of it is read on each edit
OLD_S = 60.0  # who writes says every few seconds that it still holds; hooks have it made anew by then
AT_ONCE_MAX = 1_000  # claims, at 0.1 ms each; a person may be waiting for the command
_Lines = dict[str, set[str]]


@dataclass(slots=True)
class Snapshot:
    """One process's part in writing the snapshot of its clone."""

    workspace: Workspace
    _known: Mapping[str, Claim] = field(default_factory=dict[str, Claim])
    _of_claim: dict[str, list[tuple[str, str]]] = field(default_factory=dict[str, list[tuple[str, str]]])
    _lines: _Lines = field(default_factory=_Lines)
    _unwritten: set[str] = field(default_factory=set[str])
    _me: str = ""
    _is_first: bool = True
    _pen: FileLock | None = None

    def keep(self, register: Register, listed: Mapping[RefName, Oid], *, changed: bool) -> None:
        """Write if it is this session that does; else tell the one that does of a change."""
        if self._has_pen():
            self.write(register, listed)
        elif changed:
            ring(self.workspace.setting.clone.folder / "sessions", self._writer())

    def tell(self) -> None:
        """Have what one command changed written: by the session that does, or at once where there is none.

        A remote is not asked again for it; writing thousands of claims is left to the next session.
        """
        workspace = self.workspace
        if not self._has_pen():
            ring(workspace.setting.clone.folder / "sessions", self._writer())
            return
        try:
            listed = freshness.left(workspace)
            if listed is not None:
                with deadline.asking_until(lambda: 0.0):
                    self._write_if_changed(listed)
        except CoordError:  # the command is done; hooks look at what they have
            return
        finally:
            self.close()

    def _write_if_changed(self, listed: Mapping[RefName, Oid]) -> None:
        """Write the claims, if they changed since the last time; few commands about steps change any of it."""
        workspace = self.workspace
        me = snapshot_files.load(workspace.setting.clone.folder / snapshot_files.SNAPSHOT / snapshot_files.ME)
        if me and all(me.get(name) == tip for name, tip in self._tips(listed).items()):
            return
        register = workspace.register(listed)
        if workspace.setting.refs.claims in workspace.rewound_refs:
            return
        if len(register.claims) <= AT_ONCE_MAX:
            self.write(register, listed)

    def renew(self, register: Register, listed: Mapping[RefName, Oid]) -> None:
        """Write what a process found that does not stay; where a session writes, it looks again and sees more.

        One that was stopped (`^Z` in a terminal) keeps its lock and writes nothing.
        """
        workspace = self.workspace
        has_pen = self._has_pen()
        if has_pen or self._is_old():
            self.write(register, listed)
        else:
            ring(workspace.setting.clone.folder / "sessions", self._writer())
        if has_pen:
            self.close()

    def _is_old(self) -> bool:
        host, me = (
            self.workspace.setting.host,
            self.workspace.setting.clone.folder / snapshot_files.SNAPSHOT / snapshot_files.ME,
        )
        try:
            return abs(host.now().timestamp() - me.stat().st_mtime) > OLD_S
        except OSError:
            return True

    def close(self) -> None:
        """Let another session write."""
        if self._pen is not None:
            self._pen.release()

    def _has_pen(self) -> bool:
        folder = self.workspace.setting.clone.folder / "watch"
        try:
            if self._pen is None:
                folder.mkdir(parents=True, exist_ok=True)
                self._pen = FileLock(folder / "snapshot.lock", timeout=0, thread_local=False)
            if not self._pen.is_locked:
                self._pen.acquire()
                (folder / "snapshot.pen").write_text(self.workspace.session_id, "utf-8")
        except (Timeout, OSError):
            return False
        return True

    def _writer(self) -> str:
        try:
            return (self.workspace.setting.clone.folder / "watch" / "snapshot.pen").read_text("utf-8").strip()
        except (OSError, ValueError):
            return ""

    def write(self, register: Register, listed: Mapping[RefName, Oid]) -> None:
        """Bring the files up to these claims."""
        folder = self.workspace.setting.clone.folder / snapshot_files.SNAPSHOT
        with contextlib.suppress(StorageError, OSError):
            folder.mkdir(parents=True, exist_ok=True)
            taken = [claim for claim in register.claims.values() if claim.step is not None]
            context = context_of(self.workspace, self.workspace.actor(), listed, is_shown=True) if taken else None
            # They confer nothing; a client ends them within a minute or so.
            void = {claim.id for claim in taken if context and context.is_void(claim)}
            self._follow(register, void)
            self._write_files(folder)
            self._write_me(folder, register, listed)

    @property
    def is_folded(self) -> bool:
        """Whether the disk of this clone does not tell cases apart."""
        return self.workspace.checkout.folds_case()

    def _follow(self, register: Register, void: set[str]) -> None:
        """Take over what changed in the claims, and note the names of the files that it changes."""
        before, now = self._known, register.claims
        if void:
            now = {name: claim for name, claim in now.items() if name not in void}
        moved = [claim_id for claim_id in {*before, *now} if before.get(claim_id) is not now.get(claim_id)]
        fold = self.is_folded if moved else False
        # A partner that shares a claim's files is named in its line, by holder: partners are few, and looked up again.
        for claim_id in moved:
            for file, line in self._of_claim.pop(claim_id, []):
                self._lines[file].discard(line)
                self._unwritten.add(file)
            claim = now.get(claim_id)
            if claim is not None and claim.repo == self.workspace.repo:
                lines = [*lines_of(claim, register, fold=fold)]
                self._of_claim[claim_id] = lines
                for file, line in lines:
                    self._lines.setdefault(file, set()).add(line)
                    self._unwritten.add(file)
        self._known = now

    def _write_files(self, folder: Path) -> None:
        if self._is_first:
            there = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
            there -= {snapshot_files.ME, snapshot_files.ENFORCE}
            self._unwritten |= there
        for file in sorted(self._unwritten):
            lines = self._lines.get(file)
            if lines:
                _write(folder / file, "".join(sorted(lines)), self._unique, compare=self._is_first)
            else:
                files.remove(folder / file)
                self._lines.pop(file, None)
            self._unwritten.discard(file)
        self._is_first = False

    def _write_me(self, folder: Path, register: Register, listed: Mapping[RefName, Oid]) -> None:
        workspace = self.workspace
        policy, refs = workspace.policy(listed), workspace.setting.refs
        sessions = [
            {
                "id": beat.id,
                "agents": [*beat.agents],
                "aliases": [*beat.aliases],
                "tool": beat.tool,
                "worktree": beat.worktree,
                "news": [
                    {"ids": [*row.ids], "text": row.notice.text[:NEWS_CHARS], "due": row.is_due}
                    for row in pending_notices.of_session(workspace, register, beat)[:NEWS_MAX]
                ],
            }
            for beat in workspace.setting.sessions.beats(workspace.setting.host.now())
        ]
        text = json.dumps(
            {
                "format": snapshot_files.FORMAT,
                "clones": [*workspace.setting.clone.ids],
                "earlier": [*workspace.setting.clone.earlier],
                "is_embedded": workspace.remote_url is None,
                "auto_claim": policy.auto_claim,
                "enforce": policy.enforce,
                "wake": workspace.preferences.wakes,
                "pre_commit": policy.pre_commit,
                "fold": self.is_folded,
                **self._tips(listed),
                "refs": {ref: listed.get(ref) for ref in (refs.claims, refs.config)},
                "sessions": sessions,
                **_silent(workspace, register, listed),
            },
            sort_keys=True,
        )
        if text != self._me or not (folder / snapshot_files.ME).exists():
            _write(folder / snapshot_files.ME, text, self._unique, compare=False)
            self._me = text
        else:
            os.utime(folder / snapshot_files.ME)  # it still holds

    def _tips(self, listed: Mapping[RefName, Oid]) -> dict[str, Json]:
        """Return what it was made of: the claims, and what the team decided."""
        refs = self.workspace.setting.refs
        return {"tip": listed.get(refs.claims), "config": listed.get(refs.config)}

    @property
    def _unique(self) -> str:
        return self.workspace.setting.host.unique


def _silent(workspace: Workspace, register: Register, listed: Mapping[RefName, Oid]) -> dict[str, Json]:
    """Return the sessions that hold claims and are gone, or live and call nothing.

    `gone`: how to say it, and what it means. `absent`: those of them in which no one is there to be asked.

    Of each session one claim is judged, the one with its last activity: the others are free no later. Those whose
    own time is up before that have a sentence of their own, by their id.
    """
    newest = [
        max((register.claims[claim_id] for claim_id in ids), key=lambda claim: claim.last_activity)
        for ids in register.sessions.values()
    ]
    now = workspace.setting.host.now()
    found = lives(workspace, newest, listed)
    said: dict[str, str] = {}
    absent: list[str] = []
    for judged, ids in zip(newest, register.sessions.values(), strict=True):
        gone = found.get(judged.id)
        if gone is not None:
            claims = [register.claims[claim_id] for claim_id in ids]
            last = gone.sentence(now, max(claim.expires_at for claim in claims))
            own = {claim.id: gone.sentence(now, claim.expires_at) for claim in claims}
            said |= {f"{judged.clone} {judged.session}": last}
            absent += [f"{judged.clone} {judged.session}"] if gone.is_gone else []
            said |= {pattern: sentence for pattern, sentence in own.items() if sentence != last}
    return {"gone": {name: sentence for name, sentence in said.items() if sentence}, "absent": [*sorted(absent)]}


def lines_of(claim: Claim, register: Register, *, fold: bool) -> Iterator[tuple[str, str]]:
    """Yield (file, line) for each item of a claim; `fold`: for a disk that does not tell cases apart."""
    for item in claim.items:
        file, head = _place(item, fold=fold)
        shape = shape_of(item.area.pattern)
        if shape.path is not None or shape.is_tree:
            more = {}
        else:
            has = spelled_out(shape.steps)
            extra: dict[str, Json] = {"regex": regex.regex(shape.steps)}
            more = {**extra, "has": snapshot_files.folded(has) if fold else has} if has.isascii() else extra
        partners: list[Json] = [[*partner] for partner in sorted(_partners(claim, item, register))]
        fields: dict[str, Json] = {
            "claim": claim.id,
            "agent": claim.agent,
            "clone": claim.clone,
            "session": claim.session or "",
            "branch": shown(claim.branch, NAME_CHARS)[1:-1] if claim.branch else None,
            "description": shown(claim.description, DESCRIPTION_CHARS)[1:-1],
            "until": round(item.expires_at.timestamp(), 3),
            "symbols": [shown(symbol, NAME_CHARS)[1:-1] for symbol in item.symbols[:SYMBOLS_MAX]],
            "read": item.mode is Mode.READ,
            "partners": partners,
        }
        row = json.dumps({**{name: value for name, value in fields.items() if value}, **more}, sort_keys=True)
        yield file, f"{head}\t{row}\n"


def _place(item: Item, *, fold: bool) -> tuple[str, str]:
    shape = shape_of(item.area.pattern)
    lead = [snapshot_files.spelled(name, fold=fold) for name in shape.lead]
    if shape.path is not None:
        return snapshot_files.file_of(lead[0]), f"{_folder(lead[:-1])}\t={lead[-1]}"
    slot = slot_of(shape.steps[len(lead) :])
    slot = slot[0] + snapshot_files.spelled(slot[1:], fold=fold)
    return (snapshot_files.file_of(lead[0]) if lead else snapshot_files.FLOATING), f"{_folder(lead)}\t!{slot}"


def _folder(names: list[str]) -> str:
    return "".join(f"{folder}/" for folder in names)


def _partners(claim: Claim, item: Item, register: Register) -> Iterator[tuple[str, str, str]]:
    """Yield who has a part of an item: (agent, clone, session)."""
    agreed: list[Part] = [part for part in claim.partners if part.area.overlaps(item.area)]
    for part in (*item.carved, *agreed):
        other = register.claims.get(part.claim)
        if other is not None:
            yield other.agent, other.clone, other.session or ""


def _write(path: Path, text: str, unique: str, *, compare: bool) -> None:
    data = text.encode("utf-8", "surrogatepass")
    with contextlib.suppress(OSError):
        if compare and path.read_bytes() == data:
            return
    files.write_bytes(path, data, unique)
