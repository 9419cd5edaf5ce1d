"""Whether a repository on a path may be driven by libgit2, in place of pushing to it with git.

A push runs the hooks of the receiving repository and obeys its `receive.*` rules; libgit2 does neither. So a path
is used directly only where no one could see the difference: no hook, rule or reflog. Anything unusual is a reason to
push.

This module must not write.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from gitcoord.errors import UnreachableError
from gitcoord.remote.git.git_failure import shown
from gitcoord.remote.git.git_process import clean_env, run_git
from gitcoord.remote.store.pygit_objects import open_repository

_TIMEOUT_S: Final = 10.0  # git answers from files; network file systems have been seen to take seconds
# What git-receive-pack(1) runs. `push-to-checkout` only concerns branches, but someone installed it for pushes.
_HOOKS: Final = frozenset(
    {
        "pre-receive",
        "update",
        "proc-receive",
        "post-receive",
        "post-update",
        "push-to-checkout",
        "reference-transaction",
    }
)
_EXTENSIONS: Final = frozenset({"extensions.worktreeconfig", "extensions.noop", "extensions.objectformat"})
_FALSE: Final = frozenset({"false", "no", "off", "0", ""})
_BRANCH_RULES: Final = ("receive.denydeletes", "receive.denynonfastforwards")


def git_dir_of(path: Path) -> Path | None:
    """Return the git directory that git would use for a path remote, or None where there is none.

    See git-upload-pack(1): without `--strict`, `<path>/.git` is tried first.
    """
    for candidate in (path / ".git", path, path.with_name(f"{path.name}.git")):
        if (candidate / "HEAD").is_file() and (candidate / "objects").is_dir():
            return candidate
    return None


def usable_as_local(path: Path, *, env: Mapping[str, str], namespace: str = "refs/coord/") -> str | None:
    """Return why the repository at `path` must be pushed to by git, or None where libgit2 may drive it."""
    git_dir = git_dir_of(path)
    if git_dir is None:
        return "there is no repository with a git directory of its own"
    if (git_dir / "commondir").exists():
        return "it is a linked worktree"
    # git clears the configuration of the pushing command before it starts the receiving one on a path.
    kept = {key: value for key, value in env.items() if not key.startswith(("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_"))}
    done = run_git(
        [f"--git-dir={git_dir}", "config", "--list", "--includes", "-z"],
        cwd=git_dir,
        env=clean_env(kept),
        timeout_s=_TIMEOUT_S,
    )
    if done.rc != 0:
        return f"git cannot read its configuration: {shown(done.errors)}"
    config: dict[str, list[str]] = {}
    for setting in done.stdout.decode(errors="surrogateescape").split("\0"):
        key, has_value, value = setting.partition("\n")
        config.setdefault(key, []).append(value if has_value else "true")
    reason = _config_reason(config, namespace) or _hook_reason(git_dir, config)
    if reason is None:
        try:
            open_repository(git_dir, UnreachableError)
        except UnreachableError as error:
            reason = str(error)
    return reason


def _config_reason(config: Mapping[str, Sequence[str]], namespace: str) -> str | None:
    shared = _last(config, "core.sharedrepository")
    if shared.lower() not in {*_FALSE, "umask"}:
        return f"core.sharedRepository is {shared!r}"
    for key in sorted(config):
        if key.startswith("extensions.") and key not in _EXTENSIONS:
            return f"{key} is set"
        if key.startswith("hook.") and key.endswith(".event") and _HOOKS.intersection(config[key]):
            return f"{key} configures a hook"
        if key in {"receive.hiderefs", "transfer.hiderefs", "receive.procreceiverefs"}:
            return f"{key} is set"
    is_branch = namespace.startswith("refs/heads/")
    logs = _last(config, "core.logallrefupdates").lower() or (
        "true" if _last(config, "core.bare") in _FALSE else "false"
    )
    if logs == "always" or (is_branch and logs not in _FALSE):
        return f"core.logAllRefUpdates is {logs!r}"
    if is_branch:
        return next((f"{key} is set" for key in _BRANCH_RULES if _last(config, key).lower() not in _FALSE), None)
    return None


def _last(config: Mapping[str, Sequence[str]], key: str) -> str:
    return config[key][-1] if config.get(key) else ""


def _hook_reason(git_dir: Path, config: Mapping[str, Sequence[str]]) -> str | None:
    # The last two: the GLOVES of our own command, then what the repository or the user says.
    named = [value for value in config.get("core.hookspath", []) if value != "/dev/null"]
    folder = git_dir / "hooks" if not named else git_dir / Path(named[-1]).expanduser()
    for name in sorted(_HOOKS):
        if os.access(folder / name, os.X_OK):
            return f"its hook {name!r} would run"
    return None
