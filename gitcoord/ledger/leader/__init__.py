"""The leader: of the processes of one clone, one sends the batch of all that wait."""
