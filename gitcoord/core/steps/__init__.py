"""Steps: projects, their dependency graph, and the table that ties each command to its rule."""
