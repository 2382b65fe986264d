"""Django's management commands, as the tests need them."""
