"""The team's file: `.gitcoord/config` on the default branch says where a repository coordinates.

    [gitcoord]
        remote = origin                 the name of a remote, or a repository beside one of this clone's remotes
        namespace = refs/coord          where the refs are
        repo = shop                     this repository's name, where several share one remote

Rules:
  * SEC-5: it counts as it stands at `refs/remotes/<remote>/HEAD`, else on the tracking branch of what the remote itself
    calls HEAD. Never a local branch, never what is checked out, never a branch that is found by its name.
  * SEC-5: `remote` is a remote of this clone, or a URL of the same protocol, host and owner as one; never a path.
  * git parses it, as a blob of limited size, and includes nothing. Other keys are named and ignored.

What this file does not know: whether this clone follows it (`service/place/placement`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.names import is_namespace, project_name, shown
from gitcoord.errors import CoordError
from gitcoord.remote.git.user_config import UserConfig
from gitcoord.source.checkout.repository import Repository

FILE = ".gitcoord/config"
_COUNT = ("gitcoord.remote", "gitcoord.namespace", "gitcoord.repo")
_ITS_KEYS = "only gitcoord.remote, .namespace and .repo count there"
BYTES_MAX = 16 * 1024  # three short lines and what people write about them
IGNORED_MAX = 5  # keys that are named
_SCHEMES = frozenset({"https", "http", "ssh", "git"})
_WITH_PASSWORDS = frozenset({"https", "http"})
_SCP_LIKE = re.compile(r"(?:(?P<user>[A-Za-z0-9._-]+)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^:]+)")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?")
_SECTION = re.compile(r'\s*\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]')
_KEY = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)")
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class TeamFile(NamedTuple):
    """What the file says. `settings`: as git's configuration would say it; `problem`: why it does not count."""

    settings: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    problem: str = ""


class Doubt(NamedTuple):
    """What is wrong in a line of the file, or ignored: a sentence without its full stop."""

    line: int
    problem: str


class _Beside(NamedTuple):
    """What two repositories have in common that one owner has at one host."""

    protocol: str
    user: str
    host: str
    owner: str

    def without_password(self) -> "_Beside":
        """Return it as a file may name it: a token that is in the URL of a remote is its user's own."""
        return self._replace(user="") if self.protocol in _WITH_PASSWORDS else self


def home_remote(repository: Repository, config: UserConfig | None = None) -> str | None:
    """Return the remote whose default branch counts: `origin`, else the only one; of several none is guessed.

    `config`: what git's configuration says, where it was read already.
    """
    if config is not None and config.all_of("remote.origin.url"):
        return "origin"
    if config is not None and not config.has_remotes:
        return None
    names = (repository.text("remote") or "").splitlines()
    if "origin" in names:
        return "origin"
    return names[0] if len(names) == 1 else None


def doubts(repository: Repository) -> list[str]:
    """Return what of the file on the default branch does not count, as far as this clone has that branch."""
    home = home_remote(repository)
    said = read(repository, home, lambda _: None) if home else None
    if said is None:
        return []
    problem = [f"{said.problem}, so it does not count."] if said.problem else []
    return [*problem, *(f"{FILE} has {shown(key)}, which is ignored: {_ITS_KEYS}." for key in said.ignored)]


def read(repository: Repository, remote: str, ask_head: Callable[[str], str | None]) -> TeamFile | None:
    """Return what the default branch of a remote says; `None`: it says nothing, or is not here.

    `ask_head`: returns the branch that the remote calls HEAD; called where this clone does not know it.
    """
    done = _listed(repository, f"refs/remotes/{remote}/HEAD")
    if done is None:
        branch = ask_head(remote)
        done = _listed(repository, f"refs/remotes/{remote}/{branch}") if branch else None
    if not done:
        return None
    mode, kind, blob, size = done.partition("\t")[0].split()
    if kind != "blob" or mode == "120000" or int(size) > BYTES_MAX:
        return TeamFile({}, problem=f"{FILE} is not a file of at most {BYTES_MAX} bytes")
    done = repository.git("config", "--blob", blob, "--no-includes", "--null", "--list")
    if done.rc != 0:
        return TeamFile({}, problem=f"git cannot parse {FILE}")
    values, ignored = _parsed(done.stdout)
    problem = next((f"{FILE} {fault}" for _, fault in _faults(values, repository)), "")
    return TeamFile({} if problem else values, ignored[:IGNORED_MAX], problem)


