"""Steps: planning, taking, reporting and reading them."""
