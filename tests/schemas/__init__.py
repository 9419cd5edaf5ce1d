"""What is published as JSON Schema: that it is what we write, by another validator, and that the pages have it."""
