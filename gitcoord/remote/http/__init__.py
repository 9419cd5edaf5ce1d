"""git's wire protocol over http: packets, packs, and the connection that they travel on."""
