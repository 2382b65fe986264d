"""The board's streams, under the names that both protocols know them by."""

from __future__ import annotations

from dcrf_graph.consumers import view_as_consumer
from dcrf_graph.routers import Router
from examples.board.consumers import (
    ActivityConsumer,
    BoardConsumer,
    CardConsumer,
    ChatConsumer,
    ColumnConsumer,
    CommentConsumer,
    LabelConsumer,
    UserConsumer,
)
from examples.board.views import StatsView

router = Router()
router.register("users", UserConsumer)
router.register("boards", BoardConsumer)
router.register("columns", ColumnConsumer)
router.register("labels", LabelConsumer)
router.register("cards", CardConsumer)
router.register("comments", CommentConsumer)
router.register("chat", ChatConsumer, singular="chat")
router.register("activities", ActivityConsumer)
router.register("stats", view_as_consumer(StatsView.as_view(), {"list": "GET"}), singular="stat")
