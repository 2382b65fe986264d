"""
What is published of a router: contracts that frontends and other services are built on.

Each contract is a text that is made from the router alone, the same on every
run, so a file of it in a repository can be compared with the code.
"""
