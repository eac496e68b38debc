import assert from "node:assert/strict";
import test from "node:test";

import { Away } from "../../../sam2ov/ui/web/away.js";
import { Edits } from "../../../sam2ov/ui/web/stage/edits.js";

const OPEN = { project: { token: "mine" }, job: null, opened: 1, edits: 0 };
const NEW = { project: null, job: null, opened: 0, edits: 0 };

// A server that was started anew while an edit was on its way.
function makeAway() {
  const sent = [];
  const edits = new Edits((edit) => sent.push(edit.kind));
  const away = new Away({ edits });
  edits.make({ kind: "undo" });
  away.restarted(OPEN, NEW);
  edits.restart(NEW);
  away.received(NEW);
  sent.length = 0;
  return { away, sent };
}

test("edits are made again in the project that they were made in", () => {
  const { away, sent } = makeAway();
  away.received({ ...NEW, job: { kind: "load" } });
  away.received(OPEN);
  assert.deepEqual(sent, ["undo"]);
});

test("they are dropped where it cannot be opened, or another one is", () => {
  for (const meanwhile of [{ ...NEW, opened: 1 }, { ...OPEN, project: { token: "other" } }]) {
    const { away, sent } = makeAway();
    away.received(meanwhile);
    away.received({ ...OPEN, opened: 2 });
    assert.deepEqual(sent, []);
  }
});
