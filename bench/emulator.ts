import { startHubspot } from "@switchhook/emulators/hubspot";
import { startSalesforce } from "@switchhook/emulators/salesforce";

const [crm, options = "{}"] = process.argv.slice(2);
const start = crm === "salesforce" ? startSalesforce : startHubspot;
const { port } = await start(JSON.parse(options));
process.send?.({ port });
process.on("disconnect", () => process.exit(0));
