/** Loaded with `node --import` before anything else: the clock of this process differs by `TEST_CLOCK_MS`. */
const shiftMs = Number(process.env["TEST_CLOCK_MS"]);
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given: [], newTarget) =>
    Reflect.construct(target, given.length === 0 ? [RealDate.now() + shiftMs] : given, newTarget),
  get: (target, name) =>
    name === "now" ? () => RealDate.now() + shiftMs : (Reflect.get(target, name) as unknown),
});
