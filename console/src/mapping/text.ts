import { useText } from "../text/index.ts";
import { type MappingText, mappingTexts } from "../text/mapping.ts";

/** The texts of the mapping editor in the language of the page. */
export function useMappingText(): MappingText {
  return mappingTexts[useText().language];
}
