// Files that come from elsewhere: dropped anywhere on the page, also as folders, or pasted.

import { putIn } from "./pack.js";

const MOST_FILES = 20_000;
/** What folders hold beside what people put there. */
const HIDDEN = /^(\.|thumbs\.db$|desktop\.ini$)/i;

/**
 * @param {HTMLElement} highlighted while files are over the page
 * @param {object} handlers
 * @param {(files: File[]) => void} handlers.onFiles
 * @param {(text: string) => void} handlers.onRefused is told why files cannot be taken
 * @param {(link: string) => void} handlers.onLink
 */
export function listenToArrivals(highlighted, { onFiles, onRefused, onLink }) {
  /** @param {DataTransfer | null} transfer */
  const read = async (transfer) => {
    try {
      return await filesOf(transfer);
    } catch (error) {
      onRefused(error instanceof Error ? error.message : String(error));
      return null;
    }
  };
  let depth = 0;
  /** @param {DragEvent} event */
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;
  // Places of other controls take their files themselves.
  /** @param {Event} event */
  const isOthers = ({ target }) =>
    target instanceof Element && target.closest("[data-takes-files], #side button, #side .upload-container") !== null;
  /** @param {boolean} isOver */
  const highlight = (isOver) => highlighted.classList.toggle("s2-dragged-over", isOver);
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    highlight(true);
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event) && !isOthers(event)) event.preventDefault();
  });
  addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(depth - 1, 0);
    highlight(depth > 0);
  });
  addEventListener("drop", async (event) => {
    depth = 0;
    highlight(false);
    if (!carriesFiles(event) || isOthers(event)) return;
    event.preventDefault();
    const files = await read(event.dataTransfer);
    if (files?.length) onFiles(files);
  });
  document.addEventListener("paste", async (event) => {
    const isTyping = event.target instanceof Element && event.target.closest("input, textarea");
    if (isTyping || document.querySelector("dialog[open]")) return;
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    const files = await read(event.clipboardData);
    if (!files) return;
    if (files.length) onFiles(files);
    else if (/^https?:\/\/\S+$/i.test(text)) onLink(text);
  });
}

/**
 * The files of a drop or the clipboard, folders opened, in the order of their names.
 *
 * @param {DataTransfer | null} transfer
 */
async function filesOf(transfer) {
  if (!transfer) return [];
  // Entries have to be taken before anything is waited for.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  /** @type {File[]} */
  const files = [];
  for (const entry of entries) if (entry) await collect(entry, files);
  return files;
}

/**
 * @param {FileSystemEntry} entry
 * @param {File[]} files that it is added to
 */
async function collect(entry, files) {
  if (HIDDEN.test(entry.name)) return;
  if (entry instanceof FileSystemFileEntry) {
    if (files.length >= MOST_FILES) {
      throw new Error(`These are more than ${MOST_FILES.toLocaleString("en")} files. Send fewer at once.`);
    }
    /** @type {File} */
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    putIn(file, entry.fullPath.split("/").slice(1, -1).join("/"));
    files.push(file);
  } else if (entry instanceof FileSystemDirectoryEntry) {
    const reader = entry.createReader();
    /** @type {FileSystemEntry[]} */
    const within = [];
    for (;;) {
      /** @type {FileSystemEntry[]} */
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) break;
      within.push(...some);
    }
    within.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    for (const one of within) await collect(one, files);
  }
}
