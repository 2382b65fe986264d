"""One suite, one client per wire protocol: whatever one is answered, the others are, too."""
