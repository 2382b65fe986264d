// What both clients are asked to do. A client's `open(variables)` resolves with a list: `seen()` is
// what its cache holds of it, `forwards(count)` and `backwards(count)` load more to either end.

import { play } from "../board.mjs";

const SIZE = 5;

// What an application sees of a connection.
const view = ({ edges, pageInfo }) => ({
  places: edges.map(({ node }) => node.place),
  ids: edges.map(({ node }) => node.id),
  ends: [edges[0]?.cursor, edges.at(-1)?.cursor],
  pageInfo: {
    hasNextPage: pageInfo.hasNextPage,
    hasPreviousPage: pageInfo.hasPreviousPage,
    startCursor: pageInfo.startCursor,
    endCursor: pageInfo.endCursor,
  },
});

export async function playWith(open) {
  const steps = async (list, ...directions) => {
    const seen = [view(list.seen())];
    for (const direction of directions) {
      await list[direction](SIZE);
      seen.push(view(list.seen()));
    }
    return seen;
  };
  await play({
    forwards: async () => steps(await open({ first: SIZE }), ...Array(4).fill("forwards")),
    backwards: async () => steps(await open({ last: SIZE }), ...Array(4).fill("backwards")),
    middle: async () => {
      const { pageInfo } = view((await open({ first: 9 })).seen());
      const list = await open({ first: SIZE, after: pageInfo.endCursor });
      return steps(list, "backwards", "forwards", "backwards", "forwards");
    },
  });
}
