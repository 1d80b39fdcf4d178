import express from "express";

/** The yardstick: Express 5 that reads the same body and answers, without verifying or storing anything. */
const app = express();
app.post("/webhooks/bench/retell", express.raw({ type: "*/*", limit: "4mb" }), (_request, response) => {
  response.status(200).json({ ok: true });
});
const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" && address ? address.port : 0 });
});
process.on("disconnect", () => process.exit(0));
