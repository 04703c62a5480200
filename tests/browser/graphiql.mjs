// Opens the workbench, runs its example query, and prints what was seen as JSON.
import { visiting } from "./chromium.mjs";

const { chromium, origin, screenshot } = JSON.parse(process.argv[2]);

const seen = await visiting(chromium, async (page, report) => {
  await page.goto(`${origin}/graphiql`);
  await page.locator(".graphiql-query-editor .CodeMirror").waitFor();
  report.title = await page.title();
  report.query = await page
    .locator(".graphiql-query-editor .CodeMirror")
    .evaluate((editor) => editor.CodeMirror.getValue());

  const answer = page.waitForResponse(
    (response) => (response.request().postData() ?? "").includes("StoresNearShiraz"),
  );
  await page.locator(".graphiql-execute-button").click();
  const request = (await answer).request();
  report.clientName = await request.headerValue("x-client-name");
  await page.locator(".result-window", { hasText: "nearbyStores" }).waitFor();
  report.result = JSON.parse(
    await page
      .locator(".result-window .CodeMirror")
      .evaluate((viewer) => viewer.CodeMirror.getValue()),
  );

  // The panes that bring their own markup and styles must live under the policy as well.
  await page.getByRole("button", { name: "Documentation Explorer" }).click();
  await page.locator(".graphiql-doc-explorer", { hasText: "Query" }).waitFor();
  if (screenshot) await page.screenshot({ path: screenshot });
  await page.getByRole("button", { name: "Open settings dialog" }).click();
  await page.getByRole("dialog").waitFor();
});

process.stdout.write(JSON.stringify(seen));
