"""The dialogue: two agents want one file, and settle it over MCP.

    holder   claims the file ───────────────────────── edits, releases ── asks for it ········· edits, releases
    asker      gets one function of it, edits, returns it │            │            │           │
               asks for the file: refused; waits in line ─┘            └─ edits ────┴─ approves ┘

Neither waits for a while and hopes. Each goes on when the ledger says that the other has come so far: it blocks in the
line or for an answer, or looks again until an agent is in line or asks.

The holder claims the file before the asker is sent; all that is said between them is in the ledger.
"""

import threading
from collections.abc import Callable

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import ContendedError
from gitcoord.faces.demo.client import Client
from gitcoord.faces.demo.git import Worktree
from gitcoord.faces.demo.plan import CART, DISCOUNT, RECEIPT, SYMBOL, TITLE, TOTAL, Edit

Answer = dict[str, Json]
PATTERN = f"/{CART}"
CLAIMS = "coord://claims"
LOOK_S = 0.2  # between two looks at what the other does
LOOKS_MAX = 300  # a minute and more, within which the other's server starts on a machine that is busy
CALL_S = 45  # what a call that waits may block
WAIT_S = 600  # what a call may wait in all
CALLS_MAX = 4  # calls that go on waiting


class Dialogue:
    """One side of it."""

    def __init__(self, client: Client, worktree: Worktree, branch: str, tell: Callable[[str, Answer], None]) -> None:
        """Begin with nothing. `branch`: where the file's edits go, one on top of the other."""
        self._client = client
        self._worktree = worktree
        self._branch = branch
        self._tell = tell
        self._held = ""

    def hold(self) -> None:
        """Claim the file, as the holder, before the other is there."""
        self._take(self._claim(patterns=[PATTERN], description="tidy up the cart"))
        self._say(f"claims {CART}")

    def be_holder(self) -> None:
        """Release it when an agent waits, and ask to have it back."""
        self._until("waits in line", lambda: self._client.read(CLAIMS).get("queued"))
        self._edit(TOTAL)
        self._release()
        refused = self._claim(patterns=[PATTERN])
        claim_in_the_way = str(_in_the_way(refused).get("claim_id"))
        answer = self._client.call(
            "request_release", claim_id=claim_in_the_way, reason="One line is left.", wait_seconds=CALL_S
        )
        for _ in range(CALLS_MAX):
            request = answer.get("request")
            if not isinstance(request, dict) or request.get("decision") != "pending":
                break
            answer = self._client.call("wait_for_request", request_id=request["id"], timeout=CALL_S)
        self._take(answer)
        self._say(f"asked for {CART} and has it from the hands of {_agent_in_the_way(refused)}")
        self._edit(TITLE)
        self._release()

    def be_asker(self) -> None:
        """Get a function of the file, then all of it; give it up when asked."""
        self._take(self._claim(symbols={CART: [SYMBOL]}, description="ten per cent off"))
        self._say(f"gets {SYMBOL} out of {CART}, which another holds")
        self._edit(DISCOUNT)
        self._release()
        refused = self._claim(patterns=[PATTERN])
        self._say(f"is refused all of {CART}: {_agent_in_the_way(refused)} holds it; waits in line")
        answer = self._claim(patterns=[PATTERN], description="print prices", wait_seconds=WAIT_S)
        for _ in range(CALLS_MAX):
            if not answer.get("waiting"):
                break
            answer = self._client.call("claim_files", queue_id=answer.get("queue_id"))
        self._take(answer)
        self._say(f"is granted {CART} as the next in line")
        self._edit(RECEIPT)
        row = self._until("asks for a release", lambda: self._client.call("pending_requests").get("pending"))
        self._client.call("respond_to_request", request_id=str(row["id"]), decision="approved", note="It is in.")
        self._say(f"is asked for {CART} and approves")

    def _say(self, text: str) -> None:
        self._tell("said", {"text": text})

    def _claim(self, **arguments: Json) -> Answer:
        answer = self._client.call("claim_files", branch=self._branch, **arguments)
        if answer.get("refused"):
            self._tell("refused", {"code": answer["refused"], "why": answer.get("why")})
        return answer

    def _take(self, answer: Answer) -> None:
        claim = answer.get("claim")
        if not isinstance(claim, dict):
            message = f"{CART} was not granted: {answer.get('why') or answer.get('next_step')}"
            raise ContendedError(message)
        self._held = str(claim["id"])

    def _release(self) -> None:
        self._client.call("release_claims", claim_ids=[self._held])

    def _edit(self, edit: Edit) -> None:
        """Do one edit on top of the others', and push it."""
        if self._worktree.fetch(self._branch):
            self._worktree.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
        file = self._worktree.folder / CART
        file.write_text(edit.done_to(file.read_text(encoding="utf-8")), encoding="utf-8")
        self._worktree.commit(edit.title, self._branch)

    def _until(self, what: str, look: Callable[[], Json]) -> Answer:
        """Look until there is a row, and return the first."""
        pause = threading.Event()
        for _ in range(LOOKS_MAX):
            rows = look()
            if isinstance(rows, list) and rows and isinstance(rows[0], dict):
                return rows[0]
            pause.wait(LOOK_S)
        message = f"No agent {what}: {CART}."
        raise ContendedError(message)


def _in_the_way(refused: Answer) -> Answer:
    conflicts = refused.get("conflicts")
    first = conflicts[0] if isinstance(conflicts, list) and conflicts else None
    if refused.get("granted") or not isinstance(first, dict):
        message = f"{CART} was to go to another agent, and did not."
        raise ContendedError(message)
    return first


def _agent_in_the_way(refused: Answer) -> str:
    return str(_in_the_way(refused).get("agent"))
