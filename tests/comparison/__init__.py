"""The same frames sent to upstream's wheel and to this library, and the replies compared."""
