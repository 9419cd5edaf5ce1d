"""Write what the installed version of gitcoord leaves at a remote, as a bundle that later versions must read.

    python -m tests.history.write FOLDER      makes FOLDER/<version>/hub.bundle

Run it once for each release, with that release's `gitcoord` first on PATH, and add the bundle. Two clones of one remote
work through every kind of document: a project with steps in every state, claims of every kind, a carve, a waiting
call, a request, a barrier, refusals, a policy and ownership rules.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAN = """\
name: shop
description: what a version leaves behind
steps:
  - {step_num: 1, title: prices, branch: feat/prices, paths: [src/prices.py]}
  - {step_num: 2, title: basket, branch: feat/basket, depends_on: [1], paths: ["src/basket/**"]}
  - {step_num: 3, title: search, branch: feat/search, scope: api, priority: 2}
  - {step_num: 4, title: taxes, branch: feat/taxes}
  - {step_num: 5, title: stock, branch: feat/stock}
  - {step_num: 6, title: labels, branch: feat/labels}
"""
OWNERS = """\
modules:
  checkout: {paths: ["src/checkout/**"], owners: [ann], severity: hard}
shared_files: [package.json]
"""
ROUTER = "class Router:\n    def handle(self):\n        return 1\n\n    def close(self):\n        return 2\n"
REQUESTED = 0
WAITS_S = 30  # as long as the waiting call needs to be in the ledger when the bundle is made
LOOKS_MAX = 300


class Clone:
    """One clone at work for one person."""

    def __init__(self, hub: Path, folder: Path, person: str) -> None:
        """Clone the hub and wire it."""
        self.folder = folder
        home = folder.parent / f"home-{person}"
        home.mkdir()
        config = f"[user]\nname = {person}\nemail = {person}@example.invalid\n[init]\ndefaultBranch = main\n"
        (home / ".gitconfig").write_text(config, encoding="utf-8")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC", "LANG": "C.UTF-8"}
        subprocess.run(["git", "clone", "--quiet", str(hub), str(folder)], env=self.env, check=True)
        self.git("config", "gitcoord.remote", "origin")
        self.git("config", "gitcoord.agent", f"{person}/cli/wt")

    def git(self, *args: str) -> None:
        subprocess.run(["git", *args], cwd=self.folder, env=self.env, check=True, capture_output=True)

    def coord(self, *args: str, status: int = 0, text: str = "") -> dict[str, object]:
        """Run one command and return its JSON; fail where it ends otherwise than it should."""
        done = subprocess.run(
            ["gitcoord", *args, "--json"],
            cwd=self.folder,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
            input=text,
        )
        if done.returncode != status:
            sys.exit(f"gitcoord {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def commit(self, branch: str, **files: str) -> None:
        """Commit files on a branch, new or checked out already, and push it."""
        self.git("checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            path = self.folder / f"src/{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"work on {branch}")
        self.git("push", "--quiet", "origin", branch)


def start(folder: Path) -> tuple[Clone, Clone]:
    """Make a hub with a few files, and two clones of it."""
    hub = folder / "hub.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(hub)], check=True)
    ann = Clone(hub, folder / "ann", "ann")
    names = ["package.json", *(f"src/{name}.py" for name in ("prices", "router", "lists", "hot", "old"))]
    for name in [*names, *(f"src/many/{number}.py" for number in range(20))]:
        path = ann.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ROUTER if "router" in name else f"# {name}\n", encoding="utf-8")
    ann.git("checkout", "--quiet", "-B", "main")
    ann.git("add", "--all")
    ann.git("commit", "--quiet", "--message", "first")
    ann.git("push", "--quiet", "origin", "main")
    return ann, Clone(hub, folder / "bob", "bob")


def steps(ann: Clone, bob: Clone) -> None:
    """Leave a completed, a running, a failed, a recovered, a skipped and an open step, and an aborted project."""
    ann.coord("project", "create", "-", text=PLAN)
    ann.coord("step", "claim", "shop/1")
    ann.coord("step", "start", "shop/1")
    ann.commit("feat/prices", prices="PRICES = {}\n")
    ann.coord("step", "complete", "shop/1", "HEAD", "--notes", "prices are a table")
    bob.coord("step", "claim", "shop/2")
    ann.coord("step", "claim", "shop/4")
    ann.coord("step", "fail", "shop/4", "--reason", "the rates are not known")
    ann.coord("step", "claim", "shop/5")
    ann.coord("step", "recover", "shop/5")
    ann.coord("step", "skip", "shop/6", "--reason", "no labels this year")
    old = PLAN.replace("name: shop", "name: old").replace("feat/", "old/")
    ann.coord("project", "create", "-", text=old)
    ann.coord("project", "abort", "old", "--reason", "begun anew as shop")


def claims(ann: Clone, bob: Clone) -> None:
    """Leave claims of every kind, a carve, refusals, a request and a barrier."""
    ann.coord("policy", "set", "strict_read", "true")
    ann.coord("owners", "import", "-", text=OWNERS)
    ann.coord("claim", "add", "src/router.py", "--description", "the router", "--hours", "8")
    bob.coord("claim", "add", "--symbol", "src/router.py=Router::close")
    ann.coord("claim", "add", "--shared", "/package.json")
    ann.coord("claim", "add", "--module", "src/billing/**")
    bob.coord("claim", "add", "src/lists.py", "--read")
    ann.coord("claim", "add", "src/hot.py", "--no-narrow")
    for _ in range(3):
        bob.coord("claim", "add", "src/hot.py", status=1)
    ann.commit("feat/old", other="OTHER = 1\n")
    held = ann.coord("claim", "add", "src/old.py")["claim"]
    assert isinstance(held, dict)
    ann.commit("feat/old", old="OLD = 1\n")
    ann.coord("claim", "release", str(held["id"]))
    wanted = next(one["id"] for one in _rows(bob.coord("claim", "list"), "claims") if "hot" in json.dumps(one))
    bob.coord("request", "file", wanted, "--reason", "I fix the cache", "--wait", "0", status=REQUESTED)
    bob.coord("sync")
    ann.coord("sync")


def _rows(reply: dict[str, object], name: str) -> list[dict[str, str]]:
    rows = reply[name]
    assert isinstance(rows, list)
    return rows


def bundle(folder: Path, bob: Clone, target: Path) -> None:
    """Bundle the hub while a call waits in the line."""
    waits = ["gitcoord", "claim", "add", "src/hot.py", "--wait", str(WAITS_S), "--json"]
    with subprocess.Popen(waits, cwd=bob.folder, env=bob.env, stdout=subprocess.DEVNULL) as waiter:
        for _ in range(LOOKS_MAX):
            if _rows(bob.coord("queue", "list"), "queued"):
                break
            time.sleep(0.1)
        else:
            sys.exit("the waiting call never came into the ledger")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "bundle", "create", "--quiet", str(target), "--all"], cwd=folder / "hub.git", check=True)
        waiter.terminate()


def main(target: Path) -> None:
    """Work, and bundle."""
    version = subprocess.run(["gitcoord", "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ann, bob = start(folder)
        steps(ann, bob)
        claims(ann, bob)
        bundle(folder, bob, target.absolute() / version / "hub.bundle")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
