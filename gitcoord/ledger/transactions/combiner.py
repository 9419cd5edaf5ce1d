"""Combining within a clone: many processes wait, one carries out all that wait.

The process that gets the clone's lock applies every command in the spool, in the order of arrival, with one commit and
one swap a ledger, and goes on while entries wait. The others watch for their reply and for the lock.

Rules:
  * The lock is held for at most one network timeout without an answer of the remote. A leader that loses races goes on
    until its own caller's deadline (LIVE-1), and each of its tries is for all who wait by then.
  * Who has waited for its patience withdraws and says CONTENDED, or UNREACHABLE where the lock's holder waits for the
    remote (`lock_wait`). What was taken by then is answered by who took it.
  * Who waits for the lock while the remote does not answer its holder gets that as the answer: each would ask in vain
    for as long again, one after the other.
  * TXN-4: both are said only after the entry was withdrawn: nothing of it can still land.
  * Where the host asks for few pushes (`push_budget`), and there is none left, no process leads until there is one.
  * Who leads while its own entry waits in the spool has its reply at hand: no file, which a full disk would not take.
  * TXN-3: the lock is the clone's, the spool is the place's: no process carries out what is meant for another place.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from filelock import Timeout

from gitcoord.errors import ContendedError, StorageError, UnknownOutcomeError, disk_hint
from gitcoord.ledger.clone import file_locks
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format.entry import Entry, Reply, failed
from gitcoord.ledger.leader.crowd import Crowd
from gitcoord.ledger.leader.lead_time import LEAD_S
from gitcoord.ledger.leader.lock_wait import Asking
from gitcoord.ledger.leader.spool import Spool, Waiting, check_size
from gitcoord.ledger.transactions.transactions import Joining, Transactions
from gitcoord.remote.contract.deadline import NoAnswerError

COMBINE_S = 0.05  # so long the holder goes on for others before its own caller gets its reply
LOCK_S = 1.0  # for a caller that needs the lock itself; a leader has it for one batch
LOCK_POLL_S = 0.05
LINGER_S = 0.002  # one poll of a waiter and its next command
GATHER_OF_FOLD, GATHER_MAX_S = 0.25, 0.1  # without, a post of four busy processes had 1.4 commands
POLL_FIRST_S = 0.0005  # a swap in process takes 2 ms
POLL_LONGEST_S = 0.025  # half of what a leader may take
POLL_FAR_S = 0.1  # where the leader asks a remote: of a reply that took a second, a tenth
POLL_HALF_MAX_S = 0.25  # of half of what the last reply took, where the machine is busy
FREE_LOOKS_WARM = 1  # a look at the lock costs 5 µs
FREE_LOOKS_COLD = 3  # who has not led lately would first have to read what others wrote: it leaves that to them
COLD_AFTER = 4  # commands that others carried out for us: each time about thirty processes wrote something


class Combiner:
    """Carries out commands of this process, and of others that wait meanwhile."""

    def __init__(self, folder: Path, host: Host, transactions: Transactions) -> None:
        """Use `<folder>/lock`, and the spool of the place where the transactions are carried out."""
        self._host = host
        self.transactions = transactions
        self.leads = 0
        self._place = transactions.place_folder.name
        self._spool = Spool(transactions.place_folder, host)
        self._lock_path = str(folder / "lock")
        self._asking = Asking(folder, host)
        self._budget = transactions.push_budget
        self._free_looks = FREE_LOOKS_COLD
        self._waited_s = 0.0
        self._served = 0
        self._crowd = Crowd(transactions.place_folder, host)
        self._has_company = False  # other processes of the clone were at work a moment ago

    def submit(self, entry: Entry, wait_s: float | None = None) -> Reply:
        """Have a command carried out within `wait_s`, the usual patience of a caller, and return the reply.

        Raises:
            InvalidError: it is too large for any process to carry out.
            StorageError: the disk cannot be written.
        """
        check_size(entry)
        wait_s = self.transactions.patience_s if wait_s is None else wait_s
        deadline = self._host.now() + timedelta(seconds=wait_s)
        entry = entry.evolve(deadline=deadline, pid=self._host.pid, place=self._place)
        busy = self._free_looks == FREE_LOOKS_COLD and not self._spool.is_empty()
        paces = 0 < self._budget.wait_s() <= wait_s - LEAD_S
        free = None if busy or paces else self._acquired()
        if free is not None:
            try:
                with self._noted():
                    return self._lead(entry)
            finally:
                free()
        name = self._spool.put(entry)
        try:
            return self._wait(entry, name, wait_s, paces=paces)
        finally:
            self._spool.leave(entry.uid)

    def _lead(self, own: Entry, *, waits: bool = False) -> Reply:
        """Carry out what waits, and our own entry, which `waits` there, too, or comes last; then what came meanwhile.

        The lock is ours, until our own deadline. An empty reply: our own entry has to wait on.
        """
        self.leads += 1
        self._free_looks, self._served = FREE_LOOKS_WARM, 0
        until, told = own.deadline, dict[str, Reply]()
        if self._has_company and self.transactions.asks_remote:
            self._host.sleep(min(GATHER_OF_FOLD * (self._crowd.fold_s or 0.0), GATHER_MAX_S))
        waiting = self._take()
        self._has_company = bool(waiting)
        entries = [*(waiter.entry for waiter in waiting), *([] if waits else [own])]
        is_spooled, joining = bool(waiting), self._joining(waiting, own, told)
        told |= self.transactions.run(entries, spooled=is_spooled, left_s=LEAD_S, until=until, joining=joining)
        self._spool.deliver(waiting, told, own.uid)
        # Counted from here: who had to read a whole ledger first is the last one who should stop after one batch.
        served = self._host.monotonic()
        while is_spooled and not self._must_stop() and self._host.monotonic() - served < COMBINE_S:
            # Take what waits; those who just got a reply are given time to come with their next command.
            self._host.sleep(LINGER_S)
            waiting = self._take()
            is_spooled = bool(waiting)
            if is_spooled:
                more = self.transactions.run([waiter.entry for waiter in waiting], left_s=LEAD_S, until=until)
                self._spool.deliver(waiting, more, own.uid)
                told |= more
        if self.transactions.no_answer:
            self._answer_unasked(self.transactions.no_answer)
        return told.get(own.uid, Reply())

    def _must_stop(self) -> bool:
        """Whether who waits now is left to a later leader: the remote does not answer, or wants no more pushes yet."""
        return self.transactions.no_answer is not None or self._budget.wait_s() > 0

    def _answer_unasked(self, error: NoAnswerError) -> None:
        """Answer who waits, for whom the remote is not asked: it has not answered us until now."""
        waiting = self._take()
        self._spool.deliver(waiting, self.transactions.unsent((waiter.entry.uid for waiter in waiting), error))

    def _joining(self, waiting: list[Waiting], own: Entry, told: dict[str, Reply]) -> Joining:
        """Return the callback between two tries: hands over replies, and takes in who has come meanwhile.

        Once our own caller can be answered, no other command is taken in: the caller would wait for all who come.
        """
        known = {waiter.entry.uid for waiter in waiting}

        def join(replies: Mapping[str, Reply]) -> list[Entry]:
            self._asking.answered()
            self._spool.deliver([waiter for waiter in waiting if waiter.entry.uid in replies], replies, own.uid)
            told.update(replies)
            come = self._take() if own.uid not in told else []
            fresh = [waiter for waiter in come if waiter.entry.uid not in known]
            known.update(waiter.entry.uid for waiter in fresh)
            waiting[:] = [*(waiter for waiter in waiting if waiter.entry.uid not in replies), *fresh]
            return [waiter.entry for waiter in fresh]

        return join

    def _take(self) -> list[Waiting]:
        """Take what waits and is meant for this place; whatever else lies there is answered and not carried out."""
        waiting = self._spool.take()
        strange = [waiter for waiter in waiting if waiter.entry.place != self._place]
        if not strange:
            return waiting
        error = ContendedError("This command was meant for another remote; nothing was changed.", hint="Try again.")
        self._spool.deliver(strange, {waiter.entry.uid: failed(error) for waiter in strange})
        return [waiter for waiter in waiting if waiter.entry.place == self._place]

    def _wait(self, entry: Entry, name: str, wait_s: float, *, paces: bool) -> Reply:
        begin = self._host.monotonic()
        end = begin + wait_s
        # In a crowd the reply will take about as long as the last one did: looking for it before only costs the leader.
        is_far = self.transactions.asks_remote
        longest = min(max(POLL_LONGEST_S, self._waited_s / 10), POLL_FAR_S) if is_far else POLL_LONGEST_S
        pause, looks = min(max(POLL_FIRST_S, self._waited_s / 2), POLL_HALF_MAX_S if is_far else longest, wait_s / 2), 0
        taken = False
        while not taken or self._host.monotonic() < end:
            if not taken and self._host.monotonic() >= end:
                if self._spool.withdraw(name):
                    return failed(self._asking.cause(wait_s, Path(self._lock_path)))
                taken, end = True, self._host.monotonic() + LEAD_S  # who took it answers once its own call has ended
            self._host.sleep(pause * (0.5 + self._host.chance()))
            reply = self._spool.reply(entry.uid)
            if reply is not None:
                # Remember that another process led: the longer that goes on, the less is worth what we have read.
                self._waited_s = self._host.monotonic() - begin
                self._served += 1
                self._has_company = True
                if self._served >= COLD_AFTER:
                    self._free_looks = FREE_LOOKS_COLD
                return reply
            pause = min(pause * 1.6, longest)
            if paces and self._budget.wait_s() > 0:  # all that wait become one push
                continue
            # One that leads frees it between two calls: cold processes leave it to a warm one then.
            looks = 0 if file_locks.is_held(self._lock_path, unsure=False) else looks + 1
            reply = self._lead_others(entry) if looks >= self._free_looks else None
            if reply is not None:
                if reply != Reply():
                    return reply
                end = max(end, self._host.monotonic() + POLL_LONGEST_S)
        message = "Another process of this clone was carrying this out and has not answered."
        hint = "Call again: the next command finds out and nothing is done twice."
        return failed(UnknownOutcomeError(message, hint=hint))

    def _lead_others(self, own: Entry) -> Reply | None:
        """Carry out what waits, our own entry with it, if no other process does; see `_lead`."""
        free = self._acquired()
        if free is None:
            return None
        try:
            with self._noted():
                return self._lead(own, waits=True)
        finally:
            free()

    @contextmanager
    def lock(self) -> Generator[None]:
        """Hold the clone's lock; taking it waits for one batch at most.

        Raises:
            Timeout: another process holds it.
            StorageError: the disk cannot be written.
        """
        end = self._host.monotonic() + LOCK_S
        while (free := self._acquired()) is None:
            if self._host.monotonic() >= end:
                raise Timeout(self._lock_path)
            self._host.sleep(LOCK_POLL_S)
        try:
            with self._noted():
                yield
        except NoAnswerError as error:
            self._answer_unasked(error)
            raise
        finally:
            free()

    def _noted(self) -> AbstractContextManager[None]:
        """Let processes that wait for the lock say why; in a place on this machine there is no wait to speak of."""
        return self._asking.noted() if self.transactions.asks_remote else nullcontext()

    def _acquired(self) -> Callable[[], None] | None:
        """Take the clone's lock; return what frees it, `None` while another process or thread has it."""
        try:
            free = file_locks.take(self._lock_path)
        except OSError as error:
            message = f"The lock {self._lock_path!r} cannot be made: {error.strerror}."
            raise StorageError(message, hint=disk_hint(error.errno)) from error
        if free is not None:
            self.transactions.take_over()
        return free
