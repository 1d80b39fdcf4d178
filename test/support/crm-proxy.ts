import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request created in a CRM. `call`: the call that it is about, where it names one. */
type CrmEffect = {
  at: number;
  instance: number;
  installation: string;
  type: string;
  id: string;
  call?: string;
  text: string;
};

/** A request of an instance to a CRM, before it gets there or before its answer is passed on. */
type CrmPassage = {
  instance: number;
  installation: string;
  method: string;
  path: string;
  creates: boolean;
};

type Hold = (passage: CrmPassage, when: "before" | "after") => Promise<void> | undefined;

/** Where one instance reaches the CRM of one installation. */
export type CrmProxy = { url: string; stop(): Promise<void> };

/** What all of them share. `hold`: a request waits for what it returns. */
export type CrmRecorder = {
  requests: (CrmPassage & { at: number; status: number })[];
  effects: CrmEffect[];
  hold: Hold;
};

type Place = { instance: number; installation: string; target: string };

/** Passes requests on, also when the instance is gone meanwhile, and notes what they created. */
export async function startCrmProxy(place: Place, recorder: CrmRecorder): Promise<CrmProxy> {
  const { instance, installation, target } = place;

  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/" } = request;
    const sent = await bytesOf(request);
    const [path = ""] = url.split("?", 1);
    const passage = {
      instance,
      installation,
      method,
      path,
      creates: createsCalls.test(path) && method !== "GET",
    };
    await recorder.hold(passage, "before");
    const {
      host: _,
      connection: __,
      "content-length": ___,
      "transfer-encoding": ____,
      ...headers
    } = request.headers;
    const answer = await fetch(`${target}${url}`, {
      method,
      headers: headers as Record<string, string>,
      redirect: "manual",
      ...(sent.length > 0 && { body: sent }),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    const at = Date.now();
    recorder.requests.push({ ...passage, at, status: answer.status });
    if (answer.ok && method !== "GET")
      for (const one of createdIn(path, method, sent, body))
        recorder.effects.push({ at, instance, installation, ...one });
    await recorder.hold(passage, "after");
    const own = [...answer.headers].filter(
      ([name]) => !/^(content-encoding|content-length|transfer-encoding|connection|keep-alive)$/.test(name),
    );
    // The CRM names its own address in its answers.
    const text = /json/.test(answer.headers.get("content-type") ?? "")
      ? Buffer.from(body.toString().replaceAll(target, proxyUrl()))
      : body;
    response
      .writeHead(answer.status, { ...Object.fromEntries(own), "content-length": text.length })
      .end(text);
  };

  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  const proxyUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: proxyUrl(),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Both CRMs' requests that may create an activity. */
const createsCalls =
  /\/calls\/batch\/(create|upsert)$|\/composite\/sobjects(\/Task\/\w+)?$|\/sobjects\/Task$/;

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

type Created = Pick<CrmEffect, "type" | "id" | "call" | "text">;
type Json = Record<string, unknown>;

function createdIn(path: string, method: string, sent: Buffer, answer: Buffer): Created[] {
  const [, type, verb] = /\/objects\/[^/]+\/(\w+)\/batch\/(create|upsert)$/.exec(path) ?? [];
  if (type !== undefined) {
    const { results = [] } = JSON.parse(answer.toString()) as { results?: Json[] };
    return results
      .filter((one) => verb === "create" || one["new"] === true)
      .map((one) => created(type, String(one["id"]), one["properties"]));
  }
  if (/\/composite\/sobjects(\/Task\/\w+)?$/.test(path) && (method === "POST" || method === "PATCH")) {
    const { records = [] } = JSON.parse(sent.toString()) as { records?: Json[] };
    const results = JSON.parse(answer.toString()) as Json[];
    return results.flatMap((one, i) => {
      const isNew = one["success"] === true && (method === "POST" || one["created"] === true);
      const record = records[i] ?? {};
      const kind = String((record["attributes"] as Json | undefined)?.["type"]);
      const isCall = record["TaskSubtype"] === "Call" || record["CallType"] !== undefined;
      return isNew
        ? [created(kind === "Task" ? (isCall ? "calls" : "tasks") : kind, String(one["id"]), record)]
        : [];
    });
  }
  return [];
}

function created(type: string, id: string, fields: unknown): Created {
  const text = JSON.stringify(fields ?? {});
  const [call] = /call-[0-9a-f-]{36}/.exec(text) ?? [];
  return { type, id, text, ...(call !== undefined && { call }) };
}
