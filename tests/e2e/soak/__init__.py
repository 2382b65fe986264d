"""Clients that are killed at random moments, and what the server keeps of them: nothing."""
