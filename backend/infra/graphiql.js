"use strict";

// The workbench's own script: everything it loads and asks comes from the page's own origin.
// GraphiQL's dialogs add a style element, which the page's policy allows with this nonce only.
window.__webpack_nonce__ = document.currentScript.nonce;

const example = document.getElementById("example").content.textContent.trim();

const fetcher = GraphiQL.createFetcher({
  url: "/graphql",
  headers: { "x-client-name": "graphiql" },
});

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(
    GraphiQL,
    {
      fetcher,
      defaultQuery: example,
      defaultEditorToolsVisibility: false,
      // A token typed into the headers pane must not outlive the tab.
      shouldPersistHeaders: false,
    },
    React.createElement(GraphiQL.Logo, null, "باشگاه"),
  ),
);
