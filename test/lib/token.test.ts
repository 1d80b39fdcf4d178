import { describe, expect, test } from "vitest";
import type { Token } from "../../src/core/crm-app.ts";
import { createTokenSource, fixedToken, withToken } from "../../src/lib/token.ts";

/** A source whose tokens are `t1`, `t2`, ... each good for ten minutes. */
function source(fail: (count: number) => boolean = () => false) {
  const clock = { now: 1_000_000 };
  const fetched = { count: 0 };
  const fetchToken = async (): Promise<Token> => {
    fetched.count += 1;
    if (fail(fetched.count)) throw new Error("refused");
    return { accessToken: `t${fetched.count}`, expiresAt: clock.now + 600_000 };
  };
  return { tokens: createTokenSource(fetchToken, () => clock.now), clock, fetched };
}

const accepts = (good: string) => async (token: Token) => (token.accessToken === good ? "done" : "refused");
const isRefusal = (result: string) => result === "refused";

describe("a token", () => {
  test("is fetched once, however many ask", async () => {
    const { tokens, fetched } = source();
    const all = await Promise.all([1, 2, 3].map(() => tokens.current()));
    expect(new Set(all.map(({ accessToken }) => accessToken))).toEqual(new Set(["t1"]));
    expect((await tokens.current()).accessToken).toBe("t1");
    expect(fetched.count).toBe(1);
  });

  test("is renewed a minute before it expires", async () => {
    const { tokens, clock } = source();
    await tokens.current();
    clock.now += 539_000;
    expect((await tokens.current()).accessToken).toBe("t1");
    clock.now += 1_000;
    expect((await tokens.current()).accessToken).toBe("t2");
  });

  test("without an expiry stays until it is refused", async () => {
    let count = 0;
    const tokens = createTokenSource(
      async () => ({ accessToken: `t${++count}` }),
      () => Number.MAX_SAFE_INTEGER,
    );
    const first = await tokens.current();
    expect(await tokens.current()).toBe(first);
    tokens.refused(first);
    expect((await tokens.current()).accessToken).toBe("t2");
  });

  test("that cannot be fetched fails all who wait, and the next one tries again", async () => {
    const { tokens, fetched } = source((count) => count === 1);
    const waiting = [tokens.current(), tokens.current()];
    for (const { status } of await Promise.allSettled(waiting)) expect(status).toBe("rejected");
    expect(fetched.count).toBe(1);
    expect((await tokens.current()).accessToken).toBe("t2");
  });

  test("is not thrown away because an older one was refused", async () => {
    const { tokens } = source();
    const old = await tokens.current();
    tokens.refused(old);
    await tokens.current();
    tokens.refused(old);
    expect((await tokens.current()).accessToken).toBe("t2");
  });
});

describe("work with a token", () => {
  test("is done once when the token is taken", async () => {
    const { tokens, fetched } = source();
    expect(await withToken(tokens, accepts("t1"), isRefusal)).toBe("done");
    expect(fetched.count).toBe(1);
  });

  test("is done again with a new token when the first one is refused", async () => {
    const { tokens } = source();
    expect(await withToken(tokens, accepts("t2"), isRefusal)).toBe("done");
  });

  test("is never done a third time", async () => {
    const { tokens } = source();
    const used: string[] = [];
    const work = async ({ accessToken }: Token) => {
      used.push(accessToken);
      return "refused";
    };
    expect(await withToken(tokens, work, isRefusal)).toBe("refused");
    expect(used).toEqual(["t1", "t2"]);
  });

  test("fetches one new token for all whose old one was refused", async () => {
    const { tokens, fetched } = source();
    const all = await Promise.all([1, 2, 3].map(() => withToken(tokens, accepts("t2"), isRefusal)));
    expect(all).toEqual(["done", "done", "done"]);
    expect(fetched.count).toBe(2);
  });

  test("with a token from the settings is not done again: nothing can renew that", async () => {
    const used: string[] = [];
    const work = async ({ accessToken }: Token) => {
      used.push(accessToken);
      return "refused";
    };
    expect(await withToken(fixedToken("fixed"), work, isRefusal)).toBe("refused");
    expect(used).toEqual(["fixed"]);
  });

  test("that throws is not done again", async () => {
    const { tokens, fetched } = source();
    const work = async () => Promise.reject(new Error("broken"));
    await expect(withToken(tokens, work, isRefusal)).rejects.toThrow("broken");
    expect(fetched.count).toBe(1);
  });
});
