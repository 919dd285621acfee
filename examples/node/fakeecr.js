// The fixture: an Amazon ECR for a test file, empty again for each test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { devNull } from "node:os";
import { createInterface } from "node:readline";

// Nothing else on the machine may lead a client elsewhere.
const environment = {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "123456789012", // 12 digits are the account
  AWS_SECRET_ACCESS_KEY: "any",
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
};

/** Starts the program and points this process at it. */
export async function start() {
  // From $FAKEECR or the PATH: go install github.com/fakeecr/ecr/fakeecr/cmd/fakeecr@latest
  const program = spawn(process.env.FAKEECR ?? "fakeecr", ["-repository", "team/app"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(program, "spawn");
  const [line] = await once(createInterface({ input: program.stdout }), "line");
  const url = line.split(" ").at(-1);
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, environment, { AWS_ENDPOINT_URL_ECR: url });
  return new FakeECR(url, program);
}

class FakeECR {
  constructor(url, program) {
    this.url = url;
    this.program = program;
  }

  async reset() {
    await this.#control("POST", "reset");
  }

  async play(...rules) {
    await this.#control("POST", "scenario", { rules });
  }

  /** Stops what is played; a rule that never fired fails the test, as it proved nothing. */
  async stop() {
    await this.#control("DELETE", "scenario");
  }

  async count(operation) {
    return JSON.parse(await this.#control("GET", `trace?operation=${operation}`)).length;
  }

  async end() {
    this.program.kill();
    await once(this.program, "exit");
  }

  async #control(method, path, body) {
    const response = await fetch(`${this.url}/_fakeecr/${path}`, {
      method,
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
    return text;
  }
}
