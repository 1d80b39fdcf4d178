// Prints the figures of the house, then every breach of its laws.
import { filesOfTheHouse, packagesOfTheHouse } from "../test/boundaries/house.ts";
import { findFaults } from "../test/boundaries/rules.ts";
import { importsOf, readSource } from "../test/boundaries/source.ts";

const files = filesOfTheHouse();
const product = [...files].filter(([path]) => /^(src|connectors)\//.test(path));
const lengths = product.map(([, text]) => text.split("\n").length - 1).sort((a, b) => a - b);
const lines = lengths.reduce((sum, one) => sum + one, 0);
const imports = product.flatMap(([, text]) =>
  importsOf(readSource(text)).filter(({ from }) => from?.startsWith(".")),
);
const faults = findFaults(files, packagesOfTheHouse());

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const shown = (value = 0): string => number.format(value);
console.log(
  `src and connectors: ${shown(product.length)} files, ${shown(lines)} lines, median ${shown(lengths[Math.floor(lengths.length / 2)])}, longest ${shown(lengths.at(-1))}; ${shown(imports.length / product.length)} imports of our own a file`,
);
for (const fault of faults) console.log(fault);
process.exit(faults.length === 0 ? 0 : 1);
