import { identityOf, numbersIn } from "../src/core/phone.ts";

/** Microseconds that the identity of a number costs: plain E.164, and as people type it. */
export function phoneCosts(): { plain: number; typed: number } {
  const plain = Array.from({ length: 1_000 }, (_, i) => `+3161234${String(i).padStart(4, "0")}`);
  const typed = plain.map((number) => `06-${number.slice(4)} (mobile)`);
  const cost = (runs: number, work: (i: number) => unknown): number => {
    for (let i = 0; i < runs / 10; i += 1) work(i);
    const started = performance.now();
    for (let i = 0; i < runs; i += 1) work(i);
    return Math.round(((performance.now() - started) * 100_000) / runs) / 100;
  };
  return {
    plain: cost(1_000_000, (i) => identityOf(plain[i % plain.length], "NL")),
    typed: cost(20_000, (i) => numbersIn(typed[i % typed.length] ?? "", "NL")),
  };
}
