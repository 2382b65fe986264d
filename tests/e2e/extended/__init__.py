"""The board with more addresses: files, a multiplexer, events for readers who stop reading.

`python -m tests.e2e.extended` serves it; the environment is the board's.
"""
