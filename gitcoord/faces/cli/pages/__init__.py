"""Pages of HTML: the report of `metrics`, and the panels of the dashboard."""
