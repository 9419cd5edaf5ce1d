"""The table of all parsers that are fuzzed."""

from collections.abc import Sequence

from tests.fuzz import input_targets, ledger_targets, protocol_targets
from tests.fuzz.fuzzer import Target

TARGETS: Sequence[Target] = (*protocol_targets.TARGETS, *ledger_targets.TARGETS, *input_targets.TARGETS)
