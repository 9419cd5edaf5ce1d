"""The place to coordinate: choosing it, following it, and one poller for all sessions."""
