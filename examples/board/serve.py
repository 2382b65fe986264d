"""Brings the board up: its tables, its first cards, what to try, and a server until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys

import uvicorn

WELCOME = """
  One board, two protocols
  {line}
  The page        {http}/
  GraphQL         {http}/graphql/
  WebSocket       {ws}/ws/         native streams, or GraphQL by subprotocol
                  {ws}/ws/cards/   the cards alone, native
  Health          {http}/health/

  Log in as       {users}
                  Visitors read the public board and move its cards.

  Open the page and move a card on one side. Then, without the page:

  a native frame  python -m websockets {ws}/ws/
                  {frame}

  GraphQL         curl -s {http}/graphql/ -H 'content-type: application/json' \\
                    -d '{query}'

  Ctrl-C ends it.
"""
FRAME = (
    '{"stream": "cards", "payload": {"action": "move", "request_id": 1, "pk": %d, "column": %d}}'
)
QUERY = (
    '{"query": "{ cards(limit: 3) { count results { id title status assignee { username } } } }"}'
)


def main(arguments: list[str]) -> None:
    """Migrate, seed, say what to try, serve."""
    parser = argparse.ArgumentParser(prog="python -m examples.board", description=__doc__)
    port = int(os.environ.get("PORT", "8000"))
    parser.add_argument("--port", type=int, default=port, help=f"now {port}; also PORT")
    parser.add_argument("--host", default="127.0.0.1", help="only this machine, unless you say so")
    options = parser.parse_args(arguments)

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.board.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    welcome = describe(options.host, options.port)
    config = uvicorn.Config(
        "examples.board.asgi:application",
        host=options.host,
        port=options.port,
        lifespan="off",
        log_level="warning",
        # A client that does not leave by itself is left.
        timeout_graceful_shutdown=3,
    )
    # Before anything is promised: code that does not load, and a port in use, get no welcome.
    config.load()
    socket = config.bind_socket()
    print(welcome, flush=True)
    try:
        uvicorn.Server(config).run(sockets=[socket])
    except KeyboardInterrupt:
        pass
    finally:
        socket.close()
    sys.stdout.write("\n")


def describe(host: str, port: int) -> str:
    """Seed, and say where everything is."""
    from examples.board.models import Card, Column
    from examples.board.seed import PASSWORDS, seed

    board, *_ = seed()
    card = Card.objects.filter(board=board).first()
    column = Column.objects.filter(board=board).last()
    return WELCOME.format(
        line="-" * 24,
        http=f"http://{host}:{port}",
        ws=f"ws://{host}:{port}",
        users=" or ".join(f"{name} / {password}" for name, password in PASSWORDS.items()),
        frame=FRAME % (card.pk if card else 1, column.pk if column else 1),
        query=QUERY,
    )
