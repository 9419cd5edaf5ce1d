"""A git for tests whose remotes hang when a test says so, and that counts how often it is asked for one.

git = HangingGit(tmp_path / "bin")
program(…, env=git.env)
with git.hanging(after=1):      one call to a remote is answered, and no further one
git.unanswered()                the words of the calls that were not
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCRIPT = """\
#!/bin/sh
for word; do
  case "$word" in
    fetch | push | ls-remote)
      echo "$word" >>'{log}'
      if [ -e '{most}' ] && [ "$(wc -l <'{log}')" -gt "$(cat '{most}')" ]; then exec sleep 100; fi
      break ;;
  esac
done
exec '{git}' "$@"
"""


class HangingGit:
    """The program, in a folder of its own; remotes answer, but for `hanging`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._log, self._most, self._before = folder / "log", folder / "most", 0
        self._log.touch()
        script = _SCRIPT.format(log=self._log, most=self._most, git=shutil.which("git"))
        (folder / "git").write_text(script)
        (folder / "git").chmod(0o755)
        self.env = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    @contextmanager
    def hanging(self, *, after: int = 0) -> Iterator[None]:
        """Within the block remotes hang, once so many more calls were answered."""
        self._before = len(self._log.read_text().splitlines()) + after
        self._most.write_text(str(self._before))
        try:
            yield
        finally:
            self._most.unlink()

    def unanswered(self) -> tuple[str, ...]:
        """Return the words of the calls that were not answered."""
        return tuple(self._log.read_text().splitlines()[self._before :])
