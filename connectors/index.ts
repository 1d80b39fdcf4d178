import type { ConnectorKind } from "../src/core/contracts.ts";
import { local } from "./local/index.ts";

/** The CRMs: one line each. The name is the `type` in an installation's settings. */
export const connectors: Readonly<Record<string, ConnectorKind>> = {
  local,
};
