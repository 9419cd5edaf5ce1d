"""What happened, counted: by repository, day and agent."""
