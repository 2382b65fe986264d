"""The other libraries at the same work, used as their manuals show, each in its environment."""
