// What Relay's compiler reads, against the board's published schema.

const { graphql } = require("relay-runtime");

graphql`
  query operationsCardQuery($id: ID!) {
    card(id: $id) {
      id
      title
      labels {
        id
        name
      }
    }
  }
`;

graphql`
  mutation operationsRenameMutation($id: ID!, $title: String!) {
    cardPatch(id: $id, data: { title: $title }) {
      id
      title
    }
  }
`;

graphql`
  subscription operationsActivitySubscription($board: Int!) {
    cardActivity(board: $board) {
      action
      id
      data {
        id
        title
      }
    }
  }
`;
