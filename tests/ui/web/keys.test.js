import assert from "node:assert/strict";
import test from "node:test";

import { listenToKeys } from "../../../sam2ov/ui/web/controls/keys.js";

test("arrows in sliders and choices move those, and the frame's slider moves the clip", (context) => {
  const heard = {};
  globalThis.Element = class {
    constructor(...matching) {
      this.matching = matching;
    }
    closest(selector) {
      return this.matching.some((one) => selector.split(", ").includes(one)) ? this : null;
    }
  };
  globalThis.document = {
    addEventListener: (kind, listen) => (heard[kind] = listen),
    querySelector: () => null,
  };
  globalThis.addEventListener = () => {};
  context.after(() => ["Element", "document", "addEventListener"].forEach((name) => delete globalThis[name]));
  const steps = [];
  listenToKeys({ isAiming: () => false, step: (by) => steps.push(by) });
  const press = (key, target) => heard.keydown({ key, target, preventDefault: () => {} });
  press("ArrowRight", new Element("input[type=range]:not(.s2-slider)"));
  press("End", new Element("input[type=radio]"));
  assert.deepEqual(steps, []);
  press("ArrowRight", new Element());
  assert.deepEqual(steps, [1]);
});
