import { type EmulatorReply, Refusal } from "../server.ts";

/** What is wrong with one record. */
export type RowError = {
  statusCode: string;
  message: string;
  fields: string[];
  /** Only a request for one record shows it. */
  duplicateResult?: DuplicateResult;
};

/** What a duplicate rule found. */
type DuplicateResult = ReturnType<typeof duplicateResultOf>;

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

/** `allowSave`: whether the header can let the record through. */
export function duplicateResultOf(type: string, allowSave: boolean, twins: readonly { Id: string }[]) {
  return {
    allowSave,
    duplicateRule: `${type}_Duplicate_Rule`,
    duplicateRuleEntityType: type,
    errorMessage: "Use one of these records?",
    matchResults: [
      {
        entityType: type,
        matchEngine: "ExactMatchEngine",
        rule: `${type}_Matching_Rule`,
        size: twins.length,
        success: true,
        matchRecords: twins.map(({ Id }) => ({ matchConfidence: 100, record: { Id }, fieldDiffs: [] })),
      },
    ],
  };
}

/** The answer to a request for one record that a duplicate rule refuses. */
export function twinReply({ message, statusCode, fields, duplicateResult }: RowError): EmulatorReply {
  return { status: 400, body: [{ message, errorCode: statusCode, fields, duplicateResult }] };
}
