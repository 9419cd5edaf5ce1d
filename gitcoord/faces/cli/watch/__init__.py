"""`gitcoord watch`: a live screen for people, lines for screen readers, and a stream of events for programs."""
