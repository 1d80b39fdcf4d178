import { obviouslyWrong } from "./obvious-values.ts";
import type { ErrorDetail, Problem } from "./refusals.ts";
import { invalid } from "./refusals.ts";
import { sanitize } from "./sanitize.ts";
import type { Property, PropertyFault } from "./types.ts";

const longestText = 65_536;

/** A value as the portal keeps it, or why it is refused. "" clears; so does null (unverified). */
export function storeValue(
  property: Property,
  sent: unknown,
  isOwner: (id: string) => boolean,
): string | PropertyFault {
  const { name } = property;
  if (sent === null || sent === "") return "";
  if (!["string", "number", "boolean"].includes(typeof sent)) {
    return { name, error: "INVALID_VALUE", message: `${JSON.stringify(sent)} is not a value.` };
  }
  const text = String(sent);
  const wrong =
    property.type === "string" ? obviouslyWrong(name, property.fieldType, text) : blanksAround(name, text);
  if (wrong) return wrong;
  switch (property.type) {
    case "string":
      if (text.length > longestText) {
        const message = `Property value is too long: ${text.length} characters, at most ${longestText}.`;
        return { name, error: "PROPERTY_VALUE_TOO_LONG", message };
      }
      if (name === "email") return storeEmail(name, text);
      return property.fieldType === "html" ? sanitize(text) : text;
    case "number":
      if (/^-?\d+(\.\d+)?$/.test(text.trim())) return text.trim();
      return { name, error: "INVALID_DOUBLE", message: `${text} was not a valid number.` };
    case "bool":
      if (text === "true" || text === "false") return text;
      return { name, error: "INVALID_BOOLEAN", message: `${text} was not a valid boolean.` };
    case "datetime":
      return toInstant(text) ?? { name, error: "INVALID_LONG", message: `${text} was not a valid long.` };
    case "date":
      return toDay(text) ?? { name, error: "INVALID_DATE", message: `${text} was not a valid date.` };
    case "enumeration":
      return storeOption(property, text, isOwner);
  }
}

/** Refused since 2025-04-07 for anything but texts. Unverified: the error name. */
function blanksAround(name: string, text: string): PropertyFault | undefined {
  if (!/^[\s\p{Cf}]|[\s\p{Cf}]$/u.test(text)) return undefined;
  const message = `${name} has whitespace or invisible characters around its value.`;
  return { name, error: "INVALID_WHITESPACE", message };
}

function storeEmail(name: string, text: string): string | PropertyFault {
  const email = text.trim().toLowerCase();
  if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return email;
  return { name, error: "INVALID_EMAIL", message: `Email address ${text} is invalid` };
}

function storeOption(
  property: Property,
  text: string,
  isOwner: (id: string) => boolean,
): string | PropertyFault {
  const { name } = property;
  if (property.referencedObjectType === "OWNER") {
    // unverified: the name of this error.
    return isOwner(text)
      ? text
      : { name, error: "INVALID_OWNER_ID", message: `Owner ${text} does not exist` };
  }
  if (property.externalOptions) return text;
  const values = property.options.map((option) => option.value);
  const chosen = property.fieldType === "checkbox" ? text.split(";").filter(Boolean) : [text];
  const wrong = chosen.find((one) => !values.includes(one));
  if (wrong === undefined) return text;
  const message = `${wrong} was not one of the allowed options: [${values.join(", ")}]`;
  return { name, error: "INVALID_OPTION", message };
}

/** ISO with milliseconds and Z, from milliseconds since 1970 or ISO; undefined for anything else. */
function toInstant(text: string): string | undefined {
  const trimmed = text.trim();
  const iso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2}))?$/;
  if (!/^-?\d{1,14}$/.test(trimmed) && !iso.test(trimmed)) return undefined;
  const date = new Date(/^-?\d+$/.test(trimmed) ? Number(trimmed) : trimmed);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function toDay(text: string): string | undefined {
  const instant = toInstant(text);
  return instant?.endsWith("T00:00:00.000Z") ? instant.slice(0, 10) : undefined;
}

/** One problem for all properties of a row that were refused. */
export function propertyProblem(faults: readonly PropertyFault[], portalId: number): Problem {
  const results = faults.map(({ name, error, message }) => ({
    isValid: false,
    message,
    error,
    name,
    localizedErrorMessage: message,
    portalId,
  }));
  const errors: ErrorDetail[] = faults.map(({ name, error, message }) => ({
    message,
    code: error,
    context: { propertyName: [name] },
  }));
  return invalid(`Property values were not valid: ${JSON.stringify(results)}`, { errors });
}
