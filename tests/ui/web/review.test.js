import assert from "node:assert/strict";
import test from "node:test";

import { entryElement, reasonOf } from "../../../sam2ov/ui/web/timeline/review.js";

// As much of a document as entries are made with; what would be parsed is kept apart.
const parsed = [];
class FakeElement {
  attributes = new Map();
  children = [];
  dataset = {};
  style = {};
  setAttribute(name, value) {
    this.attributes.set(name, value);
  }
  append(...children) {
    this.children.push(...children);
  }
  set innerHTML(markup) {
    parsed.push(markup);
  }
}

test("a name is never part of markup", (context) => {
  globalThis.document = { createElement: () => new FakeElement() };
  context.after(() => delete globalThis.document);
  const name = `" onmouseover=alert(1) x="<img src=x onerror=alert(2)>`;
  const item = { reason: "lost", frames: 1 };
  const reason = reasonOf(item, [name]);
  const entry = entryElement({ id: "lost 3 1", frame: 3, reason, colours: ["#ff0000"], time: "0:00", isCurrent: false });
  const [go, fine] = entry.children;
  const [dot, text] = go.children;
  assert.equal(text.textContent, `${name} is lost`);
  assert.equal(fine.attributes.get("aria-label"), `Looks fine: ${name} is lost, 0:00`);
  assert.equal(dot.style.background, "#ff0000");
  assert.equal(entry.attributes.get("aria-current"), "false");
  assert.ok(parsed.length > 0 && parsed.every((markup) => !markup.includes("alert")));
});
