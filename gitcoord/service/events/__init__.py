"""Events of the ledgers: what is new after a position, a cursor that names all positions, and when there is news."""
