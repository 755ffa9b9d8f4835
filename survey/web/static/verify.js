// A file is hashed here and stays here. Without this script, or without a secure connection, the form is sent instead.
"use strict";
const form = document.querySelector("form.checker");
const told = document.getElementById("told");
const input = form.elements.file;
const documents = [...document.querySelectorAll(".hashes li")];

const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const hash = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));

function say(verdict, found, sha256) {
  document.getElementById("outcome")?.remove();
  const line = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = told.dataset[verdict];
  line.append(strong);
  if (found) line.append(` ${found.querySelector(".document").textContent}, ${found.querySelector("p").textContent.trim()}.`);
  const lines = [line];
  const add = (text, className) => lines.push(Object.assign(document.createElement("p"), { textContent: text, className }));
  if (found && "old" in found.dataset && verdict !== "added") add(told.dataset.old, "");
  if (verdict === "unknown" || verdict === "added") add(told.dataset.hint, "");
  if (sha256) add(`SHA-256 ${sha256}`, "address");
  told.className = `notice outcome-${verdict}`;
  told.replaceChildren(...lines);
  told.hidden = false;
}

async function compare(file) {
  if (file.size > form.dataset.largest * 1e6) return say("too_large");
  const bytes = await file.arrayBuffer();
  const whole = await hash(bytes);
  if (new TextDecoder("latin1").decode(bytes.slice(0, 5)) !== "%PDF-") return say("no_pdf", null, whole);
  const same = documents.find((entry) => entry.dataset.sha256 === whole);
  if (same) return say("same", same, whole);
  const prefixes = new Map();
  for (const entry of documents) {
    const size = Number(entry.dataset.bytes ?? Infinity);
    if (size > bytes.byteLength) continue;
    if (!prefixes.has(size)) prefixes.set(size, await hash(bytes.slice(0, size)));
    if (prefixes.get(size) === entry.dataset.unsigned) return say(size === bytes.byteLength ? "unsigned" : "added", entry, whole);
  }
  return say("unknown", null, whole);
}

if (globalThis.crypto?.subtle) {
  for (const note of document.querySelectorAll(".verify-plain, .verify-here")) note.hidden = !note.hidden;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.files[0]) compare(input.files[0]);
  });
  input.addEventListener("change", () => { if (input.files[0]) compare(input.files[0]); });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("is-over");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("is-over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-over");
    const file = event.dataTransfer.files[0];
    if (file) compare(file);
  });
}
