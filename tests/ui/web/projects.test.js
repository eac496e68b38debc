import assert from "node:assert/strict";
import test from "node:test";

import { Projects } from "../../../sam2ov/ui/web/projects/projects.js";

const PROJECT = { token: "12345678", name: "clip" };

function makeProjects(isAway) {
  const said = { sent: [], failed: [], left: 0 };
  const projects = Object.assign(Object.create(Projects.prototype), {
    isAway: () => isAway,
    deleted: new Set(),
    doomed: null,
    dialogs: { ask: async () => true },
    kept: { left: () => (said.left += 1) },
    snapshot: () => ({ clip: { token: "of the clip" }, project: PROJECT }),
    send: (event) => said.sent.push(event),
    failed: (text) => said.failed.push(text),
  });
  return { projects, said };
}

test("what a server that is away cannot delete is not deleted later either", async () => {
  const { projects, said } = makeProjects(true);
  await projects.remove(PROJECT);
  projects.close();
  assert.deepEqual([projects.doomed, projects.deleted.size, said.left, said.sent], [null, 0, 0, []]);
  assert.equal(said.failed.length, 2);
});

test("an open project is closed before it is deleted", async () => {
  const { projects, said } = makeProjects(false);
  await projects.remove(PROJECT);
  assert.deepEqual([projects.doomed, said.sent, said.left], [PROJECT.token, ["close"], 1]);
});
