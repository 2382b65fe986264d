// Apollo Client, whose cache merges pages by its own relayStylePagination.

import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { relayStylePagination } from "@apollo/client/utilities";

import { Feed, within } from "../board.mjs";
import { playWith } from "./scenarios.mjs";

const ARTICLES = gql`query Articles($first: Int, $after: String, $last: Int, $before: String) {
  articles(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id place } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;
const NONE = { first: null, after: null, last: null, before: null };

async function open(variables) {
  const client = new ApolloClient({
    link: new HttpLink({ uri: `${process.env.BOARD_URL}/graphql/` }),
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { articles: relayStylePagination() } } },
    }),
  });
  const query = client.watchQuery({ query: ARTICLES, variables });
  const results = new Feed();
  query.subscribe({
    next: ({ data, error, loading }) => {
      if (error) results.push({ error });
      else if (!loading) results.push({ articles: data.articles });
    },
  });
  // What a component that watches the query shows.
  let shown;
  const next = async () => {
    const { articles, error } = await results.take("a result of the watched query");
    if (error) throw error;
    shown = articles;
  };
  await next();
  const more = async (asked) => {
    await within(query.fetchMore({ variables: { ...NONE, ...asked } }), "a page");
    await next();
  };
  return {
    seen: () => shown,
    forwards: (count) => more({ first: count, after: shown.pageInfo.endCursor }),
    backwards: (count) => more({ last: count, before: shown.pageInfo.startCursor }),
  };
}

await playWith(open);
