import { runServer } from "./cli/serve.ts";

await runServer({});
