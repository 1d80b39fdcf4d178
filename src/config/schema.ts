import { z } from "zod";
import { oidcSettings } from "../access/settings.ts";
import { archiveSettings } from "../archive/settings.ts";
import { contactKinds } from "../core/contact.ts";
import { isRegion, toE164 } from "../core/phone.ts";
import { recordingPolicies, unknownCallerPolicies } from "../core/settings.ts";
import { didYouMean } from "../mapping/nearest.ts";

const text = z.string().trim().min(1, "is empty").max(500, "is longer than 500 characters");
const texts = z.array(text).max(1_000);

const publicUrl = z
  .string()
  .refine(isBaseUrl, 'is not an address such as "https://calls.example.com" (no query, no password)')
  .transform((url) => url.replace(/\/+$/, ""));

/** The config file without its installations, which are read one by one. */
export const fileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    publicUrl: publicUrl.optional(),
    port: z.int().min(0).max(65_535).optional(),
    host: text.optional(),
    retentionDays: z.number().min(1).max(3_650).default(90),
    /** How long a removed account can be exported or connected again. */
    removedDays: z.number().min(1).max(365).default(30),
    /** How long the audit log is kept. */
    auditDays: z.number().min(1).max(3_650).default(365),
    limits: z
      .strictObject({
        /** The largest webhook, for all providers; by default each provider has its own limit. */
        bodyBytes: z.int().min(1_024).max(104_857_600).optional(),
        bodySeconds: z.number().min(1).max(300).default(10),
        /** The bodies of all requests together. */
        bodiesBytes: z.int().min(8_388_608).max(4_294_967_296).default(134_217_728),
        connections: z.int().min(10).max(100_000).default(2_000),
        /** Installations that one instance works for at a time, with PostgreSQL. */
        tenancies: z.int().min(1).max(10_000).default(500),
      })
      .superRefine(({ bodyBytes = 0, bodiesBytes }, context) => {
        if (bodyBytes <= bodiesBytes * 0.9) return;
        const message = `must be at most nine tenths of bodiesBytes (${bodiesBytes}): a larger body would never get in`;
        context.addIssue({ code: "custom", path: ["bodyBytes"], message });
      })
      .prefault({}),
    archive: archiveSettings.optional(),
    /** How people sign in, besides the admin token. */
    signIn: z.strictObject({ oidc: oidcSettings.optional() }).default({}),
    /** Our apps at the CRMs that accounts install by OAuth; each is read by the schema of its CRM. */
    apps: z.record(z.string(), z.unknown()).default({}),
    installations: z.record(z.string(), z.unknown()).default({}),
  })
  .superRefine(({ apps, installations }, context) => {
    if (Object.keys(installations).length + Object.keys(apps).length > 0) return;
    const message = "has no installation. Add one: a name with its `crm`, `providers` and `region`";
    context.addIssue({ code: "custom", path: ["installations"], message });
  });

const region = z
  .string()
  .transform((code) => code.toUpperCase())
  .refine(isRegion, 'is not an ISO country code of two letters, such as "NL" or "IN"');

/** A schema of time zones. It remembers those that it has seen: a formatter costs more than the rest of an installation. */
function timeZoneSchema() {
  const known = new Set<string>();
  return z.string().superRefine((zone, context) => {
    if (known.has(zone)) return;
    if (isTimeZone(zone)) {
      known.add(zone);
      return;
    }
    const cure = didYouMean(zone, Intl.supportedValuesOf("timeZone")) ?? 'Write it like "Europe/Amsterdam".';
    context.addIssue({ code: "custom", message: `is not a time zone. ${cure}` });
  });
}

/** One of the company's people, with each provider's id or ids under the provider's name. */
function agentSchema(providers: readonly string[]) {
  const ids = z.union([text, texts], { error: "must be a text or a list of texts" }).optional();
  return z.strictObject({
    email: text.regex(/^[^\s@]+@[^\s@]+$/, "is not an e-mail address"),
    name: text.optional(),
    phones: texts.optional(),
    ...Object.fromEntries(providers.map((provider) => [provider, ids])),
  });
}

/** An installation in the file. `crm` and `providers` are parsed by their own schemas. */
export function installationSchema(providers: readonly string[]) {
  return z.strictObject({
    crm: z.record(z.string(), z.unknown()),
    providers: z.record(z.string(), z.unknown()).default({}),
    region,
    timeZone: timeZoneSchema().default("UTC"),
    mapping: text.optional(),
    agents: z.array(agentSchema(providers)).max(100_000).default([]),
    unknownCallers: z.enum(unknownCallerPolicies).default("never"),
    logInternalCalls: z.boolean().default(false),
    contactOrder: z
      .array(z.enum(contactKinds))
      .min(1, "is empty: leave it out for the CRM's own order")
      .refine((order) => new Set(order).size === order.length, "names a kind twice")
      .optional(),
    settleSeconds: z.number().min(0).max(3_600).default(3),
    answerDeadlineMs: z.int().min(100).max(9_000).default(1_500),
    defaultOwner: text.optional(),
    companyNumbers: texts.default([]),
    reconcile: z.boolean().default(true),
    recording: z.enum(recordingPolicies).default("link"),
    recordingLines: z.record(z.string(), z.enum(recordingPolicies)).default({}),
    recordingDays: z.number().min(1).max(3_650).default(365),
    followUpDueMinutes: z.int().min(0).max(43_200).default(60),
    recordingLinkDays: z.number().min(1).max(3_650).optional(),
  });
}

/** The names of an installation's settings, for the manifest. */
export const installationSettingNames: readonly string[] = Object.keys(installationSchema([]).shape);

export type InstallationSchema = ReturnType<typeof installationSchema>;
export type WrittenInstallation = z.output<InstallationSchema>;

/** Why a number in the file cannot be used, or undefined when it can. */
export function faultOfNumber(number: string, country: string): string | undefined {
  if (toE164(number, country) !== undefined) return undefined;
  return `is not a phone number that can be dialled in ${country}. Write it like "+31501234567".`;
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function isBaseUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return url.search === "" && url.hash === "" && url.username === "" && url.password === "";
}
