"""What carries the protocols: the Channels WebSocket consumer, and the Django view for HTTP."""
