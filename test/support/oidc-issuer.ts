import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const client = { clientId: "switchhook-client", clientSecret: "the-secret-of-the-client" };

type Code = { nonce: string | null; challenge: string | null; redirectUri: string | null };

/** What this issuer says of the person, and how it misbehaves. */
type IssuerState = {
  claims: Record<string, unknown>;
  /** Claims that only the userinfo endpoint has. */
  userinfo: Record<string, unknown>;
  /** Replaces claims of the ID token, whatever they should be. */
  forged: Record<string, unknown>;
  /** The ID token is signed with a key that is not published. */
  otherKey: boolean;
  denies: boolean;
  requests: string[];
};

/** An OpenID provider on loopback that knows one client, and one person who agrees at once. */
export async function startIssuer() {
  const [published, other] = [keys(), keys()];
  const codes = new Map<string, Code>();
  const state: IssuerState = {
    claims: { email: "noor@example.com", email_verified: true },
    userinfo: {},
    forged: {},
    otherKey: false,
    denies: false,
    requests: [],
  };
  let url = "";

  const server = createServer((request, response) => {
    void answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", url);
    state.requests.push(pathname);
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (pathname === "/.well-known/openid-configuration") json(description());
    else if (pathname === "/jwks") json({ keys: [published.jwk] });
    else if (pathname === "/authorize")
      response.writeHead(302, { location: consented(searchParams).href }).end();
    else if (pathname === "/userinfo") json({ sub: "person-1", ...state.userinfo });
    else if (pathname === "/token") {
      const form = new URLSearchParams(await bodyOf(request));
      const tokens = issue(form, request.headers.authorization);
      if (tokens) json(tokens);
      else json({ error: "invalid_grant" }, 400);
    } else json({}, 404);
  }

  function description() {
    return {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      userinfo_endpoint: `${url}/userinfo`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      code_challenge_methods_supported: ["S256"],
    };
  }

  function consented(asked: URLSearchParams): URL {
    const back = new URL(asked.get("redirect_uri") ?? "");
    back.searchParams.set("state", asked.get("state") ?? "");
    if (state.denies || asked.get("client_id") !== client.clientId) {
      back.searchParams.set("error", "access_denied");
      return back;
    }
    const code = randomUUID();
    codes.set(code, {
      nonce: asked.get("nonce"),
      challenge: asked.get("code_challenge_method") === "S256" ? asked.get("code_challenge") : null,
      redirectUri: asked.get("redirect_uri"),
    });
    back.searchParams.set("code", code);
    return back;
  }

  function issue(form: URLSearchParams, authorization = "") {
    const basic = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString();
    const secret = form.get("client_secret") ?? decodeURIComponent(basic.split(":")[1] ?? "");
    const code = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const verifier = form.get("code_verifier") ?? "";
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const isRight =
      code?.challenge === challenge &&
      code.redirectUri === form.get("redirect_uri") &&
      secret === client.clientSecret;
    if (!isRight) return undefined;
    const at = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: url, aud: client.clientId, sub: "person-1", iat: at, exp: at + 300, nonce: code.nonce },
      ...state.claims,
      ...state.forged,
    };
    const key = (state.otherKey ? other : published).privateKey;
    return {
      access_token: randomUUID(),
      token_type: "Bearer",
      expires_in: 300,
      id_token: signed(claims, key),
    };
  }

  return {
    url,
    state,
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

export type TestIssuer = Awaited<ReturnType<typeof startIssuer>>;

const kid = "key-1";

function keys() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" } };
}

function signed(claims: object, key: KeyObject): string {
  const parts = [{ alg: "RS256", kid }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const text = parts.join(".");
  return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
