import { hubspotProject } from "./hubspot.ts";
import type { MakeProject } from "./project.ts";
import { salesforceProject } from "./salesforce.ts";

/** The CRMs that have a marketplace, and how to make our project for each. */
export const projects = { hubspot: hubspotProject, salesforce: salesforceProject } as const satisfies Record<
  string,
  MakeProject
>;

export type Marketplace = keyof typeof projects;

export const marketplaces = Object.keys(projects) as Marketplace[];
