import { ArchiveError } from "../core/errors.ts";

const parts = /^[A-Za-z0-9_][\w.-]{0,119}(\/[A-Za-z0-9_][\w.-]{0,119})*$/;
const longestName = 500;

/** Whether this is a path below a root on every system and in every bucket: no part begins with a dot, no character needs quoting. */
export function isPath(text: string): boolean {
  return text.length <= longestName && parts.test(text);
}

/** The name itself. Throws for one that could lead out of the archive. */
export function safePath(text: string): string {
  if (isPath(text)) return text;
  throw new ArchiveError(
    "never",
    `${JSON.stringify(text.slice(0, 80))} cannot be a name in the archive: letters, digits, "_", "-", "." and "/" only`,
  );
}

const endingByType: Readonly<Record<string, string>> = {
  "audio/mpeg": ".mp3",
  "audio/wav": ".wav",
  "audio/ogg": ".ogg",
  "audio/mp4": ".m4a",
  "audio/aac": ".aac",
  "audio/flac": ".flac",
  "audio/webm": ".webm",
  "application/octet-stream": ".bin",
};
const otherNames: Readonly<Record<string, string>> = {
  "audio/mp3": "audio/mpeg",
  "audio/x-mp3": "audio/mpeg",
  "audio/wave": "audio/wav",
  "audio/x-wav": "audio/wav",
  "audio/vnd.wave": "audio/wav",
  "audio/x-m4a": "audio/mp4",
  "audio/m4a": "audio/mp4",
  "audio/x-flac": "audio/flac",
};
const unknownType = "application/octet-stream";

/** One of the types in `endingByType`, for any name that providers use for it. */
export function plainType(type: string): string {
  const [bare = ""] = type.toLowerCase().split(";");
  const known = otherNames[bare.trim()] ?? bare.trim();
  return Object.hasOwn(endingByType, known) ? known : unknownType;
}

export function endingOf(type: string): string {
  return endingByType[type] ?? ".bin";
}

export function typeOf(file: string): string {
  const found = Object.entries(endingByType).find(([, ending]) => file.endsWith(ending));
  return found?.[0] ?? unknownType;
}
