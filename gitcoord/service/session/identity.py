"""Identity: under which name and in which session an agent works here.

Rules:
  * A name that was given is taken as it is; else it is `<git user>/<tool>/<worktree>`, as
    `snapshot_files.worktree_name` has it.
  * A name that is live in another session or clone gets `-2`, `-3` …, and the first reply says so. It is chosen and
    taken under one lock, so that servers that start at the same moment get different ones. So does a second server of
    one session of a tool: it is one more identity.
  * SAFE-10: who is started again is who it was where something proves it; see `resumption`.
  * A session's id is the tool's own where it has one; where the tool tells it to its hooks only, what they and the
    server have in common is the process of the tool. A command line has one that follows from its name.
"""

import contextlib
import hashlib
from collections.abc import Collection, Generator, Mapping
from pathlib import Path

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.liveness import FREE_SESSION, SessionBeat, live_agents
from gitcoord.core.documents.names import agent_name, token
from gitcoord.core.documents.party import agent_level
from gitcoord.core.steps.project import STALE_MINUTES
from gitcoord.errors import ContendedError, CoordError, InvalidError, StorageError, UnreachableError, UsageError
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.clone.sessions import OpenSession
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.meta import WRITER
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.repository import Repository, is_on

CHOOSE_S = 30.0  # choosing is a look at the file and the lock of each session: milliseconds, also with hundreds
SESSION_VARIABLES = ("GITCOORD_SESSION", "CLAUDE_CODE_SESSION_ID", "GEMINI_SESSION_ID")
SAME_MAX = 100  # `-2` … `-100`: more agents of one name in one place is a mistake


def agent_of(named: str | None, user: str, tool: str, worktree: str) -> str:
    """Return the agent's name.

    Raises:
        InvalidError: the name that was given cannot be one.
        UsageError: none was given, and git does not know the user.
    """
    if named:
        return agent_name(named)
    if not user.strip():
        hint = "Run: git config --global user.name 'Your Name'; or set GITCOORD_AGENT=person/tool/worktree."
        raise UsageError("git does not know your name, so others could not see whose work this is.", hint=hint)
    return agent_name("/".join((agent_level(user), agent_level(tool), agent_level(worktree))))


def agent_in(top: Path, settings: Mapping[str, str], env: Mapping[str, str], tool: str) -> str:
    """Return the agent's name in the worktree of that folder, by its settings; see `agent_of`."""
    named = env.get("GITCOORD_AGENT") or settings.get("gitcoord.agent")
    return agent_of(named, settings.get("user.name", ""), tool, snapshot_files.worktree_name(top))


def signature_of(
    settings: Mapping[str, str], repository: Repository | None = None, fallback: str = "gitcoord"
) -> Signature:
    """Return who writes the commits of ledgers here, and what signs them, in a repository whose settings ask for it."""
    who = Signature(settings.get("user.name") or fallback, settings.get("user.email") or "gitcoord@localhost")
    if repository is None or not is_on(settings, "gitcoord.sign", default=False):
        return who
    from gitcoord.remote.git.commit_signer import CommitSigner

    by = f"{who.name} <{who.email}>"
    return who._replace(sign=CommitSigner(settings, by, repository.env, repository.top, repository.common_dir).sign)


def session_of(given: str | None, agent: str, host: Host, *, serve: bool) -> str:
    """Return the session's id; one that cannot be a file's name is replaced by its hash."""
    if given:
        try:
            return token(given.lower(), "session")
        except InvalidError:
            return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    if serve:
        return host.draw_id()
    return FREE_SESSION + hashlib.sha256(agent.encode()).hexdigest()[:16]


def begin(workspace: Workspace, tool: str, *, is_named: bool = True) -> None:
    """Begin a session that lives: with a name that is free, its lock, and a first beat.

    `is_named`: the tool gave its id; else it goes by the one that hooks of the same process of a tool have found.
    """
    from gitcoord.ledger.clone import tool_process
    from gitcoord.ledger.transactions.send_heartbeat import beat_now
    from gitcoord.service.session import resumption

    listed, away = _looked(workspace)
    elsewhere = _agents_elsewhere(workspace, listed)
    with _choosing(workspace):
        folder, top = str(workspace.setting.clone.folder / snapshot_files.SESSIONS), str(workspace.repository.top)
        oldest = tool_process.agreed(folder, top, workspace.session_id)
        if oldest and workspace.setting.sessions.state(oldest).locked:
            tool_process.disagree(folder, top)  # with several servers it is unknown which one a hook belongs to
            first = ""
        else:
            tool_process.forget_old(folder)
            first = oldest
        if not is_named and first not in ("", workspace.session_id):
            workspace.session_id, is_named = first, True
        before = resumption.former(workspace, tool, listed, elsewhere, is_named=is_named)
        may_return = workspace.agent in before.names
        if before.me is not None:
            # Its hooks alone were here so far: its agent did not work under that name before.
            is_new = before.is_same and workspace.setting.sessions.state(before.me.id).locked is None
            _take_name(workspace, before.me.agents[0], is_back=not is_new, may_return=may_return)
            workspace.session_id = before.me.id if before.is_same else workspace.session_id
        else:
            taken = {*elsewhere, *workspace.setting.sessions.live_agents(), *before.names}
            _take_name(workspace, _free_name(workspace.agent, taken), may_return=may_return)
        workspace.session = _open_session(workspace, tool, before.ids)
        for alias in before.me.aliases if before.me is not None and before.is_same else ():
            workspace.session.add_alias(alias)
    if workspace.warning:
        name = "only_this_clone" if workspace.remote_url is None else "team_elsewhere"
        workspace.notify(CallerNotice.of(name, workspace.warning))
    try:
        if away is None:  # else the watch beats once the remote is back, and no caller waits for that
            beat_now(workspace.setting, workspace.combiner, force=True)
    except CoordError as error:
        away = error
    if away is not None:
        workspace.notify(CallerNotice.of_error(away))


