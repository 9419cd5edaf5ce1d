"""The rules of steps once more, as slowly and plainly as possible: dictionaries, loops and whole minutes.

Shares no code with the package, so that a mistake has to be made twice to be missed.
"""

from dataclasses import dataclass, field

HELD, SETTLED = ("claimed", "in_progress"), ("completed", "skipped")
LIMIT, UNHEARD_LIMIT, GRACE = 15, 60, 10
DONE, REFUSED, INVALID = "done", "refused", "invalid"


@dataclass(frozen=True)
class Who:
    """Somebody who gives commands. `locks`: its session holds a lock for as long as it is open."""

    agent: str
    clone: str
    session: str
    locks: bool = True


@dataclass
class Item:
    """A step."""

    depends_on: list[int]
    priority: int = 0
    scope: str | None = None
    status: str = "not_started"
    who: Who | None = None
    fence: int = 0
    attempts: int = 0
    touched: int = 0
    commit: str = ""
    left_by: str | None = None


@dataclass
class Session:
    """`closed`: the minute of its good-bye. `crashed`: its lock is free without one."""

    who: Who
    closed: int | None = None
    crashed: bool = False

    @property
    def is_open(self) -> bool:
        return self.closed is None and not self.crashed


@dataclass
class Beat:
    """What the last heartbeat of a clone said: when, which agents were open, and which had closed when."""

    minute: int
    open: list[tuple[str, str]]
    closed: list[tuple[str, str, int]]


