"""Claims: leases on paths and symbols, requests and the queue, and the table that ties each command to its rule."""
