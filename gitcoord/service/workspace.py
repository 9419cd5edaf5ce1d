"""The workspace: one agent at work in one worktree, with everything that its use cases need.

What this file does not know: how it is put together (`gitcoord.runtime`), and who shows the results.
"""

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gitcoord.core.commands import Actor, Command
from gitcoord.core.doc import Json
from gitcoord.core.names import shown, sub_agent
from gitcoord.errors import CoordError, InvalidError, NotFoundError
from gitcoord.ledger import files
from gitcoord.ledger.beating import beat_now
from gitcoord.ledger.combining import Combiner
from gitcoord.ledger.entry import Entry, Reply, entry_of
from gitcoord.ledger.reader import LedgerState, Reader
from gitcoord.ledger.sessions import OpenSession
from gitcoord.ledger.transaction import Setting
from gitcoord.remote.protocol import Oid, RefName
from gitcoord.source.repository import Repository


class Watcher(Protocol):
    """What looks at the ledgers for this workspace; see `gitcoord.service.watching`."""


@dataclass(slots=True)
class Workspace:
    """An agent at work.

    Attributes:
        agent, session_id, clone_id: who we are.
        remote_name: "this clone", or the remote's URL without credentials.
        remote_url: what git is given for it; `None` where the store of this clone is the remote.
        code_url: where branches of the work are pushed, if anybody else can read them there.
        repo: which repository this is, where several share one remote.
        session: the lock that shows that we live; `None` for one command at a time.
        reader: for reading only; commands have one of their own.
    """

    agent: str
    session_id: str
    remote_name: str
    remote_url: str | None
    code_url: str | None
    repo: str | None
    repository: Repository
    setting: Setting
    combiner: Combiner
    reader: Reader
    session: OpenSession | None = None
    notices: list[dict[str, Json]] = field(default_factory=list[dict[str, Json]])
    lock: threading.RLock = field(default_factory=threading.RLock)
    watch: "Watcher | None" = None

    @property
    def clone_id(self) -> str:
        """Return the id of this clone."""
        return self.setting.clone.id

    def actor(self, agent_id: str | None = None) -> Actor:
        """Return who acts: this agent, or a sub-agent of it.

        Raises:
            InvalidError: `agent_id` names somebody else.
        """
        agent = sub_agent(self.agent, agent_id) if agent_id else self.agent
        if self.session is not None:
            self.session.add_agent(agent)
        return Actor(agent=agent, clone=self.clone_id, session=self.session_id)

    def submit(self, command: Command, actor: Actor, project: str | None) -> Reply:
        """Have a command carried out; what broke is raised.

        Raises:
            CoordError: contended, unreachable, unknown, denied, damaged.
            InvalidError: the rules say that the command can never be carried out.
        """
        reply = self.combiner.submit(self._entry(command, actor, project))
        if reply.failure is not None:
            raise reply.failure.as_error()
        if reply.outcome is not None and reply.outcome.verdict == "invalid":
            kind = NotFoundError if reply.outcome.code == "not_found" else InvalidError
            nameless = kind is NotFoundError and "step_num" not in reply.outcome.facts and project
            message = f"There is no project {shown(project)}." if nameless and project else reply.outcome.message
            raise kind(message, hint=reply.outcome.hint)
        return reply

    def _entry(self, command: Command, actor: Actor, project: str | None) -> Entry:
        return entry_of(self.setting.host.draw_id(), command, actor, project, repo=self.repo)

    def listed(self) -> Mapping[RefName, Oid]:
        """List the refs as they are now, with what they need brought here."""
        with self.lock:
            listed = self.reader.list_refs()
            self.setting.watchfulness.observe(self.setting.refs.heartbeats_in(listed))
            self.reader.prefetch(listed)
            return listed

    def project_state(self, name: str, listed: Mapping[RefName, Oid] | None = None) -> LedgerState:
        """Return one project as it is now.

        Raises:
            NotFoundError: there is no such project.
        """
        ref = self.setting.refs.steps(name)
        with self.lock:
            tip = (self.listed() if listed is None else listed).get(ref)
            state = self.reader.project(ref, tip)
        if state.board is None:
            raise NotFoundError(f"There is no project {name!r}.", hint="See list_projects(), or create it.")
        return state

    def take_notices(self) -> list[dict[str, Json]]:
        """Return what the agent has not been told yet."""
        with self.lock:
            taken, self.notices = self.notices, []
            return taken

    def add_alias(self, session: str) -> None:
        """Know this session by the tool's own id as well."""
        if self.session is not None and session:
            self.session.add_alias(session)

    def close(self, *, final: bool = False) -> None:
        """End the session: with a grace in which it can be resumed, or for good."""
        if self.session is None:
            return
        if final:
            self.session.forget()
        else:
            self.session.close(self.setting.host.now())
        self.session = None
        with contextlib.suppress(CoordError):  # the others will see it by our silence
            beat_now(self.setting, self.combiner, force=True)

    @property
    def fences(self) -> "Fences":
        """Return the fences that this session was given."""
        return Fences(self)


@dataclass(frozen=True, slots=True)
class Fences:
    """The fences of one session, kept for it, so that nobody types them: a file beside the session's."""

    workspace: Workspace

    def get(self, step_id: str) -> int | None:
        """Return the fence that this session was given for a step."""
        fence = self._read().get(step_id)
        return fence if isinstance(fence, int) else None

    def all(self) -> dict[str, int]:
        """Return every step that this session has a fence for."""
        return {step_id: fence for step_id, fence in self._read().items() if isinstance(fence, int)}

    def keep(self, step_id: str, fence: int) -> None:
        """Note a fence that was given."""
        self._write({**self._read(), step_id: fence})

    def drop(self, step_id: str) -> None:
        """Forget the fence of a step that ended."""
        known = self._read()
        if known.pop(step_id, None) is not None:
            self._write(known)

    def _read(self) -> dict[str, Json]:
        with self.workspace.lock:
            return files.read_json(self._folder / f"{self.workspace.session_id}.json")

    def _write(self, value: dict[str, Json]) -> None:
        with self.workspace.lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            files.write_json(self._folder / f"{self.workspace.session_id}.json", value, self._unique)

    @property
    def _folder(self) -> Path:
        return self.workspace.setting.clone.folder / "fences"

    @property
    def _unique(self) -> str:
        return f"{self.workspace.setting.host.pid}-{threading.get_ident()}"
