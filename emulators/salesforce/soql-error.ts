import { refuse } from "./errors.ts";

/** Refuses a query as Salesforce does: the query with a pointer to the culprit, then what is wrong. */
export function refuseQuery(code: string, soql: string, culprit: string, message: string): never {
  const column = Math.max(0, soql.indexOf(culprit));
  const excerpt = `\n${soql.slice(Math.max(0, column - 40), column + 60)}\n${" ".repeat(Math.min(40, column))}^\n`;
  refuse(400, code, `${excerpt}ERROR at Row:1:Column:${column + 1}\n${message}`);
}

export function malformed(message: string): never {
  refuse(400, "MALFORMED_QUERY", message);
}

const checkNames = "Please reference your WSDL or the describe call for the appropriate names.";

export function noColumn(soql: string, name: string, entity: string): never {
  const message = `No such column '${name}' on entity '${entity}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. ${checkNames}`;
  refuseQuery("INVALID_FIELD", soql, name, message);
}

export function noRelationship(soql: string, name: string): never {
  const message = `Didn't understand relationship '${name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. ${checkNames}`;
  refuseQuery("INVALID_FIELD", soql, name, message);
}

export function noObject(soql: string, name: string): never {
  const message = `sObject type '${name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. ${checkNames}`;
  refuseQuery("INVALID_TYPE", soql, name, message);
}
