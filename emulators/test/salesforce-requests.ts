import { onTestFinished } from "vitest";
import { type SalesforceEmulator, type SalesforceOptions, startSalesforce } from "../salesforce/index.ts";

export type Answer = { status: number; headers: Headers; body: unknown };
export type Row = Record<string, unknown>;
export type RowAnswer = {
  id?: string;
  success: boolean;
  created?: boolean;
  errors: { statusCode: string; message: string; fields: string[] }[];
};

/** An emulated org and plain requests to it, with a token that is valid. */
export type Org = {
  salesforce: SalesforceEmulator;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  query(soql: string): Promise<Answer>;
  /** The records of a query that has to succeed. */
  rows(soql: string): Promise<Row[]>;
  search(sosl: string): Promise<Answer>;
  /** Upserts Tasks by their key. */
  upsert(records: Row[], more?: Row): Promise<RowAnswer[]>;
  create(type: string, records: Row[], more?: Row): Promise<RowAnswer[]>;
  update(type: string, records: Row[]): Promise<RowAnswer[]>;
};

export async function startOrg(options: SalesforceOptions = {}): Promise<Org> {
  const salesforce = await startSalesforce({ accessToken: "token", ...options });
  onTestFinished(() => salesforce.stop());

  const ask: Org["ask"] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${salesforce.url}/services/data/v66.0${path}`, {
      method,
      headers: { authorization: "Bearer token", "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
  };
  const write = async (method: string, path: string, type: string, records: Row[], more: Row = {}) => {
    const typed = records.map((record) => ({ attributes: { type }, ...record }));
    const { body } = await ask(method, path, { allOrNone: false, records: typed, ...more });
    return body as RowAnswer[];
  };
  const query: Org["query"] = (soql) => ask("GET", `/query?q=${encodeURIComponent(soql)}`);

  return {
    salesforce,
    ask,
    query,
    rows: async (soql) => {
      const { status, body } = await query(soql);
      if (status !== 200) throw new Error(JSON.stringify(body));
      return (body as { records: Row[] }).records;
    },
    search: (sosl) => ask("GET", `/search?q=${encodeURIComponent(sosl)}`),
    upsert: (records, more) => write("PATCH", "/composite/sobjects/Task/Call_Key__c", "Task", records, more),
    create: (type, records, more) => write("POST", "/composite/sobjects", type, records, more),
    update: (type, records) => write("PATCH", "/composite/sobjects", type, records),
  };
}

/** The code of the first error of each record; "ok" for those that were saved. */
export function codes(results: RowAnswer[]): string[] {
  return results.map(({ success, errors }) => (success ? "ok" : (errors[0]?.statusCode ?? "")));
}

/** The error of a request as a whole. */
export function codeOf({ status, body }: Answer): string {
  const [error] = body as { errorCode: string }[];
  return `${status} ${error?.errorCode}`;
}
