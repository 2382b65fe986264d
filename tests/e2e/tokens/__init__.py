"""The board for clients with tokens, of which it also gives out some.

`python -m tests.e2e.tokens` serves it; the environment is the board's.
"""
