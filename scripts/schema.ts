// Writes mappings/mapping.schema.json from the zod schema: `npm run schema`.
import { writeFileSync } from "node:fs";
import { schemaText } from "../src/mapping/schema.ts";

const target = new URL("../mappings/mapping.schema.json", import.meta.url);
writeFileSync(target, schemaText());
console.log("wrote mappings/mapping.schema.json");
