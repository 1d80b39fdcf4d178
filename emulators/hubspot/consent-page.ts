import type { EmulatorReply } from "../contract.ts";
import { escapeHtml } from "../page.ts";

const style =
  "body { font: 15px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }";

/** What an installer reads before the app gets into the portal; optional scopes can be left out. */
export function consentPage(asked: {
  action: string;
  portalId: number;
  required: readonly string[];
  optional: readonly string[];
}): EmulatorReply {
  const required = asked.required.map((scope) => `<li>${escapeHtml(scope)}</li>`);
  const optional = asked.optional.map(
    (scope) =>
      `<li><label><input type="checkbox" name="scope:${escapeHtml(scope)}" checked> ${escapeHtml(scope)}</label></li>`,
  );
  return html(
    200,
    "Connect app to HubSpot (emulated)",
    `<p>The app asks portal ${asked.portalId} for:</p>
<form method="post" action="${escapeHtml(asked.action)}">
<ul>${[...required, ...optional].join("")}</ul>
<button name="decision" value="accept">Connect app</button>
<button name="decision" value="deny">Cancel</button>
</form>`,
  );
}

/** Errors of a consent go to the person, never to the app. unverified: the status and the words. */
export function consentError(reason: string): EmulatorReply {
  return html(400, "Authorization failed (emulated)", `<p>${escapeHtml(reason)}</p>`);
}

function html(status: number, title: string, content: string): EmulatorReply {
  const text = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${style}</style></head>
<body><h1>${title}</h1>${content}</body></html>
`;
  return { status, text };
}
