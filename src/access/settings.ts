import { z } from "zod";
import { isLoopbackUrl } from "../core/loopback.ts";
import { roles } from "../core/principal.ts";

const text = z.string().trim().min(1, "is empty").max(500, "is longer than 500 characters");

/** Whom an identity provider's answer lets in, and with which rights. Of several that fit, the highest role counts. */
const allowed = z
  .strictObject({
    /** One of the three. Addresses count only when the provider says that it has verified them. */
    email: text
      .regex(/^[^\s@]+@[^\s@]+$/, "is not an e-mail address")
      .toLowerCase()
      .optional(),
    domain: text
      .regex(/^([a-z0-9-]+\.)+[a-z0-9-]+$/i, 'is not a domain such as "example.com"')
      .toLowerCase()
      .optional(),
    group: text.optional(),
    role: z.enum(roles),
    /** Whether they may hear recordings; by default only operators. */
    listen: z.boolean().optional(),
    /** The only installation that they see. */
    installation: text.optional(),
  })
  .superRefine(({ email, domain, group, role, installation }, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const given = [email, domain, group].filter((one) => one !== undefined);
    if (given.length !== 1) fault("group", "say whom it allows: one of `email`, `domain` and `group`");
    if (role === "operator" && installation !== undefined)
      fault("installation", 'cannot go with the role "operator", which has all installations: use "admin"');
  });

/** An OpenID provider that people sign in with. */
export const oidcSettings = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/, error: 'is not an address such as "https://login.example.com"' })
    .refine(
      (url) => !url.startsWith("http:") || isLoopbackUrl(url),
      "must begin with https: secrets are sent there",
    ),
  clientId: text,
  clientSecret: text,
  /** On the login page. */
  label: text.max(60).default("single sign-on"),
  scopes: z
    .array(text)
    .refine((scopes) => scopes.includes("openid"), 'must have "openid"')
    .default(["openid", "email", "profile"]),
  /** The claim that lists a person's groups. */
  groupsClaim: text.default("groups"),
  allow: z.array(allowed).min(1, "allows no one: add a domain, a group or an address with its role"),
});

export type OidcSettings = z.output<typeof oidcSettings>;
