import type { PropertyFault } from "./types.ts";

const names = new Set(["firstname", "lastname"]);
const address = /https?:\/\/|\bwww\.|^[\w-]+(\.[\w-]+)*\.(com|net|org|io|example)(\/|$)/i;

/**
 * Why a text is obviously no value of its property; undefined when it may be one. HubSpot refuses addresses as names and
 * letters as numbers since 2020-02-26 and does not publish its patterns. Unverified: the patterns and the error names.
 */
export function obviouslyWrong(name: string, fieldType: string, text: string): PropertyFault | undefined {
  if (names.has(name) && address.test(text)) {
    return { name, error: "INVALID_NAME", message: `${name} contains a URL` };
  }
  const isPhone = fieldType === "phonenumber" && !name.startsWith("hs_");
  if (isPhone && /\p{L}/u.test(text) && !/\p{Nd}/u.test(text)) {
    return { name, error: "INVALID_PHONE_NUMBER", message: `${text} was not a valid phone number.` };
  }
  if (name === "hs_call_recording_url" && !isPlayable(text)) {
    return { name, error: "INVALID_URL", message: `${name} must be a valid https URL` };
  }
  return undefined;
}

/** HTTPS, says the guide of the Calls API. Unverified: that a host without a dot, such as localhost, is refused. */
function isPlayable(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  // The account is on this machine, and so may be what it plays.
  if (["127.0.0.1", "localhost"].includes(hostname)) return true;
  return protocol === "https:" && hostname.includes(".");
}
