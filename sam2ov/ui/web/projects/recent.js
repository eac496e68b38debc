// A list of kept projects: click one to open it.

/** @import { KeptProject } from "../messages.js" */

import { ago, bytes } from "../texts.js";

const CROSS = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="m4.5 4.5 7 7m0-7-7 7" /></svg>';

export class RecentList {
  /**
   * @param {HTMLElement} element
   * @param {string} root
   * @param {object} handlers are called for what is clicked
   * @param {(project: KeptProject) => void} handlers.open
   * @param {(project: KeptProject) => void} handlers.remove
   */
  constructor(element, root, { open, remove }) {
    this.element = element;
    this.root = root;
    this.open = open;
    this.remove = remove;
    this.shown = ""; // what the list was made from
  }

  /** @param {KeptProject[]} projects */
  show(projects) {
    const shown = JSON.stringify(projects.map((project) => [project.token, factsOf(project)]));
    if (shown === this.shown) return;
    this.shown = shown;
    this.element.replaceChildren(...projects.map((project) => this.#entry(project)));
  }

  /** @param {KeptProject} project */
  #entry(project) {
    const entry = document.createElement("li");
    const choose = document.createElement("button");
    choose.type = "button";
    choose.className = "s2-card";
    choose.dataset.project = project.token;
    const picture = document.createElement("img");
    picture.alt = "";
    picture.loading = "lazy";
    picture.src = `${this.root}/projects/${project.token}/thumbnail.jpg`;
    picture.addEventListener("error", () => picture.classList.add("s2-missing"), { once: true });
    const name = document.createElement("b");
    name.textContent = project.name;
    const { name: title, frames, width, height } = project;
    choose.title = `${title}: ${frames} ${frames === 1 ? "frame" : "frames"}, ${width}×${height}`;
    const facts = document.createElement("small");
    facts.textContent = factsOf(project);
    choose.append(picture, name, facts);
    choose.addEventListener("click", () => this.open(project));
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "s2-small s2-discard";
    remove.innerHTML = CROSS;
    remove.title = `Delete ${project.name}`;
    remove.setAttribute("aria-label", remove.title);
    remove.addEventListener("click", () => this.remove(project));
    entry.append(choose, remove);
    return entry;
  }
}

/** @param {KeptProject} project */
function factsOf(project) {
  const used = project.is_open ? "open now" : ago(project.used);
  return `${used} · ${bytes(project.bytes)}`;
}
