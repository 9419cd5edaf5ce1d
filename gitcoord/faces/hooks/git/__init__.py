"""Git's hooks, by git's names for them."""
