import type { Provider } from "../core/provider.ts";
import { bird } from "./bird/index.ts";
import { exotel } from "./exotel/index.ts";
import { retell } from "./retell/index.ts";
import { voys } from "./voys/index.ts";

/** Every telephony provider, one line each. The name is its folder, its URL segment and its key in the settings. */
export const providers: Readonly<Record<string, Provider>> = {
  exotel,
  retell,
  bird,
  voys,
};
