"""Commands for work: projects, steps and their plans."""
