// Asks a running server all of graphql-http's audits, and prints a list of { id, name, status, reason }.
import { auditServer } from "graphql-http";

const results = await auditServer({ url: process.argv[2] });
const shown = results.map(({ id, name, status, reason = null }) => ({ id, name, status, reason }));
process.stdout.write(JSON.stringify(shown));
