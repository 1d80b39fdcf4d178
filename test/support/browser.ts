import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inflate } from "@sparticuz/chromium";
import { chromium, type Page } from "playwright-core";

export type TestBrowser = Awaited<ReturnType<typeof openBrowser>>;

/** `faults`: what the console called an error (a refusal by CSP is one), and what scripts threw. */
export type OpenedPage = { page: Page; faults: string[] };

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A host's proxy would look up names for it, and reach them.
  "--no-proxy-server",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/** A headless Chromium with a profile of its own that reaches nothing but loopback: the host's, or the packed one. */
export async function openBrowser() {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-browser-"));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", remove);
  try {
    const { executablePath, env } = installed() ?? (await unpack(folder));
    const started = await chromium.launchPersistentContext(join(folder, "profile"), {
      executablePath,
      args: flags,
      artifactsDir: folder,
      env: { PATH: process.env["PATH"], HOME: folder, TMPDIR: folder, ...env },
    });
    const browser = started.browser();
    if (!browser) throw new Error("Playwright gives no browser for a profile of ours");
    return {
      version: browser.version(),

      /** A page as somebody sees it who has never been there. */
      async open(url: string): Promise<OpenedPage> {
        const context = await browser.newContext();
        const page = await context.newPage();
        const faults: string[] = [];
        page.on("console", (said) => {
          if (said.type() === "error") faults.push(`${said.text()} (${said.location().url})`);
        });
        page.on("pageerror", (error) => faults.push(String(error)));
        await page.goto(url);
        return { page, faults };
      },

      async stop(): Promise<void> {
        await browser.close();
        process.off("exit", remove);
        remove();
      },
    };
  } catch (error) {
    process.off("exit", remove);
    remove();
    throw error;
  }
}

type Chromium = { executablePath: string; env?: Record<string, string> };

function installed(): Chromium | undefined {
  const given = process.env["CHROMIUM_PATH"];
  if (given) return { executablePath: given };
  const usual = "/usr/bin/chromium";
  return existsSync(usual) ? { executablePath: usual } : undefined;
}

/** The package's own set-up is for its cloud only: shared places in the temp folder, and libraries unpacked there alone. */
async function unpack(folder: string): Promise<Chromium> {
  const packed = join(dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium")), "../bin");
  const inFolder = (archive: string) => inflateInto(folder, join(packed, archive));
  const [executablePath, libraries, fonts] = await Promise.all([
    inFolder("chromium.br"),
    // NSS, NSPR and expat, which a bare Debian does not have; what else it needs comes with glibc and gcc.
    inFolder("al2023.tar.br"),
    inFolder("fonts.tar.br"),
  ]);
  const fontSettings = join(folder, "fonts.conf");
  writeFileSync(
    fontSettings,
    `<fontconfig><dir>${fonts}</dir><dir>/usr/share/fonts</dir><cachedir>${folder}/font-cache</cachedir></fontconfig>`,
  );
  return { executablePath, env: { LD_LIBRARY_PATH: join(libraries, "lib"), FONTCONFIG_FILE: fontSettings } };
}

/** The package reads the temp folder before it begins, and unpacks nowhere else. */
function inflateInto(folder: string, archive: string): Promise<string> {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  try {
    return inflate(archive);
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}
