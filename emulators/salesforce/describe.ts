import type { EmulatorReply, Route } from "../server.ts";
import { notFoundMessage, restError } from "./errors.ts";
import type { Field } from "./field.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";

export function describeRoutes(org: Org): Route[] {
  return [
    {
      method: "GET",
      path: /\/services\/data\/v(\d+\.\d)\/sobjects\/?/,
      kind: "describe",
      handle: ({ params: [version = ""] }) => ({
        status: 200,
        body: {
          encoding: "UTF-8",
          maxBatchSize: 200,
          sobjects: org.types().map((type) => summary(type, version)),
        },
      }),
    },
    {
      method: "GET",
      path: /\/services\/data\/v(\d+\.\d)\/sobjects\/(\w+)\/describe\/?/,
      kind: "describe",
      handle: ({ params: [version = "", name = ""] }): EmulatorReply => {
        const type = org.type(name);
        if (!type) return restError(404, "NOT_FOUND", notFoundMessage);
        const fields = org.fields(type).map(describeField);
        return { status: 200, body: { ...summary(type, version), fields, recordTypeInfos: [] } };
      },
    },
  ];
}

function summary({ name, label, plural, keyPrefix }: ObjectType, version: string) {
  const url = `/services/data/v${version}/sobjects/${name}`;
  return {
    name,
    label,
    labelPlural: plural,
    keyPrefix,
    custom: false,
    createable: name !== "Organization",
    updateable: true,
    deletable: !["Organization", "User"].includes(name),
    queryable: true,
    searchable: name !== "Organization",
    retrieveable: true,
    replicateable: true,
    triggerable: true,
    undeletable: true,
    urls: { sobject: url, describe: `${url}/describe`, rowTemplate: `${url}/{ID}` },
  };
}

const jsonTypes: Partial<Record<Field["type"], string>> = {
  id: "tns:ID",
  reference: "tns:ID",
  int: "xsd:int",
  double: "xsd:double",
  boolean: "xsd:boolean",
  date: "xsd:date",
  datetime: "xsd:dateTime",
};

function describeField(field: Field) {
  const isLongText = field.type === "textarea";
  return {
    name: field.name,
    label: field.label,
    type: field.type,
    soapType: jsonTypes[field.type] ?? "xsd:string",
    length: field.length,
    byteLength: field.length * 3,
    digits: field.type === "int" ? 8 : 0,
    precision: 0,
    scale: 0,
    custom: field.name.endsWith("__c"),
    createable: field.createable,
    updateable: field.updateable,
    nillable: field.nillable,
    defaultedOnCreate: field.defaultedOnCreate,
    externalId: field.externalId,
    idLookup: field.externalId || field.type === "id",
    unique: field.unique,
    caseSensitive: field.caseSensitive,
    filterable: !isLongText,
    sortable: !isLongText,
    groupable: !isLongText && field.type !== "datetime",
    permissionable: field.nillable && field.name.endsWith("__c"),
    restrictedPicklist: field.restricted,
    picklistValues: field.options.map(({ value, active, isDefault }) => ({
      value,
      label: value,
      active,
      defaultValue: isDefault,
      validFor: null,
    })),
    referenceTo: field.referenceTo,
    relationshipName: field.relationship ?? null,
    polymorphicForeignKey: field.referenceTo.length > 1,
    calculated: false,
    autoNumber: false,
    deprecatedAndHidden: false,
    defaultValue: null,
    inlineHelpText: null,
  };
}
