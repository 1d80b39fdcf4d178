import type { StoreError } from "../core/errors.ts";

/** The same methods, whose errors are `StoreError`s. `append`, the hot one, sees to its own. */
export function withNamedErrors<S extends object>(store: S, named: (error: unknown) => StoreError): S {
  const entries = Object.entries(store).map(([name, method]) => {
    if (name === "append" || typeof method !== "function") return [name, method];
    const call = method as (...args: unknown[]) => unknown;
    return [
      name,
      async (...args: unknown[]) => {
        try {
          return await call(...args);
        } catch (error) {
          throw named(error);
        }
      },
    ];
  });
  return Object.fromEntries(entries) as S;
}
