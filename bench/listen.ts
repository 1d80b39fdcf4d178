import type { Server } from "node:http";

/** Listens as a server under test, and answers its parent's requests for a sample. `started`: when its code began. */
export function listen(app: Server, started: number, sample: () => object | Promise<object>): void {
  app.listen(0, "127.0.0.1", () => {
    const address = app.address();
    const port = typeof address === "object" && address ? address.port : 0;
    process.send?.({ port, startMs: performance.now() - started });
  });
  process.on("message", async () => process.send?.(await sample()));
  process.on("disconnect", () => process.exit(0));
}
