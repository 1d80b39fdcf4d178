import { startHubspot } from "@switchhook/emulators/hubspot";
import { startSalesforce } from "@switchhook/emulators/salesforce";
import { inboundCall, scriptOf, sendAll, synced } from "../test/support/calls.ts";
import { startServer, waitFor } from "../test/support/server.ts";
import type { Crm } from "./crm.ts";

const number = "+31687654321";

/** One call alone, whose caller the index does not know yet, and one more of the same: the requests of each. */
export async function oneCall(crm: Crm): Promise<{ cold: number; warm: number }> {
  const token = "bench-token";
  const emulator =
    crm === "hubspot"
      ? await startHubspot({ token, region: "NL" })
      : await startSalesforce({ accessToken: token });
  const settings =
    crm === "hubspot"
      ? { crm: { type: crm, token, apiUrl: emulator.url } }
      : { crm: { type: crm, accessToken: token, apiUrl: emulator.url } };
  const server = await startServer({ settings });
  await synced(server);
  const requestsOf = async (id: string): Promise<number> => {
    const before = emulator.requests.length;
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id, customer: number })));
    await waitFor("the call to be logged", async () => {
      const group = await server.parts.flow.store.call(`acme:voys:${id}`);
      return group?.row.state === "logged";
    });
    return emulator.requests.length - before;
  };
  if ("addContact" in emulator.people && crm === "hubspot")
    (emulator as Awaited<ReturnType<typeof startHubspot>>).people.addContact({
      firstname: "Vera",
      phone: number,
    });
  else
    (emulator as Awaited<ReturnType<typeof startSalesforce>>).people.addContact({
      LastName: "Vera",
      Phone: number,
    });
  const result = { cold: await requestsOf("cold"), warm: await requestsOf("warm") };
  await server.stop();
  await emulator.stop();
  return result;
}
