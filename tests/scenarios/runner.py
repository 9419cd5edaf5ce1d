"""Runs transcripts: commands one a line, with their intent in comments above and what came of them below `----`.

    clone laptop ann dan clock=-4m      a clone, and who works there; its clock may be wrong
    session ann open | close | kill     a session with a lock; without one an agent gives one command at a time
    ann create p 1@api 2!5 3:f/3<1+2    steps: number @scope !priority :branch <dependencies
    ann claim p/1 scope=api             also start, heartbeat, complete, fail, recover, skip, update, add, abort
    ann#1 complete p/1                  from ann's first session, with the fences that it was given
    beat laptop · tick 16m · jump laptop 20m · show p · log p
    meanwhile laptop ann claim p        to be done between the next read and swap of that clone
    ann wants src/** …                  what is done with claims: see `claim_verbs`

Everything is real but the remote, the clocks and the clones' machines.
"""

from dataclasses import dataclass, field
from pathlib import Path

from gitcoord.core.claims.register import Register
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.core.steps.step_commands import COMMANDS
from gitcoord.ledger.clone.sessions import OpenSession
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.remote.contract.protocol import SwapStatus
from tests.scenarios import claim_verbs
from tests.scenarios.spelling import arguments_of, minutes, shortened, told, word_of
from tests.unit.ledger.fakes import Clock, Interleaved, Member, World


