"""What people send, checked: one model a kind of file, mistakes named in our words, and a schema for editors."""
