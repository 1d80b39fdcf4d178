import type { Clocks, View } from "./view.ts";

/** `any`: a member of an open name, whose type is known only with the call. */
export type PathType = "string" | "number" | "boolean" | "datetime" | "date" | "any";

/** A fact that a mapping may name. */
export type Path = {
  type: PathType;
  about: string;
  /** All possible values, when the list is closed. */
  values?: readonly string[];
  get(view: View, clocks: Clocks): unknown;
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
