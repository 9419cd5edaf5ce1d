"""The documentation as a site, built and checked."""
