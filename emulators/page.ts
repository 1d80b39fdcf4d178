import type { Page, PageEntry } from "./contract.ts";

const mostContacts = 100;

const style = `
  :root { color-scheme: light dark; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 0; }
  section { border: 1px solid #8884; border-radius: 8px; padding: 1rem 1.2rem; margin: 1rem 0; }
  .quiet { opacity: .65; } p { margin: .2rem 0; overflow-wrap: anywhere; }
  ol { list-style: none; margin: .8rem 0 0; padding: 0; }
  li { border-left: 3px solid #2f7dd1; padding: .1rem 0 .1rem .8rem; margin: .7rem 0; }
  li.task { border-color: #d08a1d; } li.note { border-color: #888; }
  .text { white-space: pre-wrap; } audio { width: 100%; max-width: 24rem; margin-top: .3rem; }
`;

/** The page at `/`: contacts with their timelines, the newest first. */
export function renderPage(page: Page): string {
  const contacts = page.contacts
    .filter((contact) => contact.timeline.length > 0)
    .map((contact) => ({ ...contact, timeline: newestFirst(contact.timeline) }))
    .sort((a, b) => (b.timeline[0]?.at ?? 0) - (a.timeline[0]?.at ?? 0));
  const shown = contacts.slice(0, mostContacts);
  const loose = newestFirst(page.loose ?? []).slice(0, mostContacts);
  const sections = shown.map(({ name, detail, timeline }) => renderSection(name, detail, timeline));
  if (loose.length > 0) sections.push(renderSection("Without a contact", undefined, loose));
  const title = escapeHtml(page.title);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${style}</style></head>
<body><h1>${title}</h1>
<p class="quiet">${summary(shown.length, contacts.length)}</p>
${sections.join("\n")}
</body></html>
`;
}

function summary(shown: number, all: number): string {
  if (all === 0) return "No contact has any activity yet.";
  return shown < all
    ? `The newest ${shown} of ${all} contacts with activity.`
    : `Contacts with activity: ${all}.`;
}

function renderSection(name: string, detail: string | undefined, timeline: PageEntry[]): string {
  const about = detail ? `<p class="quiet">${escapeHtml(detail)}</p>` : "";
  return `<section><h2>${escapeHtml(name)}</h2>${about}<ol>${timeline.map(renderEntry).join("")}</ol></section>`;
}

function renderEntry(entry: PageEntry): string {
  const facts = [...(entry.owner ? [entry.owner] : []), ...(entry.facts ?? [])];
  const time = new Date(entry.at).toISOString();
  const lines = [
    `<p><strong>${escapeHtml(entry.title)}</strong></p>`,
    `<p class="quiet"><time datetime="${time}">${time.slice(0, 16).replace("T", " ")}</time>${facts
      .map((fact) => ` · ${escapeHtml(fact)}`)
      .join("")}</p>`,
  ];
  if (entry.text) lines.push(`<p class="text">${linked(entry.text)}</p>`);
  if (entry.link && /^https?:\/\//i.test(entry.link.href)) {
    const { href, label } = entry.link;
    // Nothing is asked of the server until a rep plays it: a page may show a hundred.
    if (isAudio(href))
      lines.push(
        `<audio controls preload="none" aria-label="${escapeHtml(label)}" src="${escapeHtml(href)}"></audio>`,
      );
    lines.push(`<p><a rel="noreferrer" href="${escapeHtml(href)}">${escapeHtml(label)}</a></p>`);
  }
  return `<li class="${entry.kind}">${lines.join("")}</li>`;
}

/** A text whose web addresses are links. */
function linked(text: string): string {
  return text
    .split(/(https?:\/\/[^\s<>"']+)/i)
    .map((part, i) => {
      const shown = escapeHtml(part);
      return i % 2 === 0 ? shown : `<a rel="noreferrer" href="${shown}">${shown}</a>`;
    })
    .join("");
}

/** HubSpot's player, too, goes by the ending. */
function isAudio(href: string): boolean {
  return URL.canParse(href) && /\.(mp3|wav)$/i.test(new URL(href).pathname);
}

function newestFirst(timeline: PageEntry[]): PageEntry[] {
  return [...timeline].sort((a, b) => b.at - a.at);
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
