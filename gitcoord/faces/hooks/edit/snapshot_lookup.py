"""Asking the snapshot: who else holds a file, what was refused; as text for its agent.

Rules:
  * HOOK-1: only what someone else holds whole, for writing, stops an edit. Symbols of others are named, because which
    of them an edit touches cannot be found out in the time that there is; the push check can.
  * What a partner holds (`core/documents/party`) counts as free: the first edit claims it for the editing agent, too.
  * For others a claim ends half a minute late, as everywhere (clocks differ).
  * SEC-1: what is read from a file is shown in one line and cut, also where the snapshot is one that we did not write.
  * Pushes are said to be checked only where git starts our hook.

What this file does not know: how a tool is answered.
"""

import os
import time

from gitcoord.core.documents import party
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.clone.snapshot_files import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.core.documents.json_text import Json
    from gitcoord.faces.hooks.edit.worktree import Ground
    from gitcoord.ledger.clone.snapshot_files import Row

ALLOWANCE_S = 30.0
DAY_S = 86_400.0
NAMED_MAX = 5
SENTENCE_CHARS = 2_000  # of what a process of the clone left to be said


class Found:
    """What is known of one file.

    Attributes:
        stop: why it may not be edited; empty if it may.
        tell: what its editor should know.
        is_free: no one holds it, not even the agent that edits it.
    """

    __slots__ = ("is_free", "stop", "tell")

    def __init__(self, stop: str = "", tell: str = "", *, is_free: bool = False) -> None:
        self.stop = stop
        self.tell = tell
        self.is_free = is_free


def look(ground: "Ground", path: str) -> Found:
    """Judge one file by the snapshot."""
    now, ids, agents = time.time(), ground.ids, ground.agents
    values = (ground.me.get(name) for name in ("clones", "earlier"))
    clones, earlier = (value if isinstance(value, list) else [] for value in values)
    is_own = is_covered = False
    shared: list[Row] = []
    for row in ground.rows(path):
        clone, of_session = row.get("clone"), row.get("session") in ids
        is_ours = (clone in clones and (of_session or row.get("agent") in agents)) or (clone in earlier and of_session)
        if row.get("read") is True or (clone in clones and _is_partners(ground, row.get("agent"), agents)):
            continue
        if is_ours:
            is_own = True
            is_covered = is_covered or (now < _until(row) and not row.get("symbols"))
        elif now < _until(row) + ALLOWANCE_S:
            if row.get("symbols") or _is_shared(ground, row, clones, ids, agents):
                shared.append(row)
            else:
                # The words for a holder that is gone, or lives and calls nothing, as the snapshot has them.
                said, absent = ground.me.get("gone"), ground.me.get("absent")
                known, session = said if isinstance(said, dict) else {}, f"{row.get('clone')} {row.get('session')}"
                text = quoted(known.get(str(row.get("claim"))) or known.get(session), SENTENCE_CHARS)
                is_absent = isinstance(absent, list) and session in absent
                return Found(stop=_stop(path, row, text and f"{text} ", is_absent=is_absent))
    tell = ""
    if shared:
        holders = [
            f"{_named(row.get('agent'))} ({_symbols(row)}, claim {_named(row.get('claim'))})"
            for row in shared[:NAMED_MAX]
        ]
        more = f" and {len(shared) - NAMED_MAX} more" if len(shared) > NAMED_MAX else ""
        yours = f"{{{_pattern(path)}: ['…']}}"
        tell = (
            f"Others hold parts of {_named(path)}: {', '.join(holders)}{more}. Leave those parts alone; claim yours: "
            f"claim_files(symbols={yours})."
        )
    return Found(tell=tell, is_free=not is_covered and not (is_own or shared))


def _until(row: "Row") -> float:
    until = row.get("until")
    return until if isinstance(until, int | float) else 0.0


def _is_shared(ground: "Ground", row: "Row", clones: "list[Json]", ids: "set[str]", agents: "set[str]") -> bool:
    """Whether a part of what another holds was carved out for the agent that edits."""
    partners = row.get("partners")
    for partner in partners if isinstance(partners, list) else ():
        if isinstance(partner, list) and len(partner) == 3:  # noqa: PLR2004 - agent, clone, session
            agent, clone, session = partner
            if clone in clones and (session in ids or agent in agents or _is_partners(ground, agent, agents)):
                return True
    return False


