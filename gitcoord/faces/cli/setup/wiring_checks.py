"""Checks of what `init` wired: git's hooks, and each tool's MCP configuration, whose server is really started.

Rules:
  * SEC-4: only a command that is word for word what `init` writes is started, found in an absolute folder of PATH and
    without the entry's environment: the files are the checkout's, and may be a stranger's. Any other is named by its
    file, without its words (they may hold a token), and started as it stands only with --start-servers.
  * A server is started as the tool would, in the worktree: first with a bare PATH, then with that of a login shell,
    because a tool that a desktop starts has no more. It is asked to `initialize`, and ended before it begins a session.
  * One command is started once, however many tools have it. What the entry's environment holds is never shown.
  * With --offline nothing is started that would look for a package (uvx, npx).
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from gitcoord import __version__
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.faces.cli.wiring import entry, git_hooks, servers, tools
from gitcoord.faces.cli.wiring.change import Action, Change
from gitcoord.remote.git.program import Answered, ask_program, output_of
from gitcoord.service.doctor.check_run import Check, Finding, Status, fail, ok, together, warn
from gitcoord.service.doctor.site import Site

BARE_PATH = "/usr/bin:/bin"  # what a program gets that a desktop or a daemon starts
START_S = 20.0  # as long as Codex is configured to wait; the front answers within a second
SHELL_S = 5.0  # a profile that takes longer is a burden of its own
MCP_LIMIT_S = 90.0  # three kinds of PATH, and a profile
PROTOCOL = "2025-06-18"
_FETCHERS = ("uvx", "npx", "pipx", "bunx")
_KEPT = ("HOME", "USER", "LOGNAME", "SHELL", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")
_TERMINAL = "with this PATH only"
_FROM_TERMINAL = "Start the tool from this terminal; or install gitcoord where a login finds it (pipx, uv tool)."


def checks(site: Site, *, starts_any: bool = False) -> list[Check]:
    """Return the checks of what was wired. `starts_any`: a person wants every server started, as its entry says."""
    return [
        Check("hooks", lambda: hooks(site)),
        Check("mcp", lambda: mcp(site, starts_any=starts_any), MCP_LIMIT_S),
    ]


def not_found_by_login(env: Mapping[str, str]) -> str:
    """Return what to say where a tool that a desktop starts would not find the program; "" where it does."""
    site_paths = [path for kind, path in _paths_of(env) if kind != _TERMINAL]
    if any(shutil.which(entry.NAME, path=path) for path in site_paths):
        return ""
    return f"a login does not find {entry.NAME}, so a tool that a desktop starts does not either. {_FROM_TERMINAL}"


def hooks(site: Site) -> Finding:
    """Look whether git finds our hooks, and these a program."""
    repository = site.in_repository()
    found = git_hooks.find(repository)
    facts: dict[str, Json] = {"folder": found.label or found.folder or None, "notes": [*found.notes]}
    if found.top is None:
        return warn(f"{'. '.join(found.notes)}.", "See docs/integrations/git-hooks.md.", **facts)
    if not git_hooks.is_installed(found):
        return warn("None of git's hooks is installed, so a push is not checked here.", "gitcoord init", **facts)
    changes = git_hooks.install(found)
    said = [*_not_current(changes), *_not_programs(changes), *_program(site)]
    count = len(git_hooks.NAMES)
    return together(said, ok(f"{count} hooks, installed and current in {found.label or found.folder}", **facts))


def _not_current(changes: Sequence[Change]) -> list[Finding]:
    missing = [Path(change.path).name for change in changes if change.action is Action.CREATED or change.puts_aside]
    older = [Path(change.path).name for change in changes if change.action is Action.CHANGED and not change.puts_aside]
    said: list[Finding] = []
    if missing:
        said.append(warn(f"Not installed: {', '.join(missing)}.", "gitcoord upgrade", missing=[*missing]))
    if older:
        said.append(warn(f"Not of this version: {', '.join(older)}.", "gitcoord upgrade", older=[*older]))
    hint = "Look at that file; gitcoord upgrade writes what it may."
    left = [change for change in changes if change.why and change.action in (Action.KEPT, Action.SKIPPED)]
    return [*said, *(warn(f"{change.name}: {change.why}.", hint) for change in left)]


def _not_programs(changes: Sequence[Change]) -> list[Finding]:
    paths = [
        change.top / change.path
        for change in changes
        if change.before is not None and Path(change.path).name in git_hooks.NAMES
    ]
    idle = [path for path in paths if not os.access(path, os.X_OK)]
    if not idle:
        return []
    names = ", ".join(path.name for path in idle)
    return [warn(f"git does not run {names}: not executable.", f"chmod +x {' '.join(map(str, idle))}", idle=names)]


def _program(site: Site) -> list[Finding]:
    """Return that the shims would find no program: then they let everything pass."""
    named = git_hooks.program(site.in_repository())
    if shutil.which(entry.NAME, path=site.env.get("PATH")) or (named and shutil.which(named)):
        return []
    where = f"nor at {named} (git config gitcoord.program)" if named else "and git config gitcoord.program is not set"
    hint = "Run `gitcoord upgrade` with the gitcoord that hooks shall use."
    return [fail(f"The hooks check nothing: gitcoord is not on PATH, {where}.", hint)]


def mcp(site: Site, *, starts_any: bool = False) -> Finding:
    """Start the server of each tool as the tool would, where the entry is `init`'s; others as `checks` says."""
    top = site.in_repository().top
    wired = servers.servers(top, site.env)
    if not wired:
        used = ", ".join(tools.detect(top, site.env))
        return warn(f"No agent's tool is wired here (in use: {used}).", "gitcoord init", tools=[])
    started: dict[tuple[str, ...], Finding] = {}
    said: list[Finding] = []
    for server in wired:
        if server.why:
            text = f"{server.tool.value}: {server.path}: {server.why}."
            said.append(fail(text, "Correct that file, then run `gitcoord init --tool " + f"{server.tool.value}`."))
        elif not (starts_any or entry.is_command(server.command)):
            tool = server.tool.value
            text = f"{tool}: {server.path}: its entry {entry.NAME} was not started: "
            text += "its command is not the one that init writes."
            hint = f"`gitcoord init --tool {tool}` names what to do, `gitcoord doctor --start-servers` runs it."
            said.append(warn(text, f"Read it; {hint}"))
        else:
            if server.command not in started:
                env: Mapping[str, str] = server.env if starts_any else {}
                users = [other.tool.value for other in wired if other.command == server.command and not other.why]
                where = f"{server.tool.value}: {server.path}" if len(users) == 1 else ", ".join(users)
                started[server.command] = _start(site, server.command, env, f"{where}: `{' '.join(server.command)}`")
            said.append(started[server.command])
    rows: list[Json] = [
        {"tool": server.tool.value, "path": server.path, "status": finding.status.value}
        for server, finding in zip(wired, said, strict=True)
    ]
    names = ", ".join(sorted({server.tool.value for server in wired}))
    well = " ".join(finding.text for finding in started.values() if finding.status is Status.OK)
    bad = {finding.text: finding for finding in said if finding.status is not Status.OK}
    return together(bad.values(), ok(f"{names}: {well}", tools=rows))


