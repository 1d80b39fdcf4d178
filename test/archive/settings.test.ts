import { describe, expect, test } from "vitest";
import { archiveSettings } from "../../src/archive/settings.ts";

const s3 = { bucket: "acme-recordings", region: "eu-west-1", accessKeyId: "AKIA", secretAccessKey: "secret" };
const faultsOf = (value: unknown): string[] => {
  const { error } = archiveSettings.safeParse(value);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
};

describe("an archive's settings", () => {
  test("are a folder, or a bucket with its key", () => {
    expect(archiveSettings.parse({ folder: "recordings" })).toEqual({ folder: "recordings" });
    expect(archiveSettings.parse({ s3 })).toEqual({ s3: { ...s3, prefix: "" } });
    const more = { endpoint: "http://minio:9000", prefix: "calls/", forcePathStyle: false };
    expect(archiveSettings.parse({ s3: { ...s3, ...more } })).toEqual({
      s3: { ...s3, ...more, prefix: "calls" },
    });
  });

  test.each<[string, unknown, RegExp]>([
    ["nothing", {}, /needs one place/],
    ["two places", { folder: "a", s3 }, /needs one place/],
    ["an empty folder", { folder: " " }, /^folder: is empty/],
    ["something else", { gcs: {} }, /gcs/],
    ["no key", { s3: { ...s3, accessKeyId: undefined } }, /^s3\.accessKeyId/],
    ["an empty secret", { s3: { ...s3, secretAccessKey: "" } }, /^s3\.secretAccessKey: is empty/],
    ["a bucket with a path", { s3: { ...s3, bucket: "acme/x" } }, /^s3\.bucket: is not the name of a bucket/],
    [
      "a region that leads elsewhere",
      { s3: { ...s3, region: "x.evil.com/" } },
      /^s3\.region: is not a region/,
    ],
    ["a prefix that leads elsewhere", { s3: { ...s3, prefix: "../x" } }, /^s3\.prefix: is not a prefix/],
    ["an endpoint with a password", { s3: { ...s3, endpoint: "https://a:b@c.com" } }, /leave them out/],
    ["an endpoint of another kind", { s3: { ...s3, endpoint: "ftp://a.com" } }, /^s3\.endpoint/],
    ["a setting that does not exist", { s3: { ...s3, acl: "public-read" } }, /acl/],
  ])("are not %s", (_name, value, fault) => {
    expect(faultsOf(value).join("\n")).toMatch(fault);
  });
});