def _is_partners(ground: "Ground", agent: "Json", agents: "set[str]") -> bool:
    """Whether a name is that of a partner of the editor. Until its session is listed, it counts as this user's."""
    if not isinstance(agent, str):
        return False
    if agents:
        return any(party.are_partners(agent, other) for other in agents)
    person, _, rest = agent.partition("/")
    if rest.partition("/")[0] != party.COMMAND_LINE:
        return False
    return party.are_partners(
        agent, f"{person}/{ground.tool}/{party.agent_level(snapshot_files.worktree_name(ground.top))}"
    )


def _stop(path: str, row: "Row", gone: str, *, is_absent: bool) -> str:
    agent, claim, branch, description = (_named(row.get(name)) for name in ("agent", "claim", "branch", "description"))
    said = f" ({description})" if description else ""
    where = f" on branch {branch}" if branch else ""
    moment = _until(row)  # with its date unless it is within a day, as `core/documents/json_text.clock_text` writes it
    form = "%H:%M UTC" if abs(moment - time.time()) < DAY_S else "%Y-%m-%d %H:%M UTC"
    until = time.strftime(form, time.gmtime(moment))
    ask = f"or ask for it: request_release(claim_id={claim}, reason='…')"
    return (
        f"{agent} holds {_named(path)}{where} until {until}{said}: claim {claim}. {gone}"
        f"This edit was not made. Take another part of the work; or wait for the file: "
        f"claim_files(patterns=[{_pattern(path)}], literal=true, wait_seconds=300); "
        f"{'no one is there to ask' if is_absent else ask}."
    )


def _named(text: "Json") -> str:
    """Return a name or text of others in quotes that it cannot end; "" where there is none."""
    short = quoted(text).replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")
    return f"'{short}'" if short else ""


def _pattern(path: str) -> str:
    """Return the literal path of a file, as a call has it; tools put what a hook says between tags."""
    return repr(f"/{path}").replace("</", "<\\x2f")


def _symbols(row: "Row") -> str:
    symbols = row.get("symbols")
    names = [_named(symbol) for symbol in symbols] if isinstance(symbols, list) else []
    return ", ".join(names[:NAMED_MAX]) + (" …" if len(names) > NAMED_MAX else "") if names else "the rest of it"


def refused(ground: "Ground", *, now: "Sequence[str]" = ()) -> str:
    """Return this session's refusals since the last time, and count them as shown.

    `now`: the files of the edit that the hook was started for, which has not happened yet; what was refused of others
    is left to the hook that asked for them.
    """
    out: list[str] = []
    for own_id in sorted(ground.ids):
        path = f"{ground.folder}/{snapshot_files.EDITS}/refused-{own_id}.json"
        if now and set(now).isdisjoint(_texts(snapshot_files.load(path).get("paths"))):
            continue
        # The file is taken away: of hooks that run at once, one shows its texts.
        own_path = f"{path}.{time.time_ns()}-{os.getpid()}"
        try:
            os.replace(path, own_path)
        except OSError:
            continue  # none; or a folder that cannot be written, and then its server says it
        out += (quoted(text, SENTENCE_CHARS) for text in _texts(snapshot_files.load(own_path).get("texts")))
        os.unlink(own_path)
    if not out:
        return ""
    before = (
        "This edit was not made." if now else "You changed a file that another agent holds; undo that, or ask for it."
    )
    return before + "\n" + "\n".join(out[:NAMED_MAX])


def _texts(some: "Json") -> "list[str]":
    return [item for item in some if isinstance(item, str)] if isinstance(some, list) else []


def greeting(ground: "Ground") -> str:
    """Return what an agent should know when its session begins."""
    agents = sorted(ground.agents, key=len)[:1] if ground.known else []
    who = f"You are {quoted(agents[0])} here. " if agents else ""
    from pathlib import Path  # only when a session begins

    from gitcoord.source.checkout import push_hook

    checks = push_hook.checks_pushes(Path(ground.top), Path(ground.folder).parent, os.environ)
    if checks is None:
        pushes = "."
    else:
        pushes = ", and a push that touches it is refused." if checks else f". {push_hook.MISSING}"
    return (
        f"gitcoord: {who}Before you change files, claim them with claim_files; take work with claim_step. "
        f"A file that another agent holds cannot be edited here{pushes}"
    )
