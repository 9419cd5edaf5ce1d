"""What all commands of the line share: where they were started, their options and calls, and what they write."""
