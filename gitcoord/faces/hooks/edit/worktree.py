"""The ground: the worktree around an edit, the snapshot of it, and what a hook leaves there for others to do.

Rules:
  * SEC-4: a repository of another user is none for us unless git trusts it (`safe.directory`): its folders may be links
    that lead anywhere.

What this file does not know: how a tool asks and is answered, who conflicts.
"""

import os
import time

from gitcoord.ledger.clone import snapshot_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gitcoord.core.documents.json_text import Json
    from gitcoord.ledger.clone.snapshot_files import Row

OUTCOME_S = 0.1  # for the outcome of a claim that is made at once, in the store of this clone
LOOK_S = 0.002
FRESH_S = 60.0  # a session that watches says every 3 s that the snapshot holds
REFRESH_S = 3.0  # for a process to start, and one look at a remote
TRUST_S = 1.0  # for git to say whether it trusts a folder: 3 ms
ID_CHARS_MAX = 100
_ID_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


class Ground:
    """Where an edit happens.

    Attributes:
        top: the worktree's folder.
        cwd: the folder that names are relative to.
        folder: what gitcoord keeps of this clone.
        tool, session: of the editing agent.
        me: what the snapshot says of this clone.
        known: the session as the snapshot lists it; empty before it does.
    """

    def __init__(self, top: str, folder: str, tool: str, session: str, cwd: str) -> None:
        self.top = top
        self.folder = folder
        self.tool = tool
        self.session = session_id(session) if session else ""
        self._cwd = cwd
        self._me_file = f"{folder}/{snapshot_files.SNAPSHOT}/{snapshot_files.ME}"
        self._noted = ""
        self._is_heard = False
        self._read()

    def _read(self) -> None:
        me = snapshot_files.load(self._me_file)
        self.me = me if me.get("format") == snapshot_files.FORMAT else {}
        self.known = self._find()

    @classmethod
    def around(cls, cwd: str, tool: str, session: str) -> "Ground | None":
        """Return the ground around a folder; `None` outside of any repository that git would work in."""
        found = snapshot_files.places(cwd)
        if found is None or not _is_trusted(*found):
            return None
        return cls(found[0], os.path.join(found[1], "gitcoord"), tool, session, cwd)

    @property
    def is_known(self) -> bool:
        """Whether anyone in this clone has used gitcoord; a colleague who did not is left alone."""
        return os.path.isdir(self.folder)

    @property
    def fold(self) -> bool:
        """Whether the disk does not tell cases apart."""
        return self.me.get("fold") is True

    @property
    def claims_by_itself(self) -> bool:
        """Whether a free file is claimed on the first edit, as the team's policy says."""
        return self.me.get("auto_claim") is not False and bool(self.session)

    @property
    def has_news(self) -> bool:
        """Whether there may be a notice for the session's agent, which it may have been shown."""
        lost = f"{self.folder}/{snapshot_files.NOTICES}/{self.name}{snapshot_files.LOST}"
        return self.me.get("wake") is not False and (bool(self.known.get("news")) or os.path.exists(lost))

    @property
    def ids(self) -> "set[str]":
        """Return every id by which this session is known."""
        aliases = self.known.get("aliases")
        listed = [alias for alias in aliases if isinstance(alias, str)] if isinstance(aliases, list) else []
        return {self.session, self._alias(), str(self.known.get("id", "")), *listed} - {""}

    @property
    def agents(self) -> "set[str]":
        """Return the names under which this session works; before it is listed, those that worked here."""
        if self.known:
            return set(_texts(self.known.get("agents")))
        name = snapshot_files.worktree_name(self.top)
        here = [row for row in self._sessions() if row.get("worktree") == name]
        return {agent for row in here for agent in _texts(row.get("agents"))}

    def _find(self, other: str = "") -> "Row":
        """Return the session as it is listed: by its own id before an `other` that it went by, which may be over."""
        wanted = [session for session in (self.session, other or self._alias()) if session]
        listed = [*self._sessions()]
        by_id = (row for name in wanted for row in listed if row.get("id") == name)
        by_alias = (row for row in listed if set(wanted).intersection(_texts(row.get("aliases"))))
        return next(by_id, None) or next(by_alias, None) or {}

    def _sessions(self) -> "Iterator[Row]":
        listed = self.me.get("sessions")
        yield from (row for row in (listed if isinstance(listed, list) else ()) if isinstance(row, dict))

    def _alias(self) -> str:
        return "" if not self.session else snapshot_files.first_line(self._beside(".alias"))

    def _beside(self, ending: str, session: str = "") -> str:
        return f"{self.folder}/{snapshot_files.SESSIONS}/{session or self.session}{ending}"

    def place_of(self, name: str) -> "tuple[str, str]":
        """Return (path, top of its worktree) of a file; nothing for one of another clone, or git's own.

        A worktree may be inside another one, and an agent may change files of one where it is not.
        """
        folder, last = os.path.split(os.path.normpath(os.path.join(self._cwd, name)))
        folder = os.path.realpath(folder)  # the file itself may be a link, and is what is claimed
        found = snapshot_files.places(folder)
        if found is None or os.path.join(found[1], "gitcoord") != self.folder:
            return "", ""
        inside = os.path.relpath(os.path.join(folder, last), found[0]).replace(os.sep, "/")
        return ("", "") if inside.split("/")[0].lower() in {".git", ".."} else (inside, found[0])

    def targets_of(self, names: "Sequence[str]") -> "Iterator[str]":
        """Yield the files behind those that are links: a tool that edits a link writes into them."""
        for name in names:
            path = os.path.join(self._cwd, name)
            if os.path.islink(path):
                yield os.path.realpath(path)

    def rows(self, path: str) -> "Iterator[Row]":
        """Yield the claims around a path; none where the snapshot is of another version, or no snapshot."""
        folder = f"{self.folder}/{snapshot_files.SNAPSHOT}"
        return snapshot_files.rows_near(folder, path, fold=self.fold) if self.me else iter(())

    def refresh(self) -> bool:
        """Have a snapshot that no process has looked after made anew, and read it; tell whether it was.

        A process writes it or says that it still holds, every few seconds. One that is older may name claims that have
        ended, and no edit is stopped for those. Where that did not help within the last minute, as with a server that
        is silent, what is known counts at once.
        """
        before, failed = _changed_at(self._me_file), f"{self.folder}/{snapshot_files.UNREFRESHED}"
        if min(abs(time.time() - moment) for moment in (before, _changed_at(failed))) < FRESH_S:
            return False
        try:
            self._start_sync(at_once=True)
        except OSError:
            return False  # a disk that cannot be written: what is known is what there is
        end = time.monotonic() + REFRESH_S
        while _changed_at(self._me_file) == before and time.monotonic() < end:
            time.sleep(LOOK_S)
        self._read()
        is_new = _changed_at(self._me_file) != before
        if not is_new:
            write(failed, "")
        return is_new

    def settle(self, *, begins: bool, goes_on: bool) -> None:
        """Find out which session it is, if nothing tells: the one that its tool's process has here, or a new one.

        Args:
            begins: it does so now.
            goes_on: the tool says that it is one that was there before.
        """
        if not self.session or (not begins and (self.known or self._alias())):
            return
        from gitcoord.ledger.clone import tool_process  # seldom needed

        first = tool_process.agreed(f"{self.folder}/{snapshot_files.SESSIONS}", self.top, self.session)
        if first and first != self.session:
            self._is_really(first)
        elif begins and not self.known and (goes_on or not first):
            name = snapshot_files.worktree_name(self.top)
            live = [
                row
                for row in self._sessions()
                if row.get("worktree") == name
                and str(row.get("tool", "")).startswith(self.tool)
                and _has_reader(self._beside(".bell", str(row.get("id", "-"))))
            ]
            if len(live) == 1:  # of several it is unknown which one goes on
                self._is_really(str(live[0].get("id", "")))

    def _is_really(self, session: str) -> None:
        try:  # noqa: SIM105 - a hook loads no `contextlib`
            write(self._beside(".alias"), session)
        except OSError:
            pass  # a disk that cannot be written: the next hook finds it out again
        self.known = self._find(session)

    def note(self, event: str, more: "dict[str, Json]") -> None:
        """Leave something to do for a process of this clone, and wake one.

        Raises:
            OSError: the disk cannot be written, or no process can be started.
        """
        import json  # once a session has the file, there is nothing to note

        folder = f"{self.folder}/{snapshot_files.EDITS}"
        said = {"event": event, "session": self.name, "tool": self.tool, "top": self.top, "at": time.time(), **more}
        said["agent"] = os.environ.get("GITCOORD_AGENT", "")
        self._noted = f"{folder}/{time.time_ns():020d}-{os.getpid()}.json"
        for name in (snapshot_files.EDITS, snapshot_files.SESSIONS):
            os.makedirs(f"{self.folder}/{name}", exist_ok=True)
        write(self._noted, json.dumps(said))
        if self.session:
            write(self._beside(".hook", self.name), "")
        # Wake the server of this session, where there is one.
        server = "" if event == "end" else self.name
        self._is_heard = bool(server) and _has_reader(self._beside(".bell", server), says=b"!")
        if not self._is_heard:
            self._start_sync(at_once=event == "end")

    @property
    def name(self) -> str:
        """The id by which the session's server goes, as far as it is known."""
        return str(self.known.get("id", "")) or self._alias() or self.session

    def wait_for_outcome(self) -> bool:
        """Wait a moment for the outcome of what was noted, where it is quick; tell whether it may be there."""
        if not self._is_heard or self.me.get("is_embedded") is not True:
            return False
        end = time.monotonic() + OUTCOME_S
        while os.path.exists(self._noted) and time.monotonic() < end:
            time.sleep(LOOK_S)
        return True

    def _start_sync(self, *, at_once: bool) -> None:
        """Start a process that does what was noted and outlives this one; not more often than every few seconds."""
        from gitcoord.faces.hooks.spawn import start  # seldom needed

        mark = f"{self.folder}/{snapshot_files.STARTED}"
        if not at_once and abs(time.time() - _changed_at(mark)) < snapshot_files.STARTED_EVERY_S:
            return
        os.makedirs(os.path.dirname(mark), exist_ok=True)
        write(mark, "")
        start(self.top, ("hook", "sync"))


