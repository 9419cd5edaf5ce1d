"""What a clone has of a remote on another machine: objects, and what of them is known to be whole."""
