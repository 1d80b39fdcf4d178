import { createKnownFields } from "../flow/mappings/known-fields.ts";
import type { Parts } from "../server/assemble.ts";
import { mappingTextRoutes } from "./mapping.ts";
import { mappingApplyRoutes } from "./mapping-apply.ts";
import { mappingVersionRoutes } from "./mapping-versions.ts";
import { mappingWordRoutes } from "./mapping-words.ts";
import type { Route } from "./route.ts";
import { createMappingSaves } from "./saved-mapping.ts";

/** All about the mapping of an installation. */
export function mappingRoutes(parts: Parts): Route[] {
  const fields = createKnownFields(parts.flow.now);
  const saves = createMappingSaves(parts);
  return [
    ...mappingTextRoutes(parts, { saves, fields }),
    ...mappingVersionRoutes(parts, saves),
    ...mappingWordRoutes(parts, fields),
    ...mappingApplyRoutes(parts),
  ];
}
