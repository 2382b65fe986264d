import { composeServices } from "@apollo/composition";
import { parse } from "graphql";
import { readFileSync } from "node:fs";

const subgraphs = JSON.parse(readFileSync(0, "utf8"));
const services = Object.entries(subgraphs).map(([name, sdl]) => ({
  name,
  url: `http://${name}.test/graphql/`,
  typeDefs: parse(sdl),
}));
const { errors, hints, supergraphSdl } = composeServices(services);
console.log(
  JSON.stringify({
    errors: (errors ?? []).map((error) => error.message),
    hints: (hints ?? []).map((hint) => hint.message),
    supergraph: supergraphSdl ?? null,
  }),
);
