import { type CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/min";

/** What HubSpot derives from a phone property. `calculated` is absent when the number could not be read. */
export type DerivedPhone = { calculated?: string; searchable: string; international: string };

/**
 * The derived forms of a stored number. `region`: the portal's country, for numbers in national form.
 * A number that cannot be read is searchable by its digits, without leading zeros and with any country code it has.
 * unverified: the international form of such a number.
 */
export function derivePhone(stored: string, region: string): DerivedPhone | undefined {
  const digits = stored.replace(/\D/g, "");
  const bare = digits.replace(/^0+/, "");
  if (bare === "") return undefined;
  const number = parsePhoneNumberFromString(stored, region as CountryCode);
  if (!number?.isPossible()) return { searchable: bare, international: bare };
  const { nationalNumber, countryCallingCode } = number;
  // Without a plus only a trunk prefix is dropped, never a country code: 34648739267 keeps its 34.
  const lostCountryCode = digits === `${countryCallingCode}${nationalNumber}` && countryCallingCode !== "1";
  if (!stored.trim().startsWith("+") && lostCountryCode) return { searchable: bare, international: bare };
  return {
    calculated: number.number,
    searchable: nationalNumber,
    international: `${countryCallingCode}${nationalNumber}`,
  };
}

const sources = { phone: "phone_number", mobilephone: "mobile_number" } as const;

/** The calculated properties of a contact; "" for those that have no value. */
export function calculatedPhones(
  values: Readonly<Record<string, string>>,
  region: string,
): Record<string, string> {
  const calculated: Record<string, string> = {};
  for (const [source, name] of Object.entries(sources)) {
    const derived = derivePhone(values[source] ?? "", region);
    calculated[`hs_calculated_${name}`] = derived?.calculated ?? "";
    calculated[`hs_searchable_calculated_${name}`] = derived?.searchable ?? "";
    calculated[`hs_searchable_calculated_international_${name}`] = derived?.international ?? "";
  }
  return calculated;
}
