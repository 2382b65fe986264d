// What does not compile: `tsc` fails where a line below is *not* an error. Nothing of it is run.

import { graphql } from "../generated/gql/index.js";
import { CreateCardDocument, type CreateCardMutationVariables } from "../generated/operations.js";
import type { Native } from "./native.js";

export async function native(client: Native) {
  // @ts-expect-error no such stream
  await client.call("trucks", "list", {});
  // @ts-expect-error no such action
  await client.call("cards", "fly", {});
  // @ts-expect-error an argument is missing
  await client.call("cards", "move", { pk: 1 });
  // @ts-expect-error of another type
  await client.call("cards", "move", { pk: 1, column: "two" });
  // @ts-expect-error no such argument
  await client.call("cards", "move", { pk: 1, column: 2, colour: "red" });
  // @ts-expect-error no such choice
  await client.call("cards", "patch", { pk: 1, data: { status: "late" } });
  // @ts-expect-error it is no number
  (await client.call("cards", "retrieve", { pk: 1 })).data.title.toFixed();
  // @ts-expect-error it may be null
  (await client.call("cards", "retrieve", { pk: 1 })).data.due.length;
  // @ts-expect-error it subscribes nothing
  await client.watch("cards", "move", { pk: 1, column: 2 });
}

export function typed() {
  // @ts-expect-error a required field is missing
  const variables: CreateCardMutationVariables = { data: { title: "Untitled" } };
  // @ts-expect-error it is text
  variables.data.estimate = 1.5;
  // @ts-expect-error it has no such field
  const colour = (document: typeof CreateCardDocument) => document.__apiType?.(variables).cardCreate?.colour;
  return [colour, graphql];
}
