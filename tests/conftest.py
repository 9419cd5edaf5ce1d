"""What every test has: a world without the developer's git, home, network or clock zone; and real repositories to use.

Rules:
  * The `hermetic` fixture is automatic. A test that wants a variable sets it with `monkeypatch`.
  * Repositories are made by the real git, below `tmp_path`, and passed as paths; nothing changes the working directory.
  * Fakes are passed in. Nothing is patched.
"""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import hypothesis
import pygit2
import pytest
from pygit2.enums import ConfigLevel

from tests import torture_report
from tests.open_files import open_files

pytest_plugins = ["tests.distribution"]

OPEN_FILES_MAX = 300  # A process may have 1,024; a leak of one in ten tests reaches this.
GIT_TIMEOUT_S = 60  # A bound for a hang; git answers these commands in milliseconds.

# What may reach a test from outside. Everything else is removed: an allowed list cannot forget GIT_DIR.
_KEPT = frozenset({"LD_LIBRARY_PATH", "LOGNAME", "PATH", "PYTHONHASHSEED", "TEMP", "TMP", "TMPDIR", "USER"})
_KEPT_PREFIXES = ("COVERAGE_", "COV_", "DYLD_", "PYTEST_", "TORTURE_")

_GLOBAL_CONFIG = """\
[user]
\tname = Test Author
\temail = author@example.invalid
[init]
\tdefaultBranch = main
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""

# A shell that starts the tests in the background has them ignore SIGINT, and what they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes to draw says how busy the machine is.
_UNTIMED = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("default", deadline=None, suppress_health_check=_UNTIMED)
# The same examples each time: a few; see tests/property/length.py.
hypothesis.settings.register_profile(
    "ci", deadline=None, derandomize=True, max_examples=20, print_blob=True, suppress_health_check=_UNTIMED
)
hypothesis.settings.register_profile(
    "torture", deadline=None, print_blob=True, suppress_health_check=_UNTIMED
)  # a seed counts: not derandomized
_PROFILE = "torture" if "TORTURE_EXAMPLES" in os.environ else "ci" if os.environ.get("CI") else "default"
hypothesis.settings.load_profile(_PROFILE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite the expected output of transcripts in tests/scenarios"
    )
    parser.addoption("--rule", metavar="ID", help="only the tests that carry the rule of this id")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that do not carry the rule that was asked for."""
    rule = config.getoption("rule")
    if rule is not None:
        left_out = [item for item in items if not any(rule in mark.args for mark in item.iter_markers("rule"))]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the report of `make torture` how many tests ran, and how many found a promise broken."""
    if hasattr(terminalreporter.config, "workerinput"):  # of whom another process has the sums
        return
    stats = terminalreporter.stats
    broken, passed = [
        Counter(report.nodeid.partition("::")[0] for word in words for report in stats.get(word, []))
        for words in (("failed", "error"), ("passed",))
    ]
    for test in sorted(broken | passed):
        torture_report.add("violations", count=broken[test], operations=broken[test] + passed[test], test=test)


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether transcripts are to be rewritten rather than compared."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session", autouse=True)
def closes_its_files() -> Iterator[None]:
    """Fail a session that leaves many files open, which no single test shows: some 20 are usual, 120 at most."""
    yield
    left = open_files()
    kinds = Counter(Path(target.removesuffix(" (deleted)")).name.partition(":")[0] for target in left)
    assert len(left) < OPEN_FILES_MAX, f"{len(left)} files are open at the end: {kinds.most_common(10)}"


@pytest.fixture(autouse=True)
def hermetic(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the test an empty home with a fixed author, and nothing of the developer's environment. Return the home."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(_GLOBAL_CONFIG, encoding="utf-8")
    for name in os.environ:
        if name not in _KEPT and not name.startswith(_KEPT_PREFIXES):
            monkeypatch.delenv(name)
    for name, value in _world(home).items():
        monkeypatch.setenv(name, value)
    time.tzset()
    # libgit2 looks for configuration once, when it is loaded, and knows no GIT_CONFIG_NOSYSTEM.
    pygit2.settings.search_path[ConfigLevel.SYSTEM] = ""
    pygit2.settings.search_path[ConfigLevel.XDG] = ""
    pygit2.settings.search_path[ConfigLevel.GLOBAL] = str(home)
    return home


def _world(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TZ": "UTC",
        "no_proxy": "*",
    }


class Git(Protocol):
    """Run git in a folder; its output without the last newline. Fails the test where git fails."""

    def __call__(self, cwd: Path, *args: str) -> str: ...


class MakeRepo(Protocol):
    """Make a repository with one commit on `main`, below `tmp_path` unless the path is absolute."""

    def __call__(self, path: str | Path = "repo", *, object_format: str = "sha1") -> Path: ...


class MakeBare(Protocol):
    """Make an empty bare repository, below `tmp_path` unless the path is absolute."""

    def __call__(self, path: str | Path = "remote.git", *, object_format: str = "sha1") -> Path: ...


class Clone(Protocol):
    """Clone a repository (path or URL), below `tmp_path` unless the path is absolute."""

    def __call__(self, source: str | Path, path: str | Path = "clone") -> Path: ...


class AddWorktree(Protocol):
    """Add a linked worktree with a new branch of its folder's name, beside the repository."""

    def __call__(self, repo: Path, name: str) -> Path: ...


