"""An inspection: a repository and the ledgers of its remote, opened for reading only. No agent has to be named for it.

Rules:
  * Where no remote is named: the store of this clone if anything is coordinated there, else `origin`.
  * What a remote has is copied into a folder that goes; nothing else is written.
  * SAFE-9: a ledger that lacks what this clone saw of it is reported, in the words of `status`; where the copy's
    history is too short to tell, nothing is. Before that the remote is read once more, for a server may answer from an
    older copy.

What this file does not know: what is looked for.
"""

import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.step_claims import is_void
from gitcoord.core.documents.names import split_step_id
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step
from gitcoord.errors import DocumentError, InvalidError, MissingObjectError, RewoundError
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.strays import STRAYS, Strays
from gitcoord.ledger.rewinds.lookback import Lookback
from gitcoord.ledger.rewinds.marks import Marks
from gitcoord.redaction import redact
from gitcoord.remote.contract.protocol import Oid, RefName, Transport
from gitcoord.remote.copies.copied_objects import objects_of
from gitcoord.remote.git.user_config import connection_settings
from gitcoord.remote.store.joined_objects import JoinedObjects
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.store.store import StoreMode, open_store
from gitcoord.remote.transports.path_remote import git_dir_of
from gitcoord.remote.transports.read_only import ReadOnlyCopy
from gitcoord.service.session.clone_store import Embedded
from gitcoord.source.checkout.remote_urls import path_of, url_of
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.deepen import bring as bring_commits
from gitcoord.source.history.deepen import tip_of as remote_tip


@dataclass(frozen=True, slots=True)
class ReadTarget:
    """Where to look, as the settings say. `url`: `None` where no remote is named."""

    url: str | None
    refs: Refs
    repo: str | None


@dataclass(slots=True)
class Inspection:
    """What is looked at.

    Attributes:
        remote_name: the remote's URL without credentials, or "this clone".
        code_url: where branches of the work are pushed; `None`: nowhere else.
        listed: the refs of coordination, as they were read.
        rewound: what is wrong with the ledgers by what this clone saw of them.
        deepen: bring more of a ledger's history, back to a moment.
        tip_of: the tip of a branch as the remote has it; `None`: it has none, or does not say.
        bring: fetches commits that are not here from there; tells whether it gave them.
        problems: ledgers that cannot be read, and why.
    """

    repository: Repository
    transport: Transport
    refs: Refs
    reader: Reader
    listed: Mapping[RefName, Oid]
    remote_name: str
    code_url: str | None
    repo: str | None
    now: datetime
    monotonic: Callable[[], float]
    rewound: Sequence[RewoundError] = ()
    deepen: Callable[[RefName, datetime], None] = lambda _ref, _since: None
    tip_of: Callable[[Repository, str], str | None] = remote_tip
    bring: Callable[[Repository, Sequence[str]], bool] = bring_commits
    problems: dict[RefName, str] = field(default_factory=dict[RefName, str])
    _boards: dict[RefName, Board | None] = field(default_factory=dict[RefName, Board | None])

    def register(self) -> Register:
        """Return the claims; a damaged ledger is noted, and empty."""
        try:
            return self.reader.claims(self.listed).content
        except (DocumentError, MissingObjectError) as error:
            self.problems[self.refs.claims] = str(error)
            return Register()

    def policy(self) -> Policy:
        """Return the team's policy; a damaged one is noted, and the default."""
        found = self.reader.policy(self.refs.config, self.listed)
        if self.refs.config in self.reader.problems:
            self.problems[self.refs.config] = str(self.reader.problems[self.refs.config])
        return found

    def board(self, project: str) -> Board | None:
        """Return a project; `None`: there is none, or it cannot be read, which is noted."""
        ref = self.refs.steps(project)
        if ref not in self._boards:
            if ref not in self.listed:
                self._boards[ref] = None
            else:
                try:
                    self._boards[ref] = self.reader.project(ref, self.listed[ref]).content
                except (DocumentError, MissingObjectError) as error:
                    self.problems[ref] = str(error)
                    self._boards[ref] = None
        return self._boards[ref]

    def boards(self) -> list[Board]:
        """Return every project that can be read."""
        names = [ref.rpartition("/")[2] for ref in self.listed if self.refs.is_steps(ref)]
        return [board for board in map(self.board, names) if board is not None]

    def has_project(self, name: str) -> bool:
        """Whether there is a ledger of a project, also one that cannot be read."""
        return self.refs.steps(name) in self.listed

    def step(self, step_id: str) -> Step | None:
        """Return a step by its id; `None`: there is none, or that is no id."""
        try:
            project, num = split_step_id(step_id)
        except InvalidError:
            return None
        board = self.board(project)
        return board.steps.get(num) if board else None

    def is_void(self, claim: Claim) -> bool:
        """Whether a claim confers nothing, for its step went on without it."""
        return claim.step is not None and is_void(claim, self.board(claim.step.rpartition("/")[0]))


@contextmanager
def opened(
    repository: Repository, sight: ReadTarget, embedded: Embedded, *, now: datetime, monotonic: Callable[[], float]
) -> Generator[Inspection]:
    """Open the ledgers, and forget the copy at the end.

    Raises:
        UnreachableError: the remote was not read.
        StoreDamagedError: the store of this clone is damaged.
    """
    url = sight.url
    if url is None:
        store = open_store(repository.common_dir)
        if store is None or store.mode is not StoreMode.HOME or store.remote:  # it is not coordinated here alone
            url = url_of("origin", repository)
    marks = Marks(repository.common_dir / "gitcoord", url or "", sight.refs.namespace, sight.repo, is_kept=False)
    marks.load()  # before refs are listed
    with tempfile.TemporaryDirectory(prefix="gitcoord-read.", ignore_cleanup_errors=True) as name:
        copy = _copied(url, repository, sight, Path(name)) if url is not None else None
        transport: Transport = copy or embedded.as_place()
        strays = Strays(f"{repository.common_dir}/gitcoord/{STRAYS}", is_kept=False)
        strays.load()
        path, store = path_of(url, repository) if url else None, open_store(repository.common_dir)
        git_dir = git_dir_of(path) if path is not None else None
        own = PygitObjects(git_dir) if git_dir else objects_of(store) if store and path is None else None
        with_own = JoinedObjects(transport.objects, own) if own is not None else transport.objects
        lookback = Lookback(with_own, sight.refs, marks, strays)
        listed = transport.read(sight.refs.everything)
        if copy is not None and lookback.rewound(listed, now):
            copy.take()
            listed = transport.read(sight.refs.everything)
        origin = repository.remote_url("origin", push=False)
        yield Inspection(
            repository=repository,
            transport=transport,
            refs=sight.refs,
            reader=Reader(transport, sight.refs, strays, marks.tips),
            listed=listed,
            remote_name="this clone" if url is None else redact(url),
            code_url=url if sight.repo is None else origin,
            repo=sight.repo,
            now=now,
            monotonic=monotonic,
            rewound=lookback.rewound(listed, now),
            deepen=copy.deepen if copy is not None else lambda _ref, _since: None,
        )


def _copied(url: str, repository: Repository, sight: ReadTarget, folder: Path) -> ReadOnlyCopy:
    copy = ReadOnlyCopy(
        url,
        folder=folder,
        objects=PygitObjects(folder),
        env=repository.env,
        settings=connection_settings(repository.top, repository.env),
        namespace=f"{sight.refs.namespace}/",
    )
    copy.take()
    return copy
