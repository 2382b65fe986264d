"""
Labels as a subgraph of a federation, beside products that another service owns.

    python -m pytest tests/examples/test_extending.py

`docs/extending.md` shows this file.
"""

from __future__ import annotations

from typing import Any

# [subgraph]
from ariadne.contrib.federation import FederatedObjectType
from graphql import GraphQLResolveInfo

from dcrf_graph.routers import Router
from examples.extended import LabelConsumer

type_defs = """
type Product @key(fields: "sku") {
  sku: ID!
  labels: [Label!]!
}
"""

product = FederatedObjectType("Product")


@product.reference_resolver
def reference(entity: Any, info: GraphQLResolveInfo, found: dict[str, Any]) -> dict[str, Any]:
    return found


@product.field("labels")
async def labels(row: dict[str, Any], info: GraphQLResolveInfo) -> list[Any]:
    reply = await info.context["streams"].call("labels", "list", {})
    return [label for label in reply.data if label["name"] in row["sku"]]


router = Router(type_defs, [product], federation=True)
router.register("labels", LabelConsumer)
# [end]
