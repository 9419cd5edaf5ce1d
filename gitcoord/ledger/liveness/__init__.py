"""Liveness: heartbeats and clocks, and what they show of each holder."""
