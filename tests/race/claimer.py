"""One process of a race for files: in each round it claims one file that all others want too, or one of its own.

    python claimer.py '{"cwd": …, "name": …, "rounds": 200, "own": ""}'

It prints "ready", waits for a line on its standard input, and ends with one JSON line: the rounds it won, with fences.
With `own` the files are its own, and a round that breaks is in the line with its error instead of a fence.
"""

import json
import os
import sys
from pathlib import Path

from gitcoord.core.claims.claim_commands import ClaimFiles, ReleaseClaims, Wish
from gitcoord.errors import CoordError
from gitcoord.runtime import open_workspace


def main(options: dict[str, str]) -> None:
    """Claim, and give back what was won in every other round."""
    env = {**os.environ, "GITCOORD_AGENT": f"race/cli/{options['name']}"}
    workspace = open_workspace(Path(options["cwd"]), env, tool="race")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    own = options.get("own", "")
    won: dict[int, int | str] = {}
    for at in range(int(options["rounds"])):
        drawn = f"c-{workspace.setting.host.draw_id()[:8]}"
        call = ClaimFiles(claim_id=drawn, wishes=(Wish(pattern=f"{own}file{at}.py"),))
        try:
            reply = workspace.submit(call, workspace.actor(), None)
        except CoordError as error:
            if not own:
                raise
            won[at] = f"[{error.code}] {error}"
            continue
        assert reply.outcome is not None
        if reply.outcome.is_done:
            won[at] = int(str(reply.outcome.facts["fence"]))
    if not own:
        workspace.submit(ReleaseClaims(ids=("c-none",)), workspace.actor(), None)
    sys.stdout.write(json.dumps(won) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