@dataclass
class Scenario:
    """The world of one transcript."""

    folder: Path
    lines: list[str] = field(default_factory=list)
    clones: dict[str, Member] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, list[OpenSession]] = field(default_factory=dict)
    fences: dict[tuple[str, str], int] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    ids: claim_verbs.Ids = field(default_factory=claim_verbs.Ids)

    def __post_init__(self) -> None:
        self.world = World(self.folder)

    def run(self, text: str) -> str:
        """Return the transcript with what really came of each command."""
        return "\n\n".join(self._block(block) for block in text.strip().split("\n\n")) + "\n"

    def _block(self, block: str) -> str:
        given = block.partition("\n----")[0]
        commands = [line for line in given.splitlines() if not line.startswith("#")]
        self.lines = []
        for line in commands:
            self.command(line)
        return "\n".join([given, "----", *self.lines]) if commands else given

    def command(self, line: str) -> None:
        first, *rest = line.split()
        verb = getattr(self, f"_{first}", None)
        if verb:
            verb(*rest)
        else:
            self._by_agent(first, *rest)

    # --- the world ---

    def _clone(self, name: str, *words: str) -> None:
        shift = next((word.removeprefix("clock=") for word in words if word.startswith("clock=")), "0m")
        clock = Clock(self.world.clock.now + minutes(shift))
        self.clones[name] = self.world.clone(name, lambda inner: Interleaved(inner, []), clock)
        self.homes |= {agent: name for agent in words if "=" not in agent}

    def _session(self, agent: str, how: str) -> None:
        agent, _, at = agent.partition("#")
        member, known = self.clones[self.homes[agent]], self.sessions.setdefault(agent, [])
        if how == "open":
            beat = SessionBeat(id=f"{agent}-{len(known) + 1}", agents=(agent,), since=member.clock.now)
            known.append(member.sessions.open(beat))
        elif how == "close":
            known[int(at or 0) - 1].close(member.clock.now)
        else:
            known[int(at or 0) - 1]._lock.release()  # what the system does when the process is gone

    def _tick(self, passed: str) -> None:
        for clock in (self.world.clock, *(member.clock for member in self.clones.values())):
            clock.advance(minutes=minutes(passed).total_seconds() / 60)
        self.lines.append(f"{self.world.clock.now:%H:%M}")

    def _jump(self, clone: str, by: str) -> None:
        self.clones[clone].clock.now += minutes(by)

    def _beat(self, clone: str) -> None:
        setting = self.clones[clone].setting
        listed, now = setting.transport.read(setting.refs.everything), setting.host.now()
        update = setting.beats.prepare(setting.transport.objects, listed, now)
        assert setting.transport.swap([update]).status is SwapStatus.WON
        setting.beats.sent(update, now)

    def _meanwhile(self, clone: str, *command: str) -> None:
        transport = self.clones[clone].transport
        assert isinstance(transport, Interleaved)
        transport.before.append(lambda: (self.lines.append("(meanwhile)"), self.command(" ".join(command))))

    # --- looking ---

    def _show(self, project: str) -> None:
        board = self.world.board(project)
        self.lines.append(f"{board.project.name} {board.project.status}")
        for num, one in sorted(board.steps.items()):
            who = f" {one.agent_id} ({one.session_id})" if one.agent_id else ""
            fence = f" fence={one.fence} attempts={one.attempts}" if one.fence else ""
            left = f" checkpoint={compact(dict(one.checkpoint))}" if one.checkpoint else ""
            self.lines.append(shortened(f"{num} {one.status}{who}{fence}{left}"))

    def _log(self, project: str) -> None:
        for event in self.world.events(project):
            by, outcome = event.record.line["by"], event.record.line["outcome"]
            assert isinstance(by, dict)
            assert isinstance(outcome, dict)
            facts = outcome.get("facts")
            num = f" {project}/{facts['step_num']}" if isinstance(facts, dict) and "step_num" in facts else ""
            self.lines.append(f"{event.record.now:%H:%M} {by['agent']} {event.record.line['do']}{num}")

    def _claims(self) -> None:
        self.lines += claim_verbs.claims(self._register())

    def _line(self) -> None:
        self.lines += claim_verbs.line(self._register())

    def _told(self, agent: str) -> None:
        self.lines += claim_verbs.notices(self._register(), agent)

    def _register(self) -> Register:
        return self.world.reader().claims(self.world.remote.refs).content

    # --- commands of agents ---

    def _by_agent(self, name: str, verb: str, *rest: str) -> None:
        agent, _, at = name.partition("#")
        person = agent.partition("/")[0]
        member, opened = self.clones[self.homes[person]], self.sessions.get(person, [])
        session = opened[int(at or 0) - 1].beat.id if opened else f"cli-{person}"
        if verb in claim_verbs.VERBS:
            actor = Actor(agent=agent, clone=member.name, session=session)
            command = claim_verbs.command_of(verb, rest, self.ids)
            reply = member.run(LEDGERS.entry_of(f"{person}-{member.clock.draw()}", command, actor, None))[0]
            assert reply.outcome, reply.failure
            self.hints.append(reply.outcome.hint)
            self.ids.used(self._register())
            self.lines += claim_verbs.told(reply.outcome)
            return
        word = word_of(verb)
        target = next((one for one in rest[:1] if "=" not in one), "")
        project, _, num = target.partition("/")
        arguments = arguments_of(word, project, rest[1:] if target else rest)
        if num:
            arguments["step_num"] = int(num)
        fence = self.fences.get((session, target.lower()))
        if fence and "fence" in COMMANDS[word].__struct_fields__:
            arguments["fence"] = fence
        actor = Actor(agent=agent, clone=member.name, session=session)
        entry = LEDGERS.entry_of(
            f"{person}-{member.clock.draw()}", COMMANDS[word].parse(arguments), actor, project or None
        )
        self._tell(member.run(entry)[0], session)

    def _tell(self, reply: Reply, session: str) -> None:
        assert reply.outcome, reply.failure
        self.hints.append(reply.outcome.hint)
        fence, step = reply.outcome.facts.get("fence"), reply.docs.get("step")
        base: Json = None
        if reply.outcome.code == "step_claimed" and isinstance(step, dict) and isinstance(fence, int):
            self.fences[session, str(step["id"]).lower()] = fence
            base = step["base"] or step["base_commit"]
        self.lines += told(reply.outcome, reply.project, base)