def _start(site: Site, words: Sequence[str], more: Mapping[str, str], where: str) -> Finding:
    """Start one command with what a desktop has, then a login shell, then this terminal."""
    if site.is_offline and Path(words[0]).name in _FETCHERS:
        return ok(f"`{' '.join(words)}` was not started (--offline).")
    first = Answered(None)
    for kind, path in _paths_of(site.env):
        env = {**_bare(site.env), **more, "PATH": more.get("PATH", path)}
        program = shutil.which(words[0], path=env["PATH"])
        if program is None:
            first = first if first.why else Answered(None, f"{words[0]} is not found")
            continue
        hello = {
            "protocolVersion": PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "gitcoord-doctor", "version": __version__},
        }
        question = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
        top, clock = site.in_repository().top, site.host.monotonic
        answered = ask_program([program, *words[1:]], question, cwd=top, env=env, timeout_s=START_S, monotonic=clock)
        if answered.answer is not None:
            return _judged(words, where, kind, answered.answer)
        first = answered
        break
    hint = "See that gitcoord is installed where a login finds it, then `gitcoord upgrade`."
    return fail(f"{where} does not start: {first.why}.", hint)


def _paths_of(env: Mapping[str, str]) -> list[tuple[str, str]]:
    found = [("with a bare PATH", BARE_PATH)]
    shell = env.get("SHELL") or "/bin/sh"
    mark = "gitcoord-path:"
    said = output_of(
        [shell, "-lc", f"printf '\\n{mark}%s\\n' \"$PATH\""], cwd=Path("/"), env=_bare(env), timeout_s=SHELL_S
    )
    lines = [line.removeprefix(mark) for line in (said or "").splitlines() if line.startswith(mark)]
    found += [("with the PATH of a login", _absolute(line)) for line in lines[-1:]]
    return [*found, (_TERMINAL, _absolute(env.get("PATH", BARE_PATH)))]


def _absolute(path: str) -> str:
    """Return a PATH without relative folders: they are of the checkout, whatever lies in it."""
    return os.pathsep.join(part for part in path.split(os.pathsep) if Path(part).is_absolute())


def _bare(env: Mapping[str, str]) -> dict[str, str]:
    return {**{name: env[name] for name in _KEPT if name in env}, "PATH": BARE_PATH}


def _judged(words: Sequence[str], where: str, kind: str, answer: Mapping[str, object]) -> Finding:
    info = _object(_object(answer.get("result")).get("serverInfo"))
    name, version = str(info.get("name", "")), str(info.get("version", ""))
    if name != entry.NAME:
        return fail(f"{where} is no gitcoord; it says {shown(name or 'nothing')}.", "gitcoord init")
    if version != __version__:
        text = f"{where} is gitcoord {shown(version)}, and this is {__version__}."
        return warn(text, "Install one version for all, then `gitcoord upgrade`.")
    if kind == _TERMINAL:
        return warn(f"{where} starts with the PATH of this terminal only, not with that of a login.", _FROM_TERMINAL)
    return ok(f"`{' '.join(words)}` starts {kind} and answers.")


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