def join(workspace: Workspace, tool: str) -> None:
    """Be a session that has hooks and perhaps no server: under the name that it has, or one that is free."""
    from gitcoord.service.session import resumption

    sessions = workspace.setting.sessions
    listed = _looked(workspace)[0] if sessions.known(workspace.session_id) is None else None
    elsewhere = _agents_elsewhere(workspace, listed)
    with _choosing(workspace):
        before = resumption.former(workspace, tool, listed, elsewhere, is_named=True)
        free = _free_name(workspace.agent, {*elsewhere, *sessions.live_agents(), *before.names})
        name = before.me.agents[0] if before.me is not None else free
        top, now = snapshot_files.worktree_name(workspace.repository.top), workspace.setting.host.now()
        beat = SessionBeat(id=workspace.session_id, agents=(name,), tool=tool, worktree=top, since=now, writer=WRITER)
        known = sessions.join(beat)
    workspace.session_id, workspace.agent = known.id, known.agents[0] if known.agents else name


def be_of_session(workspace: Workspace, env: Mapping[str, str]) -> None:
    """Be the agent in whose session a tool started this command, if it is of this worktree; a name that is set wins."""
    if env.get("GITCOORD_AGENT"):
        return
    top, sessions = snapshot_files.worktree_name(workspace.repository.top), workspace.setting.sessions
    for name in SESSION_VARIABLES:
        given = env.get(name)
        known = (
            sessions.known(session_of(given, workspace.agent, workspace.setting.host, serve=False)) if given else None
        )
        if known is not None and known.agents and known.worktree == top:
            workspace.agent, workspace.session_id = known.agents[0], known.id
            return


@contextlib.contextmanager
def _choosing(workspace: Workspace) -> Generator[None]:
    from filelock import FileLock, Timeout

    folder = workspace.setting.clone.folder
    try:
        with FileLock(folder / "names.lock", timeout=CHOOSE_S):
            yield
    except Timeout:
        message = "Another process of this clone has been choosing its name for too long."
        raise ContendedError(message, hint="Try again; or look for a process that hangs.") from None
    except OSError as error:
        message = f"A session cannot be begun in {str(folder)!r}: {error.strerror}."
        raise StorageError(message, hint="Make room on the disk, or make the folder writable.") from error


def _take_name(workspace: Workspace, name: str, *, is_back: bool = False, may_return: bool = False) -> None:
    if name == workspace.agent:
        return
    text = f"{workspace.agent} is at work in another session; here you are {name}."
    if is_back:
        text = f"You go on as {name}, as before."
    elif may_return:
        text = f"{workspace.agent} was at work here and may come back; what it held waits for it. Here you are {name}."
    workspace.notify(CallerNotice.of("name_changed", text, agent=name))
    workspace.agent = name


def _open_session(workspace: Workspace, tool: str, waiting: Collection[str]) -> OpenSession:
    """Open our session under its id; `waiting`: ids of others that may come back."""
    from filelock import Timeout

    setting, worktree = workspace.setting, snapshot_files.worktree_name(workspace.repository.top)
    for number in range(1, SAME_MAX):
        name = workspace.session_id if number == 1 else f"{workspace.session_id}-{number}"
        if name in waiting:
            continue
        agents = (workspace.agent,)
        now = setting.host.now()
        beat = SessionBeat(id=name, agents=agents, tool=tool, worktree=worktree, since=now, writer=WRITER)
        try:
            session = setting.sessions.open(beat)
        except Timeout:
            continue  # another server of the same session of a tool: one more identity
        workspace.session_id = name
        return session
    raise UsageError("A hundred sessions of this id are open.", hint="End some of them.")


def _looked(workspace: Workspace) -> tuple[Mapping[RefName, Oid] | None, CoordError | None]:
    """Return the refs as they are now, or why they are not known; the start of a tool waits no longer than a read."""
    with freshness.reading(workspace.setting.host) as read:
        try:
            listed = workspace.listed()
        except UnreachableError as error:
            return None, error
        except CoordError:
            return None, None  # the beat says what is wrong, or the next command
    # Without the remote agents cannot be distinguished: what was here last is no answer to who is at work now.
    return (listed, None) if read.cause is None else (None, read.cause)


def _agents_elsewhere(workspace: Workspace, listed: Mapping[RefName, Oid] | None) -> dict[str, str]:
    """Return each agent that is alive in another clone, with its session."""
    with workspace.lock:
        beating = workspace.reader.heartbeats(listed or {})
    others = {clone: beat for clone, (_, beat) in beating.items() if clone != workspace.clone_id}
    found = live_agents(others, workspace.setting.host.now(), STALE_MINUTES)
    return {agent: session for agent, (_, session) in found.items()}


def _free_name(agent: str, taken: Collection[str]) -> str:
    if agent not in taken:
        return agent
    return next(name for number in range(2, SAME_MAX * 10) if (name := f"{agent}-{number}") not in taken)
