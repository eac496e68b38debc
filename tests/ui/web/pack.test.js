import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { clipsOf, crc32, packed, putIn } from "../../../sam2ov/ui/web/projects/pack.js";

const file = (name, text) => Object.assign(new File([text], name), { webkitRelativePath: "" });

const namesOf = ({ sequences, single }) => [
  sequences.map((images) => images.map(({ name }) => name)),
  single.map(({ name }) => name),
];
const inFolder = (folder, name) => {
  const made = file(name, `${folder}/${name}`);
  putIn(made, folder);
  return made;
};

test("several images are one clip, anything else is several", () => {
  assert.deepEqual(namesOf(clipsOf([file("a1.png", ""), file("a2.PNG", "")])), [[["a1.png", "a2.PNG"]], []]);
  assert.deepEqual(namesOf(clipsOf([file("a1.png", "")])), [[], ["a1.png"]]);
  const mixed = [file("a1.png", ""), file("b.mp4", "")];
  assert.deepEqual(namesOf(clipsOf(mixed)), [[], ["a1.png", "b.mp4"]]);
});

test("each folder of images is a clip, whatever lies beside them", async () => {
  const names = ["0001.png", "0002.png", "readme.txt", "0003.png", "ref.mov"];
  const found = clipsOf(["one", "two"].flatMap((folder) => names.map((name) => inFolder(folder, name))));
  const images = ["0001.png", "0002.png", "0003.png"];
  assert.deepEqual(namesOf(found), [[images, images], ["ref.mov", "ref.mov"]]);
  assert.equal((await packed(found.sequences[1])).name, "two (3 images).zip");
  assert.equal(await found.sequences[1][0].text(), "two/0001.png");
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
    assert.equal(told.trim(), "[('shot_1.PNG', 'one'), ('shot_9.png', 'nine'), ('shot_10.png', 'ten')]");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
