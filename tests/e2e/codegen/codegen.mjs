// What graphql-codegen makes of the published schema: its types, the documents of the `.graphql`
// files with theirs, and the client preset for operations that stand in the code.

const config = {
  emitLegacyCommonJSImports: false,
  useTypeImports: true,
  scalars: { Date: "string", DateTime: "string", Decimal: "string" },
};

export default {
  schema: "../../../schema/board.graphql",
  generates: {
    "generated/schema.ts": {
      plugins: ["typescript"],
      config: { ...config, enumsAsTypes: true },
    },
    "generated/operations.ts": {
      documents: "programs/*.graphql",
      plugins: ["typescript-operations", "typed-document-node"],
      config,
    },
    "generated/gql/": {
      documents: "programs/*.ts",
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config,
    },
  },
};
