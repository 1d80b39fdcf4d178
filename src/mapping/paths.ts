import { contactKinds } from "../core/contact.ts";
import { callPaths } from "./call-paths.ts";
import * as facts from "./facts.ts";
import { editDistance, nearest } from "./nearest.ts";
import { oneOf, type Path, text } from "./path.ts";
import type { View } from "./view.ts";

export type { Path, PathType } from "./path.ts";

/** The closed vocabulary: every path that `from`, `if` and Liquid may use, besides the `openPaths`. */
export const paths: Readonly<Record<string, Path>> = {
  ...callPaths,
  "contact.id": text("The CRM's id of the contact", ({ contact }) => contact?.id),
  "contact.kind": oneOf(contactKinds, "contact, lead or company", ({ contact }) => contact?.kind),
  "contact.name": text("The contact's full name", ({ contact }) => contact?.name),
  "contact.firstName": text("The first word of a person's name", facts.firstName),
  "contact.email": text("The contact's e-mail address", ({ contact }) => contact?.email),
  "contact.company": text("The company the contact works for", ({ contact }) => contact?.company),
  "owner.id": text("The CRM's id of the owner", ({ owner }) => owner?.id),
  "owner.name": text("The owner's name", ({ owner }) => owner?.name),
  "owner.email": text("The owner's e-mail address", ({ owner }) => owner?.email),
  "installation.name": text("The name of the installation", ({ installation }) => installation.name),
  "installation.region": text("Its country for national numbers, e.g. IN", ({ installation }) => {
    return installation.region;
  }),
  "installation.timeZone": text("Its time zone, e.g. Asia/Kolkata", ({ installation }) => {
    return installation.timeZone;
  }),
};

/** The two paths that any name may follow. */
export const openPaths = {
  "call.custom": {
    about: "A fact that only this provider, AI agent or installation knows",
    example: "call.custom.order_id",
    get: ({ call }: View, name: string) => facts.memberOf(call.custom, name),
  },
  "contact.fields": {
    about: "Any other field of the contact in the CRM, by the CRM's own name",
    example: "contact.fields.lifecycle",
    get: ({ contact }: View, name: string) => facts.memberOf(contact?.fields, name),
  },
} as const;

const openPattern = /^(call\.custom|contact\.fields)\.([\w-]{1,100})$/;

export function findPath(name: string): Path | undefined {
  if (Object.hasOwn(paths, name)) return paths[name];
  const [, open, member] = openPattern.exec(name) ?? [];
  if (!member) return undefined;
  const { about, get } = openPaths[open as keyof typeof openPaths];
  return { type: "any", about, get: (view) => get(view, member) };
}

/** The N of `contact.fields.N`: a field that the connector has to fetch with a contact. */
export function contactFieldOf(name: string): string | undefined {
  const [, open, member] = openPattern.exec(name) ?? [];
  return open === "contact.fields" ? member : undefined;
}

/** The correction of a path that does not exist. */
export function pathCure(name: string): string {
  const names = Object.keys(paths);
  const open = Object.entries(openPaths).find(([path]) => name === path || name.startsWith(`${path}.`));
  if (open) return `Name one member, in letters, digits, _ and -, e.g. ${open[1].example}.`;
  const inside = names.filter((path) => path.startsWith(`${name}.`));
  if (inside.length > 0) return `Did you mean ${inside.join(" or ")}?`;
  const parent = name.split(".").slice(0, 2).join(".");
  const beside = names.filter((path) => path.startsWith(`${parent}.`));
  const closest = nearest(name, names);
  const openParent = nearest(parent, Object.keys(openPaths));
  if (openParent && beside.length === 0 && name.split(".").length === 3) {
    const opened = `${openParent}${name.slice(parent.length)}`;
    const isCloser = closest === undefined || editDistance(name, opened) < editDistance(name, closest);
    if (isCloser) return `Did you mean ${opened}?`;
  }
  const last = names.filter((path) => path.split(".").includes(name.split(".").at(-1) ?? ""));
  const meant = closest ?? beside[0] ?? last[0];
  return meant ? `Did you mean ${meant}?` : "docs/mappings.md lists all paths.";
}
