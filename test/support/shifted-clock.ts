/**
 * Loaded with `node --import` before anything else: the clock of this process is ahead by the first number of
 * `TEST_CLOCK_MS`. At SIGUSR2 it jumps to the next one, after the last one to the first.
 */
const shiftsMs = (process.env["TEST_CLOCK_MS"] ?? "0").split(",").map(Number);
const RealDate = Date;
let jumps = 0;

process.on("SIGUSR2", () => {
  jumps += 1;
});

const now = (): number => RealDate.now() + (shiftsMs[jumps % shiftsMs.length] ?? 0);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given: [], newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
  get: (target, name) => (name === "now" ? now : (Reflect.get(target, name) as unknown)),
});
