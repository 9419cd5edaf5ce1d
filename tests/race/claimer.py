"""One process of a race for files: in each round it claims one file that all others want too.

    python claimer.py '{"cwd": …, "name": …, "rounds": 200}'

It prints "ready", waits for a line on its standard input, and ends with one JSON line: the rounds it won, with fences.
"""

import json
import os
import sys
from pathlib import Path

from gitcoord.core.claim_commands import ClaimFiles, ReleaseClaims, Wish
from gitcoord.runtime import open_workspace


def main(options: dict[str, str]) -> None:
    """Claim, and give back what was won in every other round."""
    env = {**os.environ, "GITCOORD_AGENT": f"race/cli/{options['name']}"}
    workspace = open_workspace(Path(options["cwd"]), env, tool="race")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    won: dict[int, int] = {}
    for at in range(int(options["rounds"])):
        drawn = f"c-{workspace.setting.host.draw_id()[:8]}"
        call = ClaimFiles(claim_id=drawn, wishes=(Wish(pattern=f"file{at}.py"),))
        reply = workspace.submit(call, workspace.actor(), None)
        assert reply.outcome is not None
        if reply.outcome.is_done:
            won[at] = int(str(reply.outcome.facts["fence"]))
    workspace.submit(ReleaseClaims(ids=("c-none",)), workspace.actor(), None)
    sys.stdout.write(json.dumps(won) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
