"""Placement: where this clone coordinates, and what grants say where that may surprise.

    git config, environment ──set──> there
          │ not set
    what this clone follows already ──> there; a warning where the team's file says another place by now
          │ nothing
    the team's file on the default branch ──nothing is held here──> there from now on
          │ no file                           └─something is held──> this clone, with a warning
    this clone, with a warning where it has a remote that others may coordinate through

Rules:
  * SEC-5: a fresh clone follows the team's file at once; one that holds something elsewhere stays there until `init`.
  * Looking changes nothing but what is remembered of a remote's HEAD. The process that opens the place keeps it
    (`keep`).

What this file does not know: how a place is opened.
"""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.doc import Struct, field
from gitcoord.core.documents.names import shown
from gitcoord.errors import CoordError
from gitcoord.ledger.clone import team_place
from gitcoord.ledger.format.refs import refs_of
from gitcoord.redaction import redact
from gitcoord.remote.contract import clone_folder
from gitcoord.remote.git.user_config import UserConfig
from gitcoord.service.session.clone_store import Embedded
from gitcoord.source.checkout import team_file
from gitcoord.source.checkout.repository import Repository, settings_in
from gitcoord.source.checkout.team_file import TeamFile

HEAD_TIMEOUT_S = 5.0  # for one line of a remote's answer; the first command of a clone waits for it
REMOTE = "gitcoord.remote"
MOVE = "`gitcoord init` moves it there."


class Clock(NamedTuple):
    """What only the composition root has: seconds since the epoch, and what keeps drafts of files apart."""

    now_s: Callable[[], float]
    unique: str


class Where(NamedTuple):
    """Where the settings say that this clone coordinates; `url` is `None` for the store of the clone.

    `warning`: what each grant begins with. `is_set`: a person decided it, whatever the team's file says.
    """

    url: str | None
    namespace: str
    repo: str | None
    warning: str = ""
    is_set: bool = False

    @property
    def place(self) -> tuple[str | None, str, str | None]:
        """What makes it the same place."""
        return self.url, self.namespace, self.repo


class Placement(Struct, frozen=True):
    """Where a clone coordinates.

    Attributes:
        settings: git's configuration, completed by what the team's file says, if that counts here.
        follows: what the team's file said when this clone began to follow it; none where it does not.
        proposed: what the team's file says now, and `init` would move to.
        warning: what each grant begins with; empty where nothing surprises.
        is_set: a person decided it, whatever the team's file says.
        config: what git's configuration says, as it was read for this.
    """

    settings: Mapping[str, str]
    follows: Mapping[str, str] = field(default_factory=dict["str", "str"])
    proposed: Mapping[str, str] = field(default_factory=dict["str", "str"])
    warning: str = ""
    is_set: bool = False
    config: UserConfig | None = None

    def where(self, repository: Repository, env: Mapping[str, str]) -> Where:
        """Return where that is.

        Raises:
            InvalidError: the remote that is named is none.
            UsageError: the namespace cannot be one.
        """
        remote = env.get("GITCOORD_REMOTE") or self.settings.get(REMOTE)
        url: str | None = None
        if remote and remote != ".":
            from gitcoord.source.checkout.remote_urls import url_of

            url = url_of(remote, repository, may_be_path=not self.follows, config=self.config)
        return Where(
            url, refs_of(self.settings).namespace, self.settings.get("gitcoord.repo"), self.warning, self.is_set
        )


def find_placement(
    repository: Repository,
    env: Mapping[str, str],
    clock: Clock,
    embedded: Embedded,
) -> Placement:
    """Find out where a clone coordinates. `embedded`: its store, which may have claims and steps."""
    config = repository.config()
    settings, placed = settings_in(config), partial(Placement, config=config)
    if team_place.is_set(settings, env):
        return placed(settings, is_set=True)
    folder = repository.common_dir / "gitcoord"
    home = team_file.home_remote(repository, config)
    said = team_file.read(repository, home, _head_of(repository, folder, clock)) if home else None
    found = dict(said.settings) if said else {}
    followed = team_place.load(folder)
    if followed:
        place = {**followed, **settings}
        if not team_file.is_allowed(followed[REMOTE], repository):
            followed = {}
        elif not found or found == followed:
            return placed(place, followed, found)
        else:
            before = followed[REMOTE]
            here, there = shown(redact(before)), shown(redact(found[REMOTE]))
            if before == found[REMOTE]:
                there += " with another namespace or name of this repository"
            moved = f"Only clones that coordinate through {here} see this; {team_file.FILE} says {there} now. {MOVE}"
            return placed(place, followed, found, moved)
    if not found:
        return placed(settings, warning=_alone(repository, config, home, said))
    from gitcoord.source.checkout.remote_urls import url_of

    if embedded.holds_elsewhere(url_of(found[REMOTE], repository, may_be_path=False), refs_of(settings)):
        team = shown(redact(found[REMOTE]))
        held_here = f"Only this clone sees this; the team coordinates through {team} ({team_file.FILE}). {MOVE}"
        return placed(settings, proposed=found, warning=held_here)
    return placed({**found, **settings}, found, found)


def keep_placement(repository: Repository, placement: Placement, unique: str) -> None:
    """Follow from now on what is followed by this placement.

    Raises:
        StorageError: the disk cannot be written.
    """
    folder = repository.common_dir / "gitcoord"
    if placement.follows and team_place.load(folder) != placement.follows:
        with contextlib.suppress(OSError):  # then the file cannot be written either, and that says why
            clone_folder.make(folder)  # `init` may be the first command of all
        team_place.save(folder, placement.follows, unique)


def _head_of(repository: Repository, folder: Path, clock: Clock) -> Callable[[str], str | None]:
    def ask(remote: str) -> str | None:
        url = repository.remote_url(remote, push=False) or ""
        now_s, place = clock.now_s(), redact(url)
        is_known, branch = team_place.known_head(folder, place, now_s)
        if is_known:
            return branch
        branch = repository.head_branch(url, HEAD_TIMEOUT_S)
        with contextlib.suppress(CoordError, OSError):  # a disk that cannot be written: it is asked again
            folder.mkdir(exist_ok=True)
            team_place.keep_head(folder, place, branch, now_s, clock.unique)
        return branch

    return ask


def _alone(repository: Repository, config: UserConfig, home: str | None, said: TeamFile | None) -> str:
    if home is None:
        return ""
    if said is not None and said.problem:
        return f"Only this clone sees this: {said.problem}. To choose: `gitcoord init --remote {home}`."
    url = redact(config.push_url(home) or repository.remote_url(home) or "")
    return f"Only this clone sees this; {home} is {url}. To share it: `gitcoord init --remote {home}`."
