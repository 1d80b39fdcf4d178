/** One request to a CRM, for metrics. `status`: of HTTP, or why there was none. `kind`: which of the CRM's limits it counts for. */
export type CrmRequest = {
  kind: "search" | "general" | "token";
  status: number | "timeout" | "network" | "stopped";
  ms: number;
};
