"""Checks: what a push or a branch brings, judged against claims and steps; and what needs attention."""
