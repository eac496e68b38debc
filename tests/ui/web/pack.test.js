import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { areSequence, crc32, packed } from "../../../sam2ov/ui/web/projects/pack.js";

const file = (name, text) => Object.assign(new File([text], name), { webkitRelativePath: "" });

test("several images are one clip, anything else is several", () => {
  assert.ok(areSequence([file("a1.png", ""), file("a2.PNG", "")]));
  assert.ok(!areSequence([file("a1.png", "")]));
  assert.ok(!areSequence([file("a1.png", ""), file("b.mp4", "")]));
});

test("the check sum is that of zips", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

test("others can read the archive, in the order of the numbers", async () => {
  const files = [file("shot_10.png", "ten"), file("shot_9.png", "nine"), file("shot_1.PNG", "one")];
  const archive = await packed(files);
  assert.equal(archive.name, "shot (3 images).zip");
  const folder = mkdtempSync(join(tmpdir(), "pack-"));
  try {
    const path = join(folder, "made.zip");
    writeFileSync(path, new Uint8Array(await archive.arrayBuffer()));
    const read = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print([(n, z.read(n).decode()) for n in z.namelist()])";
    const told = execFileSync("python3", ["-c", read, path], { encoding: "utf-8" });
    assert.equal(told.trim(), "[('000000.png', 'one'), ('000001.png', 'nine'), ('000002.png', 'ten')]");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
