"""Documents: how one is read and written, and what steps and claims share: names, outcomes, liveness, the policy."""
