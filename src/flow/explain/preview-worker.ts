import { parentPort } from "node:worker_threads";
import { ConfigError, messageOf } from "../../core/errors.ts";
import type { WorkerReply } from "../../lib/worker.ts";
import { type PreviewJob, previewText } from "./preview-render.ts";

/** The thread of previews: reading a mapping and rendering many calls with it takes longer than a caller may wait. */
parentPort?.on("message", (job: PreviewJob) => parentPort?.postMessage(replyTo(job)));

function replyTo(job: PreviewJob): WorkerReply {
  try {
    return { value: previewText(job) };
  } catch (error) {
    return error instanceof ConfigError ? { faults: error.faults } : { failure: messageOf(error) };
  }
}
