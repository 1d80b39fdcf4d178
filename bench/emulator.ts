import { startHubspot } from "../emulators/hubspot/index.ts";
import { startSalesforce } from "../emulators/salesforce/index.ts";

const [crm, options = "{}"] = process.argv.slice(2);
const start = crm === "salesforce" ? startSalesforce : startHubspot;
const { port } = await start(JSON.parse(options));
process.send?.({ port });
process.on("disconnect", () => process.exit(0));
