"""Django's management commands of this library."""
