"""
A task board: one set of consumers, two protocols.

Source: the manual's consumers are the ones in here. `python -m examples.board` serves it.
"""
