"use strict";
const list = JSON.parse(document.getElementById("list").textContent);
const listed = list.scores.length;
const [count, most, said] = ["count", "most", "said"].map((id) => document.getElementById(id));
const boxes = [...document.querySelectorAll("input[data-row]")];
const byHand = new Map();
let first = list.flagged;

const isDropped = (place) => byHand.get(place) ?? place < first;
const score = (place) => list.scores[place] ?? "inf";
const short = (number) => (typeof number === "number" ? Number(number.toPrecision(4)) : number);

function show() {
  count.value = most.value = first;
  boxes.forEach((box, place) => (box.checked = isDropped(place)));
  let dropped = 0;
  for (let place = 0; place < listed; place += 1) dropped += isDropped(place);
  const above = first < listed ? `score above ${short(score(first))}; ` : "";
  said.textContent = `${above}${dropped} to drop, ${list.count - dropped} to keep`;
}

function choose(event) {
  first = Math.min(Math.max(Math.round(Number(event.target.value)) || 0, 0), listed);
  show();
}

count.addEventListener("change", choose);
most.addEventListener("input", choose);
boxes.forEach((box, place) =>
  box.addEventListener("change", () => {
    byHand.set(place, box.checked);
    show();
  }),
);

const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

document.getElementById("download").addEventListener("click", () => {
  const columns = [
    ["index", list.rows],
    ["id", list.ids],
  ].filter(([, values]) => values);
  const lines = [[...columns.map(([name]) => name), "decision", "score"].join(",")];
  for (let place = 0; place < listed; place += 1) {
    const names = columns.map(([, values]) => cell(String(values[place])));
    lines.push([...names, isDropped(place) ? "drop" : "keep", score(place)].join(","));
  }
  const file = new Blob([lines.join("\n") + "\n"], { type: "text/csv" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = "keep-drop.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});

show();
