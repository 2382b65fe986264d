// The audit suite of GraphQL over HTTP, by the authors of the specification, against the board.

import { serverAudits } from "graphql-http";

import { play } from "../board.mjs";

const URL = `${process.env.BOARD_URL}/graphql/`;

async function audits() {
  const results = [];
  for (const audit of serverAudits({ url: URL })) {
    const { id, name, status, reason } = await audit.fn();
    results.push({ id, name, status, ...(reason && { reason }) });
  }
  return results;
}

await play({ audits });
