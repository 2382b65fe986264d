"""The limits, and this library: applications that run in the project's own environment."""
