"""The checks of `gitcoord doctor`: each a small function that looks at one thing and says what to do.

`check_run` has what a check is, `site` what checks look at; each other module has those of one subject.
"""
