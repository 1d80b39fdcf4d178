import type { View } from "./view.ts";

/** `any`: a member with an open name; nobody knows its type before the call. */
export type PathType = "string" | "number" | "boolean" | "datetime" | "date" | "any";

/** A fact that a mapping may name. `values`: all that it can be, when that is a closed list. */
export type Path = {
  type: PathType;
  about: string;
  values?: readonly string[];
  get(view: View): unknown;
};

type Get = Path["get"];
export const text = (about: string, get: Get): Path => ({ type: "string", about, get });
export const oneOf = (values: readonly string[], about: string, get: Get): Path => ({
  type: "string",
  about,
  values,
  get,
});
export const number = (about: string, get: Get): Path => ({ type: "number", about, get });
export const datetime = (about: string, get: Get): Path => ({ type: "datetime", about, get });
