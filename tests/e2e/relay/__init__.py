"""Cursor pagination as connections, asked for by Apollo Client and Relay."""
