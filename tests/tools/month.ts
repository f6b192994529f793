// The month of a park by openapi-fetch and the types that openapi-typescript made of the document; prints what it saw
// as JSON. Compiled and run by tests/api/test_generated_clients.py: ADDRESS TOKEN PERIOD TENANT.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const [address, token, period, code] = process.argv.slice(2) as [string, string, string, string];
const first = `${period}-01`;
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });

/** Returns the JSON that was answered, which must have this status; as a table an answer would be a text. */
async function done<T>(
  asked: Promise<{ data?: T; error?: unknown; response: Response }>, status: number,
): Promise<Exclude<NonNullable<T>, string>> {
  const { data, error, response } = await asked;
  if (response.status !== status || data === undefined || data === null || typeof data === "string") {
    throw new Error(`${response.url}: ${response.status} ${JSON.stringify(error)}`);
  }
  return data as Exclude<NonNullable<T>, string>;
}

await done(client.POST("/v1/tenants", { body: { code, legal_name: "TypeScript & fils", kind: "large" } }), 201);
const lease = { code: `L-${code}`, tenant: code, site: "TNG", unit: `U-${code}`, area_m2: "20", starts_on: first };
await done(client.POST("/v1/leases", { body: lease }), 201);
const events = [1, 2].map((n) => ({
  event_id: `E-${code}-${n}`, tenant: code, site: "TNG", service: "MEAL", quantity: "2", occurred_on: first,
}));
await done(client.POST("/v1/usage-events/batch", { body: { events } }), 201);
const order = { period, issue_date: first, catch_up: true, deliver: true };
const run = await done(client.POST("/v1/billing-runs", { body: order }), 201);
// What takes long may be a job; nobody asked for one here.
if (!("invoices" in run)) throw new Error("the run became a job");
const { items } = await done(client.GET("/v1/documents", { params: { query: { period, tenant: code } } }), 200);
const invoice = items[0];
if (invoice === undefined || items.length !== 1) throw new Error(`${items.length} documents of ${code}`);
const number = invoice.number;
const { data: paper } = await client.GET("/v1/documents/{number}/pdf", {
  params: { path: { number } }, parseAs: "text",
});
const received = await done(
  client.POST("/v1/receipts", {
    body: {
      means: "transfer", reference: `VIR-${code}`, value_date: invoice.issued_on, tenant: code, amount: invoice.gross,
    },
  }), 201,
);
const pool = await done(client.GET("/v1/cross-subsidy/{period}", { params: { path: { period } } }), 200);
const balance = await done(client.GET("/v1/ledger/trial-balance"), 200);
const closed = await done(
  client.POST("/v1/periods/{period}/close", { params: { path: { period } }, body: {} }), 200,
);
console.log(JSON.stringify({
  period: pool.period, invoices: run.invoices.count, number, gross: invoice.gross, receipt: received.number,
  pdf: paper?.slice(0, 5), debit: balance.totals.general.debit, credit: balance.totals.general.credit, state: closed.state,
}));
