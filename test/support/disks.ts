import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A small disk of its own, in memory; gone after the test. */
export type SmallDisk = {
  folder: string;
  fill(): void;
  free(): void;
  writable(yes: boolean): void;
};

/** Undefined where mounting is not permitted. */
export function mountSmallDisk(megabytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder], { stdio: "pipe" });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  onTestFinished(() => {
    // Lazy: whatever still has a file open keeps it, and the mount is gone from here.
    execFileSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true });
  });
  const filler = join(folder, "filler");
  return {
    folder,
    fill() {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
    },
    free: () => rmSync(filler),
    writable: (yes) => {
      execFileSync("mount", ["-o", `remount,${yes ? "rw" : "ro"}`, folder], { stdio: "pipe" });
    },
  };
}

/** From now on a process can write no file beyond this size; "unlimited" lifts it. A write beyond fails with EFBIG. */
export function limitFileSize(pid: number, bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`], { stdio: "pipe" });
}
