"""An application that has one of everything: its schema is read, and compared, as a whole."""
