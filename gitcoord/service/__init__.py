"""Use cases: one function for each thing that an agent or a person can do. Faces render what they return."""
