import type { MappingChange, MappingReply } from "../../../src/routes/mapping.ts";
import type { MappingApplyReply } from "../../../src/routes/mapping-apply.ts";
import type {
  MappingRestored,
  MappingVersionReply,
  MappingVersions,
} from "../../../src/routes/mapping-versions.ts";
import type { CrmFields, MappingVocabulary } from "../../../src/routes/mapping-words.ts";
import type { MappingConflict } from "../../../src/routes/saved-mapping.ts";
import { ApiError, api } from "../api.ts";

export type { CrmFields, MappingChange, MappingReply, MappingVocabulary };
export type PreviewedCall = MappingChange["calls"][number];
export type ListedVersion = MappingVersions["items"][number];
export type Apply = NonNullable<MappingApplyReply["apply"]>;
export type Conflict = Required<Pick<MappingConflict, "text" | "version">>;

/** A fault of a mapping, where it is, and the cure. */
export type Fault = NonNullable<MappingChange["warnings"]>[number];

const at = (name: string, rest = ""): string => `api/installations/${name}/mapping${rest}`;

export function mapping(name: string): Promise<MappingReply> {
  return api(at(name));
}

export function vocabulary(name: string): Promise<MappingVocabulary> {
  return api(at(name, "/vocabulary"));
}

export function crmFields(name: string): Promise<CrmFields> {
  return api(`api/installations/${name}/fields`);
}

/** What calls would look like: the latest ones, or one. Saves nothing. */
export function preview(name: string, text: string, call: string | undefined): Promise<MappingChange> {
  const query = new URLSearchParams({ preview: "1", unchanged: "1", ...(call !== undefined && { call }) });
  return api(at(name, `?${query}`), "PUT", text);
}

export type SaveRequest = { text: string; version: string; comment: string };

export function save(name: string, { text, version, comment }: SaveRequest): Promise<MappingChange> {
  const query = new URLSearchParams({ version, ...(comment !== "" && { comment }) });
  return api(at(name, `?${query}`), "PUT", text);
}

export function versions(name: string): Promise<MappingVersions> {
  return api(at(name, "/versions"));
}

export function version(name: string, number: number): Promise<MappingVersionReply> {
  return api(at(name, `/versions/${number}`));
}

export function restore(name: string, number: number, present: string): Promise<MappingRestored> {
  return api(at(name, `/versions/${number}/restore?version=${present}`), "POST");
}

export function applied(name: string): Promise<MappingApplyReply> {
  return api(at(name, "/apply"));
}

export function apply(name: string, request: { days: number } | { run: string }): Promise<MappingApplyReply> {
  return api(at(name, "/apply"), "POST", request);
}

export function stopApply(name: string): Promise<MappingApplyReply> {
  return api(at(name, "/apply"), "DELETE");
}

/** The faults that a refused mapping has. */
export function faultsIn(error: unknown): Fault[] | undefined {
  if (!(error instanceof ApiError) || error.status !== 422) return undefined;
  return (error.answer as { faults?: Fault[] }).faults;
}

/** The word that was probably meant. */
export function meantIn({ cure = "" }: Fault): string | undefined {
  return /^Did you mean (\S+)\?$/.exec(cure)?.[1];
}

/** What was saved meanwhile, when that is why a mapping was not. */
export function conflictIn(error: unknown): Conflict | undefined {
  if (!(error instanceof ApiError) || error.status !== 409) return undefined;
  const { text, version } = error.answer as MappingConflict;
  return text !== undefined && version !== undefined ? { text, version } : undefined;
}
