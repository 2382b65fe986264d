"""What the demo answers over HTTP, asked by clients from npm and under every ASGI server."""
