/** Each role includes the rights of those after it. */
export const roles = ["operator", "admin", "viewer"] as const;
export type Role = (typeof roles)[number];

/** Who makes a request, and what they may do. */
export type Principal = {
  role: Role;
  /** Whether they may hear recordings and read transcripts, whatever their role. */
  listen: boolean;
  /** The only installation that exists for them; without one, all do. */
  installation?: string;
  /** For people. */
  name: string;
  /** `loopback`, `token`, `oidc`, `link`, or the id of a CRM. */
  signedInBy: string;
  /** Of a browser that has signed in; expires at `expiresAt` (ms) unless it is used. */
  session?: { id: string; expiresAt: number };
};

/** What a route needs. `raw`: payloads as they were received. */
export type Right = "view" | "raw" | "listen" | "admin" | "operator";

export function hasRight({ role, listen }: Principal, right: Right): boolean {
  if (right === "view") return true;
  if (right === "listen") return listen;
  if (right === "operator") return role === "operator";
  return role !== "viewer";
}

/** Whether an installation exists for them. */
export function sees({ installation }: Pick<Principal, "installation">, name: string): boolean {
  return installation === undefined || installation === name;
}

/** Whether the first role has all rights of the second. */
export function includesRole(role: Role, other: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(other);
}
