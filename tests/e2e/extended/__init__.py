"""The board with two more addresses, which its example does not need: files, and a multiplexer.

`python -m tests.e2e.extended` serves it; the environment is the board's.
"""
