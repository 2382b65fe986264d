// Relay's store, with what its compiler made of articles.js. Its loadNext and loadPrevious are hooks
// of React; here are the steps that they take, by the same functions of the runtime.

import { createRequire } from "node:module";

import relay from "relay-runtime";

import { within } from "../board.mjs";
import { playWith } from "./scenarios.mjs";

const {
  Environment, Network, RecordSource, Store, createOperationDescriptor, fetchQuery,
  getPaginationMetadata, getPaginationVariables, getSelector,
} = relay;
const require = createRequire(import.meta.url);
const QUERY = require("./generated/artifacts/articlesQuery.graphql.js");
const LIST = require("./generated/artifacts/articles_list.graphql.js");

async function ask({ text, name }, variables) {
  const response = await fetch(`${process.env.BOARD_URL}/graphql/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: text, operationName: name, variables }),
  });
  return response.json();
}

async function open(variables) {
  const environment = new Environment({
    network: Network.create(ask), store: new Store(new RecordSource()),
  });
  const operation = createOperationDescriptor(QUERY, variables);
  environment.retain(operation);
  const load = (query, asked) => within(fetchQuery(environment, query, asked).toPromise(), "a page");
  await load(QUERY, variables);

  const selector = () => getSelector(LIST, environment.lookup(operation.fragment).data);
  const seen = () => {
    const { data, isMissingData } = environment.lookup(selector());
    if (isMissingData) throw new Error(`the store lacks some of ${JSON.stringify(data)}`);
    return data.articles;
  };
  const { paginationRequest, paginationMetadata } = getPaginationMetadata(LIST, "the program");
  const more = (direction, count, cursor) => {
    const base = { ...variables, ...selector().variables };
    return load(
      paginationRequest,
      getPaginationVariables(direction, count, cursor, base, {}, paginationMetadata),
    );
  };
  return {
    seen,
    forwards: (count) => more("forward", count, seen().pageInfo.endCursor),
    backwards: (count) => more("backward", count, seen().pageInfo.startCursor),
  };
}

await playWith(open);
