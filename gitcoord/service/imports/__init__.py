"""Imports: taking over what another tool had."""
