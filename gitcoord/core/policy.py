"""Policy: what a whole team decided about the rules. Lives in `refs/coord/config` as `policy.json`."""

from dataclasses import dataclass

from gitcoord.core.doc import Doc


@dataclass(frozen=True, kw_only=True)
class Policy(Doc):
    """The switches.

    Attributes:
        auto_recover: a claim takes over a stale step when nothing else is available.
        strict_complete: completing is refused, not only warned about, when the commit is not on the step's
            branch or changed files lie outside the step's paths.
        require_pushed: completing is refused until the commit is on a branch of the remote; `None` means:
            while another clone is live.
    """

    auto_recover: bool = True
    strict_complete: bool = False
    require_pushed: bool | None = None
