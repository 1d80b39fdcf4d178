import type { ConnectorKind } from "../src/core/crm.ts";
import { createHubspot } from "./hubspot/index.ts";
import { local } from "./local/index.ts";
import { salesforce } from "./salesforce/index.ts";

/** The CRMs: one line each. The name is the `type` in an installation's settings. */
export const connectors: Readonly<Record<string, ConnectorKind>> = {
  hubspot: createHubspot(),
  local,
  salesforce,
};