@dataclass
class Naive:
    """One project."""

    items: dict[int, Item]
    auto_recover: bool = True
    status: str = "active"
    minute: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    beats: dict[str, Beat] = field(default_factory=dict)

    # --- what follows from the state ---

    def is_free(self, num: int) -> bool:
        item = self.items[num]
        return (
            self.status == "active"
            and item.status == "not_started"
            and all(self.items[other].status in SETTLED for other in item.depends_on)
        )

    def chain(self, num: int) -> int:
        if self.items[num].status == "skipped":
            return 0
        return 1 + max((self.chain(one) for one in self.items if num in self.items[one].depends_on), default=0)

    def in_order(self, nums: list[int]) -> list[int]:
        return sorted(nums, key=lambda num: (-self.items[num].priority, -self.chain(num), num))

    def free(self) -> list[int]:
        return self.in_order([num for num in self.items if self.is_free(num)])

    def held_by(self, who: Who) -> list[int]:
        return [
            num
            for num, item in sorted(self.items.items())
            if item.status in HELD and item.who and (item.who.agent, item.who.clone) == (who.agent, who.clone)
        ]

    def is_over(self, num: int, judge: Who) -> bool:
        item = self.items[num]
        assert item.who
        session = self.sessions.get(item.who.session)
        if item.who.clone == judge.clone and item.who.locks and session:
            if session.is_open:
                return False
            if session.closed is None:
                return True
            since, limit = (session.closed, GRACE - 1) if session.closed >= item.touched else (item.touched, LIMIT)
            return self.minute - since > limit
        beat = self.beats.get(item.who.clone)
        if beat is None:
            return self.minute - item.touched > UNHEARD_LIMIT
        if any(item.who.session == session_id or item.who.agent == agent for session_id, agent in beat.open):
            return self.minute - max(beat.minute, item.touched) > LIMIT
        closed = [minute for session_id, _, minute in beat.closed if session_id == item.who.session]
        if closed and closed[0] >= item.touched:
            return self.minute - closed[0] >= GRACE
        return self.minute - item.touched > (LIMIT if item.who.locks else UNHEARD_LIMIT)

    # --- commands: each returns the verdict ---

    def claim(self, who: Who, num: int | None, scope: str | None) -> str:
        mine = self.held_by(who)
        if mine and num not in (None, mine[0]):
            return REFUSED
        if mine:
            return self._resume(self.items[mine[0]], who)
        if self.status != "active":
            return REFUSED
        if num is not None:
            return self._claim_named(who, num)
        fitting = [one for one in self.free() if scope in (None, self.items[one].scope)]
        if not fitting and self.auto_recover:
            running = [one for one, item in self.items.items() if item.status in HELD and scope in (None, item.scope)]
            fitting = [one for one in self.in_order(running) if self.is_over(one, who)]
        return self._take(fitting[0], who) if fitting else REFUSED

    def _resume(self, item: Item, who: Who) -> str:
        assert item.who
        if item.who.session == who.session:
            return DONE
        before = self.sessions.get(item.who.session)
        if item.who.locks and before and before.is_open:
            return REFUSED
        item.who, item.fence, item.touched = who, item.fence + 1, self.minute
        return DONE

    def _claim_named(self, who: Who, num: int) -> str:
        if num not in self.items:
            return INVALID
        item = self.items[num]
        if item.status in HELD:
            return self._take(num, who) if self.auto_recover and self.is_over(num, who) else REFUSED
        blocked = any(self.items[other].status not in SETTLED for other in item.depends_on)
        return REFUSED if item.status in SETTLED or blocked else self._take(num, who)

    def _take(self, num: int, who: Who) -> str:
        item = self.items[num]
        if item.status != "not_started":
            item.left_by = item.who.agent if item.who else None
        item.status, item.who, item.touched = "claimed", who, self.minute
        item.fence, item.attempts = item.fence + 1, item.attempts + 1
        return DONE

    def _has(self, who: Who, num: int, fence: int) -> bool:
        """Whether this very session has, or had last, the step with this very fence."""
        item = self.items[num]
        last = item.who
        return bool(last and last.session == who.session and last.clone == who.clone and item.fence == fence)

    def start(self, who: Who, num: int, fence: int) -> str:
        if num not in self.items:
            return INVALID
        item = self.items[num]
        if item.status not in HELD or not self._has(who, num, fence):
            return REFUSED
        if item.status == "claimed":
            item.status, item.touched = "in_progress", self.minute
        return DONE

    def beat(self, who: Who, num: int, fence: int) -> str:
        if num not in self.items:
            return INVALID
        if self.items[num].status not in HELD or not self._has(who, num, fence):
            return REFUSED
        self.items[num].touched = self.minute
        return DONE

    def _ended(self, who: Who, num: int, fence: int) -> bool:
        """Whether this holder, in this session or an earlier one, had the step last."""
        last = self.items[num].who
        same = bool(last and (last.agent, last.clone) == (who.agent, who.clone))
        return self._has(who, num, fence) or (same and fence in (None, self.items[num].fence))

    def complete(self, who: Who, num: int, fence: int, commit: str) -> str:
        if num not in self.items:
            return INVALID
        item = self.items[num]
        if item.status == "completed" and self._ended(who, num, fence):
            return DONE if item.commit == commit else REFUSED
        if item.status not in HELD or not self._has(who, num, fence):
            return REFUSED
        item.status, item.commit, item.touched = "completed", commit, self.minute
        self._complete_project()
        return DONE

    def fail(self, who: Who, num: int, fence: int) -> str:
        if num not in self.items:
            return INVALID
        item = self.items[num]
        if item.status == "failed" and self._ended(who, num, fence):
            return DONE
        if item.status not in HELD or not self._has(who, num, fence):
            return REFUSED
        assert item.who
        item.status, item.touched, item.left_by = "failed", self.minute, item.who.agent
        return DONE

    def recover(self, who: Who, num: int, fence: int | None, *, force: bool) -> str:
        if num not in self.items:
            return INVALID
        item = self.items[num]
        if item.status == "not_started":
            return DONE
        if item.status in SETTLED:
            return REFUSED
        if item.status in HELD and not (self._is_own(who, item, fence) or force or self.is_over(num, who)):
            return REFUSED
        assert item.who
        item.left_by = item.who.agent
        item.status, item.who, item.touched = "not_started", None, self.minute
        return DONE

    def _is_own(self, who: Who, item: Item, fence: int | None) -> bool:
        assert item.who
        if item.who.clone != who.clone:
            return False
        if item.who.session == who.session:
            return fence == item.fence or item.who.agent == who.agent
        old = self.sessions.get(item.who.session)
        over = not (item.who.locks and old and old.is_open)
        return item.who.agent == who.agent and fence in (None, item.fence) and over

    def skip(self, num: int) -> str:
        if num not in self.items:
            return INVALID
        item = self.items[num]
        if item.status == "skipped":
            return DONE
        if self.status != "active" or item.status in (*HELD, "completed"):
            return REFUSED
        item.status = "skipped"
        self._complete_project()
        return DONE

    def _complete_project(self) -> None:
        if self.status == "active" and all(item.status in SETTLED for item in self.items.values()):
            self.status = "completed"

    def update(self, num: int, depends_on: list[int], priority: int) -> str:
        if num not in self.items:
            return INVALID
        item = self.items[num]
        if self.status != "active" or item.status in (*HELD, *SETTLED):
            return REFUSED
        if any(other not in self.items or num == other or self._leads_to(other, num) for other in depends_on):
            return INVALID
        item.depends_on, item.priority = depends_on, priority
        return DONE

    def _leads_to(self, start: int, goal: int) -> bool:
        return start == goal or any(self._leads_to(one, goal) for one in self.items[start].depends_on)

    def add(self, num: int, depends_on: list[int]) -> str:
        if self.status != "active":
            return REFUSED
        if num in self.items or any(other not in self.items or other == num for other in depends_on):
            return INVALID
        self.items[num] = Item(depends_on)
        return DONE

    def abort(self) -> str:
        if self.status == "completed":
            return REFUSED
        self.status = "aborted"
        return DONE
