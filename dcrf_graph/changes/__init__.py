"""
From a committed change of a row to the subscriptions that want to hear of it.

    capture (in the savepoint) -> Change -> net change at the outermost commit
      -> publish -> hub -> each subscription's own queue

This room knows Django and Channels. It knows no consumer, no serializer and no
protocol: an observer is to it a ``Source`` that names groups and makes messages.
"""
