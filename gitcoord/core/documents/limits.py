"""Limits: how much of anything there may be. One table, which readers and writers ask (SAFE-8).

    what every reader takes          DOCUMENT_BYTES … MOMENT_LAST     `doc` reads and writes by them
    what a writer adds at most       CALL_PATTERNS … FILES_BYTES      the rules refuse a command beyond them

Rules:
  * SAFE-8: what a reader refuses no writer writes: both have the same number from here. A ledger stays readable for
    older versions, so a number of the first kind may grow only together with WRITER, and never shrink.
  * What a command may add is bounded so that the documents that come of it stay within what every reader takes.
    A document that is larger already stays as it is: these numbers refuse commands, not documents.

What this file does not know: documents, commands, who learns of a limit.
"""

from datetime import UTC, datetime

# What every reader takes.
DOCUMENT_BYTES = 4 * 1024 * 1024  # the command that makes a project of 10,000 steps has 3.7 MB
TEXT_CHARS = 64 * 1024  # a description longer than this belongs in a file of the repository
LINE_CHARS = 1024  # of a name or an id in it, which a sentence has as it is; as long as a pattern may be
DEPTH = 32  # levels of JSON; ours need 5, and json's own limit is the interpreter's recursion limit
INTEGER = (1 << 53) - 1  # what every JSON reader keeps exactly
REAL = 1_000_000.0  # hours and shares; as many hours are a hundred years, which any moment may be longer by
MOMENT_FIRST = datetime(2000, 1, 1, tzinfo=UTC)  # git is younger
MOMENT_LAST = datetime(9000, 1, 1, tzinfo=UTC)  # leaves a thousand years to add to before Python ends
FOLDER_ENTRIES = 20_000  # of one tree; ours have at most 1,000
LEDGER_FILES = 250_000  # a few kB of trees that name each other can unfold to billions
LEDGER_BYTES = 128 * 1024 * 1024  # of all documents of a ledger; 13 kB for each of 10,000 steps, read within a second
OWNERS_BYTES = 256 * 1024  # of a file of ownership rules: a line for each of 5,000 places
RECORD_BYTES = 8 * 1024 * 1024  # of one commit, its message or the file beside it

# What a writer adds at most.
CALL_PATTERNS = 500  # more than a policy's `max_claim_files` would be refused anyway
CALL_SYMBOLS = 1_000  # a caller that needs more of a file needs the file
CALL_SYMBOL_BYTES = 64 * 1024  # sixty characters each
PARTS = 500  # carved out of one claim, or agreed: a small file has fewer declarations
PARTS_BYTES = 512 * 1024  # of their patterns and symbols; each part is written twice, in both claims
WAITERS = 5_000  # in the line of one repository, where the policy sets no limit
STEPS = 10_000  # of one project; a hundred such fit into what one clone reads
STEP_DEPENDENCIES = 10_000  # a step that waits for all others
STEP_PATHS = 100  # as many files as a claim may cover by default
STEP_FILES = 10_000  # that a step changed; who changes more says so in its notes
STEP_FILES_BYTES = 512 * 1024  # of their names: fifty characters each
DESCRIPTION_CHARS = 2_000  # of a claim; others see the first 200 of them in a conflict
NOTES_CHARS = 16_000  # of a step; more belongs into the commit's message
REASON_CHARS = 2_000  # of a request; the holder reads them in a notice
