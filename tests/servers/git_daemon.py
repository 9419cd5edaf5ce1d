"""git:// as `git daemon` serves it, with pushes allowed."""

from pathlib import Path

from tests.servers.daemons import Daemon, free_port, need, port_answers, server_env


class GitDaemon:
    """Serves the repositories in `<folder>/root`."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.port = free_port()
        options = ["--reuseaddr", "--export-all", "--enable=receive-pack", "--informative-errors"]
        where = ["--listen=127.0.0.1", f"--port={self.port}", f"--base-path={self.root}"]
        self._daemon = Daemon(
            [need("git"), "daemon", *options, *where],
            folder=folder,
            env=server_env(folder),
            ready=port_answers(self.port),
        )

    def url(self, name: str) -> str:
        return f"git://127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        self._daemon.stop()
