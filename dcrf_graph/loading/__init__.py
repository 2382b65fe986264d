"""
What a serializer reads from its rows, loaded in a constant number of queries.

``needs`` says what a serializer reads, ``rows`` loads it, ``representation``
does both when a serializer is about to write, and leaves out what nobody
selected. Knows Django and serializers; knows no consumer and no GraphQL.

Nothing in here changes what is written. Where it is not certain that a row
would look the same, it is left as it is.

Source: docs/decisions/0007-loading-by-what-serializers-read.md
"""