def check(repository: Repository, path: Path) -> tuple[list[Doubt], list[Doubt]]:
    """Return what is wrong with a file that a person wrote, and what of it is ignored.

    Raises:
        OSError: it cannot be read, is no regular file, or is too large.
    """
    from gitcoord.source.checkout.checkout_file import read_small

    text = read_small(path, BYTES_MAX).decode("utf-8", "replace")
    if path.is_symlink():
        return [Doubt(1, "the file is a link, which does not count on a branch")], []
    done = repository.git("config", f"--file={path.absolute()}", "--no-includes", "--null", "--list")
    if done.rc != 0:
        line = re.search(r"\bline ([0-9]+)\b", done.errors)
        return [Doubt(int(line[1]) if line else 1, "git cannot parse this as configuration")], []
    values, ignored = _parsed(done.stdout)
    lines = _lines(text)
    return (
        [Doubt(lines.get(key, 1), f"the file {fault}") for key, fault in _faults(values, repository)],
        [Doubt(lines.get(key, 1), f"{shown(key)} is ignored: {_ITS_KEYS}") for key in ignored],
    )


def _parsed(listed: bytes) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the settings that git lists, and the other keys."""
    pairs = [entry.partition("\n") for entry in listed.decode("utf-8", "replace").split("\0")[:-1]]
    values = {key: value for key, _, value in pairs if key in _COUNT}
    return values, tuple(dict.fromkeys(key for key, _, _ in pairs if key not in _COUNT))


def _lines(text: str) -> dict[str, int]:
    """Return the last line of each key, from 1: git names none."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        head = _SECTION.match(line)
        if head:
            section = head[1].lower() + (f".{head[2]}" if head[2] is not None else "")
        key = _KEY.match(line, head.end() if head else 0)
        if key:
            lines[f"{section}.{key[1].lower()}"] = number
    return lines


def is_allowed(remote: str, repository: Repository) -> bool:
    """Whether the file may name this remote."""
    return repository.remote_url(remote) is not None or _is_beside_one(remote, repository)


def proposable(remote: str, repository: Repository) -> str | None:
    """Return what the file may say for a remote, so that fresh clones understand it; `None`: nothing does."""
    url = repository.remote_url(remote)
    if remote == "origin" and url is not None:
        return remote
    return (url or remote) if _is_beside_one(url or remote, repository) else None


def _is_beside_one(remote: str, repository: Repository) -> bool:
    """Whether a URL is of the same protocol, host and owner as a remote of this clone."""
    wanted = _beside(remote)
    if wanted is None or (wanted.user and wanted.protocol in _WITH_PASSWORDS):
        return False
    names = (repository.text("remote") or "").splitlines()
    known = (_beside(url) for name in names if (url := repository.remote_url(name)))
    return any(place.without_password() == wanted for place in known if place is not None)


def _listed(repository: Repository, ref: str) -> str | None:
    """Return the entry of the file at a ref, empty where there is no such file; `None`: there is no such ref.

    The ref is looked up exactly: git would take a tag of that whole name for it, which anyone can push.
    """
    commit = repository.text("show-ref", "--verify", "--hash", ref)
    return repository.text("ls-tree", "--long", "--full-tree", commit, "--", FILE) if commit else None


def _faults(values: Mapping[str, str], repository: Repository) -> Iterator[tuple[str, str]]:
    """Yield each key with what is wrong with it, as the end of a sentence that begins with the file."""
    remote, namespace, repo = (values.get(key) for key in _COUNT)
    if remote is None:
        yield "", "names no remote"
    elif not is_allowed(remote, repository):
        why = "neither a remote of this clone nor a repository of the same protocol, host and owner as one"
        yield "gitcoord.remote", f"names {shown(remote)}, which is {why}"
    if namespace is not None and not is_namespace(namespace):
        why = "not refs/coord or refs/heads/<prefix>/coord"
        yield "gitcoord.namespace", f"names the namespace {shown(namespace)}, {why}"
    try:
        _ = project_name(repo) if repo is not None else ""
    except CoordError:
        yield "gitcoord.repo", f"names the repository {shown(repo or '')}, which cannot be a name"


def _beside(url: str) -> _Beside | None:
    """Return what repositories of one owner share; `None`: a path, or a URL that could lead elsewhere."""
    found = _SCP_LIKE.fullmatch(url) if "://" not in url else None
    if found is not None:
        protocol, user, host, path = "scp", found["user"] or "", found["host"], found["path"]
    else:
        scheme, _, rest = url.partition("://")
        place, _, path = rest.partition("/")
        user, _, host = place.rpartition("@")
        protocol = scheme.lower() if scheme.lower() in _SCHEMES else ""
    root = "/" if path.startswith("/") else ""
    segments = path.removeprefix("/").removesuffix("/").split("/")
    is_plain = len(segments) > 1 and all(_SEGMENT.fullmatch(segment) for segment in segments)
    if not protocol or not _HOST.fullmatch(host) or not is_plain:
        return None
    return _Beside(protocol, user, host.lower(), root + "/".join(segments[:-1]))