def _is_trusted(top: str, git_dir: str) -> bool:
    """Whether git would work there: all of it is this user's, or git says so, which takes a process."""
    if not hasattr(os, "geteuid"):
        return True  # Windows has no such owner
    try:
        owners = {os.stat(path).st_uid for path in (top, os.path.join(top, ".git"), git_dir)}
    except OSError:
        return False
    if owners == {os.geteuid()}:
        return True
    from pathlib import Path

    from gitcoord.errors import CoordError
    from gitcoord.remote.git.git_process import clean_env, run_git

    try:
        return run_git(("rev-parse", "--git-dir"), cwd=Path(top), env=clean_env(os.environ), timeout_s=TRUST_S).rc == 0
    except CoordError:
        return False


def session_id(given: str) -> str:
    """Return the id of a session as every part of gitcoord spells it; see `service/session/identity`."""
    text = given.lower()
    is_plain = 0 < len(text) <= ID_CHARS_MAX and _ID_CHARS.issuperset(text)
    if is_plain and ".." not in text and not text.endswith((".", ".lock")):
        return text
    import hashlib  # no tool that is known needs it

    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _changed_at(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _texts(some: "Json") -> "list[str]":
    return [item for item in some if isinstance(item, str)] if isinstance(some, list) else []


def _has_reader(pipe: str, says: bytes = b"") -> bool:
    """Whether a process reads a pipe, and say something to it. A pipe that is full is being read."""
    if not hasattr(os, "O_NONBLOCK"):
        return False
    try:
        handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if says:
            os.write(handle, says)
    except BlockingIOError:
        pass
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def write(path: str, text: str) -> None:
    """Write a small file whole."""
    # The time as well: in two containers that mount one folder, two processes may have the same id.
    draft = f"{os.path.dirname(path)}/.{os.path.basename(path)}.{os.getpid()}-{time.time_ns()}"
    try:
        with open(draft, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError:
        if os.path.exists(draft):
            os.unlink(draft)
        raise
