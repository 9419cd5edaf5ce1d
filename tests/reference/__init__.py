"""What commands and tools there are, as pages of `docs/`, written from the parser and from the table of tools."""
