import { type EmulatorReply, Refusal } from "../server.ts";

/** What is wrong with one record. */
export type RowError = { statusCode: string; message: string; fields: string[] };

/** The answer for one record. `created`: of an upsert only. */
export type RowResult = { id?: string; success: boolean; errors: RowError[]; created?: boolean };

export function rowError(statusCode: string, message: string, fields: string[] = []): RowError {
  return { statusCode, message, fields };
}

export function failed(...errors: RowError[]): RowResult {
  return { success: false, errors };
}

/** An error of the REST API: a list with one object. */
export function restError(
  status: number,
  errorCode: string,
  message: string,
  fields?: string[],
): EmulatorReply {
  return { status, body: [{ message, errorCode, ...(fields ? { fields } : {}) }] };
}

/** Ends the request with an error of the REST API. */
export function refuse(status: number, errorCode: string, message: string, fields?: string[]): never {
  throw new Refusal(restError(status, errorCode, message, fields));
}

/** A record's errors as the answer to a request for this record alone. */
export function replyOfErrors(errors: RowError[]): EmulatorReply {
  const notFound = errors.some(
    ({ statusCode }) => statusCode === "ENTITY_IS_DELETED" || statusCode === "NOT_FOUND",
  );
  return {
    status: notFound ? 404 : 400,
    body: errors.map(({ statusCode, message, fields }) => ({ message, errorCode: statusCode, fields })),
  };
}

export const notFoundMessage = "The requested resource does not exist";

/** Only a request for one record says more about the duplicates. */
export function twinReply(type: string): EmulatorReply {
  const message = "Use one of these records?";
  const duplicateResult = {
    allowSave: true,
    duplicateRule: `${type}_Duplicate_Rule`,
    duplicateRuleEntityType: type,
    errorMessage: message,
    matchResults: [],
  };
  return { status: 400, body: [{ message, errorCode: "DUPLICATES_DETECTED", fields: [], duplicateResult }] };
}
