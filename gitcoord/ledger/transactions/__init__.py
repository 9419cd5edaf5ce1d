"""Transactions: from commands to the swap of refs, tried until each has its outcome."""