@pytest.fixture
def git() -> Git:
    return _git


class Prepared:
    """Folders with repositories, made by git once a session and copied for each test that asks for them."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._made: dict[str, Path] = {}

    def copy(self, name: str, target: Path, make: Callable[[Path], object]) -> None:
        """Copy what `make` makes in a folder, which is made when its name is first asked for."""
        if name not in self._made:
            self._made[name] = self._factory.mktemp("prepared") / name
            make(self._made[name])
            for sample in self._made[name].rglob("hooks/*.sample"):
                sample.unlink()  # fourteen files a repository that no test reads
        made = self._made[name]
        shutil.copytree(made, target, symlinks=True, dirs_exist_ok=True)
        for git_dir in made.rglob(".git"):
            _settle(target / git_dir.relative_to(made), made, target)


def _settle(git_dir: Path, before: Path, now: Path) -> None:
    """Have a copied repository know its neighbours by their new paths, and the copies of its files as unchanged."""
    config = git_dir / "config"
    config.write_text(config.read_text("utf-8").replace(f"{before}/", f"{now}/"), "utf-8")
    index = pygit2.Repository(str(git_dir)).index
    for entry in [*index]:
        index.add(entry.path)
    index.write()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory)


@pytest.fixture
def make_repo(tmp_path: Path, prepared: Prepared) -> MakeRepo:
    def make(path: str | Path = "repo", *, object_format: str = "sha1") -> Path:
        repo = tmp_path / path
        if object_format == "sha1":
            prepared.copy("repo", repo, _make_repo)
        else:  # libgit2, which settles a copy, does not know it
            _make_repo(repo, object_format)
        return repo

    return make


def _make_repo(repo: Path, object_format: str = "sha1") -> None:
    repo.mkdir(parents=True, exist_ok=True)
    _git(repo, "init", "--quiet", f"--object-format={object_format}")
    (repo / "README.md").write_text("# A project\n", encoding="utf-8")
    _git(repo, "add", "--all")
    _git(repo, "commit", "--quiet", "--message", "first")


@pytest.fixture
def make_bare(tmp_path: Path) -> MakeBare:
    def make(path: str | Path = "remote.git", *, object_format: str = "sha1") -> Path:
        repo = tmp_path / path
        _git(tmp_path, "init", "--quiet", "--bare", f"--object-format={object_format}", "--", str(repo))
        return repo

    return make


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    def make(source: str | Path, path: str | Path = "clone") -> Path:
        target = tmp_path / path
        _git(tmp_path, "clone", "--quiet", "--", str(source), str(target))
        return target

    return make


@pytest.fixture
def add_worktree() -> AddWorktree:
    def make(repo: Path, name: str) -> Path:
        target = repo.parent / name
        _git(repo, "worktree", "add", "--quiet", "-b", name, "--", str(target))
        return target

    return make


def _git(cwd: Path, *args: str) -> str:
    done = subprocess.run(
        ["git", *args],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=GIT_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"git {' '.join(args)} exited {done.returncode}: {done.stderr.strip()}", pytrace=False)
    return done.stdout.removesuffix("\n")
