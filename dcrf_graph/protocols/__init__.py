"""
The protocols of the wire as state machines: text in, effects out.

Nothing here is awaited, and nothing here knows a socket, Django or a consumer, so that every rule
of a protocol is tested in memory. Whoever owns the socket feeds what arrives to a machine and
carries out, in order, the effects that come back.

Source: docs/decisions/0002-protocols-without-io.md, and
docs/decisions/0017-any-input-is-generated-and-counted.md for how they are tried.
"""
