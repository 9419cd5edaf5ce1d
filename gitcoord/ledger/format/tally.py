"""The tally of one reading: what the documents of a ledger have together, and which of them cannot be read.

Rules:
  * SEC-4: it is looked at while documents are read, so what is too large together is not read to its end.
  * Reading all of a ledger and reading what changed give the same sum; so do writers (SAFE-8).

What this file does not know: how a document is read.
"""

from dataclasses import dataclass

from gitcoord.core.documents import limits
from gitcoord.errors import DocumentError


@dataclass(slots=True)
class Tally:
    """Attributes: the sum, why files cannot be read, by path; and how much was read for it."""

    size_bytes: int
    left_out: dict[str, DocumentError]
    read_bytes: int = 0

    def replace(self, before_bytes: int, after_bytes: int) -> None:
        """Count a document that changed; all that is read is in the ledger, so it may not be more than that.

        Raises:
            DocumentError: the ledger is too large.
        """
        self.size_bytes += after_bytes - before_bytes
        self.read_bytes += after_bytes
        _check(self.read_bytes)

    def check(self) -> None:
        """Look at the sum, when everything was counted.

        Raises:
            DocumentError: the ledger is too large.
        """
        _check(self.size_bytes)


def _check(size_bytes: int) -> None:
    if size_bytes > limits.LEDGER_BYTES:
        message = f"it is too large: its documents have more than {limits.LEDGER_BYTES} bytes."
        raise DocumentError(message)
