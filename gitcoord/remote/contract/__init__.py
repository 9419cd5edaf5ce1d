"""The contract: what every transport can do, and what all of them agree on."""
