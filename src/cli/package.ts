import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../core/errors.ts";
import { readManifest } from "../manifest.ts";
import { type Marketplace, projects } from "../marketplace/index.ts";
import { commandLine, counted, Failure, type GlobalOptions, print, printJson } from "./output.ts";
import { readConfig } from "./read-config.ts";

/** `url`: of the server. `check`: write nothing, only print what differs. */
export type PackageOptions = GlobalOptions & { out?: string; url?: string; check?: boolean };

const exampleUrl = "https://switchhook.example.com";

/** Writes the changed files of a CRM's developer project from the manifest. With `check`, false when a file differs. */
export async function packageProject(crm: Marketplace, options: PackageOptions): Promise<boolean> {
  const manifest = readManifest();
  const folder = options.out ?? `marketplace/${crm}`;
  const publicUrl = publicUrlOf(options);
  const files = await compare(folder, projects[crm](manifest, publicUrl ?? exampleUrl));
  const changes = files.filter(({ state }) => state !== "same");
  if (!options.check) await writeFiles(folder, changes);
  const ok = !options.check || changes.length === 0;
  const warnings = warningsAbout(publicUrl, manifest.identity.support.email);
  if (options.json) {
    printJson({ ok, folder, files: files.map(({ path, state }) => ({ path, state })), warnings });
    return ok;
  }
  for (const { path, state } of changes) print(`${state.padEnd(8)}${path}`);
  print(summary(crm, folder, { all: files.length, changed: changes.length }, options));
  for (const warning of warnings) print(`Warning: ${warning}`);
  return ok;
}

function summary(
  crm: Marketplace,
  folder: string,
  { all, changed }: { all: number; changed: number },
  { check, out, url }: PackageOptions,
): string {
  if (changed === 0) return `${folder}: ${counted(all, "file")}, all as the manifest has them.`;
  if (!check) return `${folder}: ${counted(all, "file")}, ${changed} written.`;
  const again = [`package ${crm}`, ...(out ? [`--out ${out}`] : []), ...(url ? [`--url ${url}`] : [])];
  return `${folder}: ${changed} of ${counted(all, "file")} ${changed === 1 ? "is" : "are"} not as the manifest has them. Write them again: ${commandLine(again.join(" "))}`;
}

/** The option, else the configured address if a CRM would accept it. */
function publicUrlOf(options: PackageOptions): string | undefined {
  if (options.url !== undefined) {
    const url = options.url.replace(/\/+$/, "");
    if (isPublic(url)) return url;
    throw new Failure(
      `--url ${options.url} is not an address that a CRM takes: write it like https://calls.example.com, with https, and no query or password.`,
    );
  }
  const { publicUrl } = readConfig(options).config;
  return isPublic(publicUrl) ? publicUrl : undefined;
}

function isPublic(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "https:" && `${url.search}${url.hash}${url.username}${url.password}` === "";
}

function warningsAbout(publicUrl: string | undefined, email: string): string[] {
  const noUrl = `the files name ${exampleUrl}, as the configuration has no https publicUrl. Name your server with --url.`;
  const noSupport =
    "identity.support in manifest.json is an example. Put your own addresses there before you upload.";
  return [
    ...(publicUrl === undefined ? [noUrl] : []),
    ...(/[@.]example\.(com|org|net)$/i.test(email) ? [noSupport] : []),
  ];
}

type FileState = "new" | "changed" | "same";
type ComparedFile = { path: string; text: string; state: FileState };

/** Each file with what the folder has under its path. Other files there are ignored. Throws `Failure`. */
function compare(folder: string, files: ReadonlyMap<string, string>): Promise<ComparedFile[]> {
  return Promise.all(
    [...files].map(async ([path, text]) => {
      const before = await readFile(join(folder, path), "utf8").catch(missing);
      const state = before === undefined ? "new" : before === text ? "same" : "changed";
      return { path, text, state };
    }),
  );
}

/** Throws `Failure` when the folder cannot be written to. */
async function writeFiles(folder: string, files: readonly ComparedFile[]): Promise<void> {
  for (const { path, text } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true })
      .then(() => writeFile(target, text))
      .catch((cause: unknown) => {
        throw new Failure(
          `${target} cannot be written (${messageOf(cause)}). Make it writable, or use --out.`,
          {
            cause,
          },
        );
      });
  }
}

function missing(cause: unknown): undefined {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return undefined;
  throw new Failure(`A file of the project cannot be read: ${messageOf(cause)}.`, { cause });
}
