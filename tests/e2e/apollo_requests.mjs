// What Apollo Client sends over HTTP besides plain JSON: files, and documents by their hash.

import { createHash } from "node:crypto";

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";

import { BOARD_URL, play } from "./board.mjs";

const MEASURE = gql`mutation Measure($files: FilesInput!) { fileMeasure(files: $files) }`;
const LABELS = gql`query LabelNames { labels { name } }`;

const codes = (error) => (
  CombinedGraphQLErrors.is(error) ? error.errors.map(({ extensions }) => extensions.code) : String(error));

async function uploads() {
  const connect = (headers) => new ApolloClient({
    cache: new InMemoryCache(), link: new UploadHttpLink({ uri: `${BOARD_URL}/files/`, headers }),
  });
  const client = connect({ "apollo-require-preflight": "true" });
  const file = (text, name) => new File([text], name, { type: "text/plain" });
  const measure = (who, files) => who.mutate({ mutation: MEASURE, variables: { files } })
    .then(({ data }) => data.fileMeasure, codes);
  const seen = {
    one: await measure(client, { first: file("A word.", "word.txt") }),
    several: await measure(client, {
      first: file("Ä", "a.txt"), more: [file("two", "b.txt"), file("three", "c.txt")],
    }),
    none: await measure(client, { first: "no file" }),
    simple: await measure(connect({}), { first: file("A word.", "word.txt") }),
  };
  client.stop();
  return seen;
}

async function persisted() {
  const requests = [];
  const counted = async (url, options) => {
    const response = await fetch(url, options);
    const body = options.body ? JSON.parse(options.body) : { get: String(url).includes("query=") };
    requests.push({
      method: options.method, document: Boolean(body.query) || body.get === true, status: response.status,
    });
    return response;
  };
  const link = ApolloLink.from([
    new PersistedQueryLink({
      sha256: (document) => createHash("sha256").update(document).digest("hex"), useGETForHashedQueries: true,
    }),
    new HttpLink({ uri: `${BOARD_URL}/graphql/`, fetch: counted }),
  ]);
  const ask = async () => {
    const client = new ApolloClient({ cache: new InMemoryCache(), link });
    const { data } = await client.query({ query: LABELS });
    client.stop();
    return data.labels.length;
  };
  return { first: await ask(), second: await ask(), requests };
}

await play({ uploads, persisted });
