import { describe, expect, test } from "vitest";
import { acmeWith, faultsOf, linesOf, load } from "./loading.ts";

const oidc = {
  issuer: "https://login.example.com",
  clientId: "switchhook",
  clientSecret: { env: "OIDC_SECRET" },
  allow: [{ domain: "Example.com", role: "viewer" }],
};
const environment = { OIDC_SECRET: "the-secret-of-the-client" };
const withOidc = (changes: object = {}) => ({
  ...acmeWith(),
  publicUrl: "https://calls.example.com",
  signIn: { oidc: { ...oidc, ...changes } },
});
const faults = (changes: object) => linesOf(withOidc(changes), environment);

describe("an OpenID provider in the config file", () => {
  test("is enough to guard a public URL, and takes its secret from the environment", () => {
    expect(load(withOidc(), environment).signIn.oidc).toEqual({
      ...oidc,
      clientSecret: "the-secret-of-the-client",
      allow: [{ domain: "example.com", role: "viewer" }],
      label: "single sign-on",
      scopes: ["openid", "email", "profile"],
      groupsClaim: "groups",
    });
    expect(faultsOf(withOidc(), {}).map(({ at }) => at)).toEqual([
      "/etc/switchhook/switchhook.json: signIn.oidc.clientSecret",
    ]);
  });

  test.each([
    [{ issuer: "http://login.example.com" }, /signIn\.oidc\.issuer: must begin with https/],
    [{ issuer: "login.example.com" }, /signIn\.oidc\.issuer: is not an address/],
    [{ allow: [] }, /signIn\.oidc\.allow: allows no one/],
    [{ allow: [{ role: "admin" }] }, /signIn\.oidc\.allow\[0\]\.group: say whom it allows/],
    [{ allow: [{ role: "admin", domain: "a.example", group: "b" }] }, /say whom it allows/],
    [{ allow: [{ role: "owner", group: "b" }] }, /signIn\.oidc\.allow\[0\]\.role/],
    [{ allow: [{ role: "viewer", domain: "@example.com" }] }, /is not a domain/],
    [{ allow: [{ role: "viewer", email: "example.com" }] }, /is not an e-mail address/],
    [
      { allow: [{ role: "operator", group: "b", installation: "acme" }] },
      /allow\[0\]\.installation: cannot go with/,
    ],
    [{ scopes: ["email"] }, /signIn\.oidc\.scopes: must have "openid"/],
    [{ clientID: "x" }, /signIn\.oidc\.clientID: there is no such setting.*clientId/],
  ])("with %j is refused with its place", (changes, line) => {
    expect(faults(changes)).toEqual([expect.stringMatching(line)]);
  });

  test("may be on this machine without https", () => {
    expect(faults({ issuer: "http://127.0.0.1:9000" })).toEqual([]);
  });
});

test("the audit log is kept for a year, or for as many days as configured", () => {
  expect(load(acmeWith()).auditDays).toBe(365);
  expect(load({ ...acmeWith(), auditDays: 30 }).auditDays).toBe(30);
  expect(linesOf({ ...acmeWith(), auditDays: 0 })).toHaveLength(1);
});
