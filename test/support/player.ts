import type { Page } from "playwright-core";

/** What is read of an `<audio>`: the house has no types of browsers. */
type Audio = {
  currentTime: number;
  duration: number;
  paused: boolean;
  buffered: { length: number; start(index: number): number; end(index: number): number };
  error: { code: number } | null;
  addEventListener(event: string, listen: () => void, options?: { once: boolean }): void;
};

/** In seconds. `buffered`: from and to. `fault`: the code of a `MediaError`. */
export type Heard = {
  at: number;
  length: number;
  paused: boolean;
  buffered: [number, number][];
  fault?: number;
};

/** `range`: what the browser asked for; `got`: the range it was given. */
type Answer = { status: number; range?: string; got?: string };

/** The first player of a page, and what our server answered it. */
export function playerOn(page: Page) {
  const audio = page.locator("audio").first();
  const answers: Answer[] = [];
  page.on("response", (response) => {
    if (!new URL(response.url()).pathname.startsWith("/recordings/")) return;
    const { range } = response.request().headers();
    const { "content-range": got } = response.headers();
    answers.push({ status: response.status(), ...(range && { range }), ...(got && { got }) });
  });

  const heard = (): Promise<Heard> =>
    audio.evaluate(({ currentTime, duration, paused, buffered, error }: Audio) => ({
      at: currentTime,
      length: duration,
      paused,
      buffered: Array.from({ length: buffered.length }, (_, i): [number, number] => [
        buffered.start(i),
        buffered.end(i),
      ]),
      ...(error && { fault: error.code }),
    }));

  return {
    answers,
    heard,

    source: (): Promise<string | null> => audio.getAttribute("src"),

    /** As somebody does at the keyboard. */
    async pressPlay(): Promise<void> {
      await audio.focus();
      await page.keyboard.press("Space");
    },

    /** Waits until it is past that second, or cannot go on. */
    async playsPast(second: number): Promise<Heard> {
      await audio.evaluate(
        (player: Audio, past) =>
          new Promise<void>((resolve) => {
            const look = () => {
              if (player.currentTime > past || player.error) resolve();
            };
            for (const event of ["timeupdate", "error"]) player.addEventListener(event, look);
            look();
          }),
        second,
      );
      return heard();
    },

    /** Moves to that second; tells where it was when it had got there. */
    async seek(second: number): Promise<Heard> {
      const at = await audio.evaluate(
        (player: Audio, to) =>
          new Promise<number>((resolve) => {
            const arrive = () => resolve(player.currentTime);
            player.addEventListener("seeked", arrive, { once: true });
            player.addEventListener("error", arrive, { once: true });
            player.currentTime = to;
          }),
        second,
      );
      return { ...(await heard()), at };
    },
  };
}
