import { existsSync, readFileSync } from "node:fs";
import { request as plainly } from "node:http";
import { request as safely } from "node:https";
import { isIPv6 } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { HarnessError, messageOf } from "../errors.ts";

/** Docker, or what answers in its place. It is spoken to directly: Testcontainers takes a quarter of a second to load. */
export interface Docker {
  /** Where it listens: `unix:///var/run/docker.sock`. */
  readonly uri: string;
  /** What it says of something, and what time it is where it runs. */
  get<T>(path: string): Promise<{ readonly said: T; readonly now: number }>;
  /** Removes a container and its volumes, running or not; `false` if somebody else did or is about to. */
  remove(container: string): Promise<boolean>;
}

/**
 * Looks where Testcontainers looks, in its order; but a `DOCKER_HOST` that does not answer is told and not passed over,
 * as whoever set it means no other.
 *
 * @throws {HarnessError} `engine-not-had` where nothing answers.
 */
export async function findDocker(): Promise<Docker> {
  const why: string[] = [];
  for (const uri of urisOfDocker()) {
    try {
      await send(uri, "GET", "/_ping", 5000);
      return dockerAt(uri);
    } catch (cause) {
      why.push(`${uri}: ${reasonOf(cause)}`);
      if (uri === process.env.DOCKER_HOST) break;
    }
  }
  const said = why.length === 0 ? "no socket of it is here" : why.join("; ");
  throw new HarnessError("engine-not-had", `Docker does not answer (${said}): start it, or set DOCKER_HOST`);
}

function dockerAt(uri: string): Docker {
  return {
    uri,
    async get<T>(path: string) {
      const { body, date } = await send(uri, "GET", path, 60_000);
      return { said: JSON.parse(body) as T, now: date };
    },
    async remove(container) {
      try {
        await send(uri, "DELETE", `/containers/${container}?force=1&v=1`, 60_000);
        return true;
      } catch (cause) {
        if (cause instanceof Refused && [404, 409].includes(cause.status)) return false;
        throw cause;
      }
    },
  };
}

/** The host on which containers publish their ports, as Testcontainers finds it; inside a container it may be a guess. */
export async function hostOf(docker: Docker): Promise<{ readonly host: string; readonly certain: boolean }> {
  const { protocol, hostname } = new URL(docker.uri);
  const told = process.env.TESTCONTAINERS_HOST_OVERRIDE || (isSocket(protocol) ? undefined : hostname);
  if (told !== undefined) return { host: told, certain: true };
  if (!existsSync("/.dockerenv")) return { host: "localhost", certain: true };
  const network = docker.uri.includes("podman.sock") ? "podman" : "bridge";
  const asked = docker.get<{ IPAM?: { Config?: { Gateway?: string }[] } }>(`/networks/${network}`);
  const gateway = await asked
    .then(({ said }) => said.IPAM?.Config?.find(({ Gateway }) => Gateway)?.Gateway)
    .catch(() => undefined);
  return { host: gateway ?? "localhost", certain: gateway !== undefined };
}

/** A port of the host that leads into a container. */
export interface Binding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** Both families of addresses may be published, each on a port of its own. MySQL's own client takes "localhost" for a socket. */
export function publishedAt(bindings: readonly Binding[], host: string): { host: string; port: number } | undefined {
  const ofFamily = ({ HostIp }: Binding) => isIPv6(HostIp) === isIPv6(host);
  const binding = bindings.find(ofFamily) ?? bindings[0];
  if (binding === undefined) return undefined;
  return { host: host === "localhost" && !isIPv6(binding.HostIp) ? "127.0.0.1" : host, port: Number(binding.HostPort) };
}

function urisOfDocker(): readonly string[] {
  const host = process.env.DOCKER_HOST || property("docker.host");
  const named = [property("tc.host"), host].filter((uri) => uri !== undefined);
  if (process.platform === "win32") return [...named, "npipe:////./pipe/docker_engine"];
  const sockets = [
    "/var/run/docker.sock",
    ...(process.env.XDG_RUNTIME_DIR ? [join(process.env.XDG_RUNTIME_DIR, "docker.sock")] : []),
    join(homedir(), ".docker", "run", "docker.sock"),
    join(homedir(), ".docker", "desktop", "docker.sock"),
    `/run/user/${process.getuid?.()}/docker.sock`,
  ];
  return [...named, ...sockets.filter((path) => existsSync(path)).map((path) => `unix://${path}`)];
}

/** A setting of Testcontainers' own. */
function property(name: string): string | undefined {
  try {
    const lines = readFileSync(join(homedir(), ".testcontainers.properties"), "utf8").split("\n");
    const [, value] =
      lines.map((line) => /^\s*([\w.]+)\s*[=:]\s*(.*?)\s*$/.exec(line)?.slice(1) ?? []).find(([key]) => key === name) ??
      [];
    return value || undefined;
  } catch {
    return undefined;
  }
}

class Refused extends Error {
  readonly status: number;

  constructor(status: number, body: string) {
    super(/"message":\s*"([^"]+)"/.exec(body)?.[1] ?? `it answered ${status}`);
    this.status = status;
  }
}

function send(uri: string, method: string, path: string, limit: number): Promise<{ body: string; date: number }> {
  const { protocol, hostname, port, pathname } = new URL(uri);
  const socket = isSocket(protocol);
  if (!socket && !/^(tcp|https?):$/.test(protocol))
    throw new Error(`containers are not started by way of "${protocol}"`);
  const certificates = socket ? undefined : certificatesHere();
  const request = certificates !== undefined || protocol === "https:" ? safely : plainly;
  const where = socket ? { socketPath: pathname } : { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port || 2375 };
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, ...certificates, method, path, timeout: limit }, (answer) => {
      const { statusCode = 0, headers } = answer;
      let body = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      answer.on("error", reject).on("end", () => {
        if (statusCode >= 400) reject(new Refused(statusCode, body));
        else resolve({ body, date: Date.parse(headers.date ?? "") || Date.now() });
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${limit / 1000} s`)));
    sent.on("error", reject).end();
  });
}

function isSocket(protocol: string): boolean {
  return /^(unix|npipe):$/.test(protocol);
}

function certificatesHere() {
  const folder = process.env.DOCKER_CERT_PATH || property("docker.cert.path");
  if ((process.env.DOCKER_TLS_VERIFY ?? property("docker.tls.verify")) !== "1" || folder === undefined)
    return undefined;
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => readFileSync(join(folder, name)));
  return { ca, cert, key };
}

function reasonOf(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "EACCES") return "this user may not use it";
  if (code === "ECONNREFUSED") return "nobody listens there";
  if (code === "ENOENT") return "there is no such socket";
  return messageOf(cause);
}
