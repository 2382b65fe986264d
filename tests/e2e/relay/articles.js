// What Relay's compiler reads. The program takes the artifacts, so nothing here is run.

const { graphql } = require("relay-runtime");

graphql`
  query articlesQuery($first: Int, $after: String, $last: Int, $before: String) {
    ...articles_list @arguments(first: $first, after: $after, last: $last, before: $before)
  }
`;

graphql`
  fragment articles_list on Query
  @refetchable(queryName: "articlesPageQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  ) {
    articles(first: $first, after: $after, last: $last, before: $before)
      @connection(key: "articles_list_articles") {
      edges {
        cursor
        node {
          id
          place
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`;
