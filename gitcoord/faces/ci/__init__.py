"""The face for CI: `gitcoord verify`, what it knows of each CI, and the formats that they read."""
