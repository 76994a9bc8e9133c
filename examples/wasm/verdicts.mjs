// node verdicts.mjs MODULE.wasm verdicts.csv: the module, built with the feature
// `verdicts`, writes the published text, byte for byte.
import { readFileSync } from "node:fs";

const [module, published] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(module), {});
const { memory, verdicts, verdicts_text } = instance.exports;
const length = verdicts();
const found = Buffer.from(memory.buffer, verdicts_text(), length).toString();
const expected = readFileSync(published, "utf8");
if (found !== expected) {
  const lines = expected.split("\n");
  const at = found.split("\n").findIndex((line, i) => line !== lines[i]);
  console.error(`line ${at + 1} differs: expected ${lines[at]}, found ${found.split("\n")[at]}`);
  process.exit(1);
}
console.log(`the published verdicts are reached: ${expected.split("\n").length - 2} lines`);
