"""The watch: beats, edits and ends of a session, and what needs attention."""
