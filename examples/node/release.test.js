import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { ECRClient, ListImagesCommand } from "@aws-sdk/client-ecr";

import { start } from "./fakeecr.js";
import { publish } from "./release.js";

let fakeecr;
before(async () => (fakeecr = await start()));
beforeEach(() => fakeecr.reset());
afterEach(() => fakeecr.stop());
after(() => fakeecr.end());

const content = Buffer.from("the release");

async function released() {
  const { imageIds } = await new ECRClient({}).send(new ListImagesCommand({ repositoryName: "team/app" }));
  return imageIds;
}

test("publishes", async () => {
  const imageDigest = await publish("team/app", "v1", content);
  assert.deepEqual(await released(), [{ imageDigest, imageTag: "v1" }]);
});

test("each test begins anew", async () => {
  assert.deepEqual(await released(), []);
});

test("the repository must exist", async () => {
  await assert.rejects(publish("team/other", "v1", content), {
    name: "RepositoryNotFoundException",
    message: "The repository with name 'team/other' does not exist in the registry with id '123456789012'",
  });
});

test("throttling is survived", async () => {
  await fakeecr.play({ on: "PutImage", when: { first: 2 }, do: { fail: { code: "ThrottlingException", message: "Rate exceeded" } } });
  const imageDigest = await publish("team/app", "v1", content);
  assert.deepEqual(await released(), [{ imageDigest, imageTag: "v1" }]);
  assert.equal(await fakeecr.count("PutImage"), 3);
});

test("a lost reply is no failure", async () => {
  // PutImage is carried out, and the client learns nothing of it. It tries again, and the image is there.
  await fakeecr.play({ on: "PutImage", when: { nth: 1 }, do: { drop: true } });
  const imageDigest = await publish("team/app", "v1", content);
  assert.deepEqual(await released(), [{ imageDigest, imageTag: "v1" }]);
  assert.equal(await fakeecr.count("PutImage"), 2);
});
