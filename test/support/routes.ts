import { createPages } from "../../src/app.ts";
import type { TestServer } from "./server.ts";

/** Every route that Express really has, as `GET /path/:name`. */
export function mountedRoutes({ parts }: TestServer): string[] {
  return createPages(parts).router.stack.flatMap(({ route }) => {
    if (!route) return [];
    const methods = new Set(route.stack.flatMap(({ method }) => method ?? []));
    return [...methods].map((method) => `${method.toUpperCase()} ${route.path}`);
  });
}
