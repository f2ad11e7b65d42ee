// Drives a proxy server with the client `toxiproxy-node-client`; arguments: port of the API, port of an echo server.
import assert from "node:assert/strict";
import net from "node:net";
import { createRequire } from "node:module";

const load = createRequire(process.cwd() + "/");
const { Toxiproxy } = load("toxiproxy-node-client");
const [api, upstream] = process.argv.slice(2);

const echoMs = (port) =>
  new Promise((resolve, reject) => {
    const began = performance.now();
    const socket = net.connect(port, "127.0.0.1", () => socket.write("ping"));
    socket.setTimeout(5000, () => socket.destroy(new Error("timed out")));
    socket.on("error", reject);
    socket.on("data", () => {
      resolve(performance.now() - began);
      socket.destroy();
    });
  });

// Whether nothing slows it down; a busy machine may, now and then.
const swift = async (port, limit_ms) => {
  for (let turn = 0; turn < 5; turn += 1) if ((await echoMs(port)) < limit_ms) return true;
  return false;
};

const server = new Toxiproxy(`http://127.0.0.1:${api}`);
assert.match(await server.getVersion(), /version/);
const proxy = await server.createProxy({ name: "p", listen: "127.0.0.1:0", upstream: `127.0.0.1:${upstream}` });
const port = Number(proxy.listen.split(":").pop());
await assert.rejects(server.createProxy({ name: "p", listen: "", upstream: "127.0.0.1:1" }), /409/);
assert.ok(await swift(port, 100));

const toxic = await proxy.addToxic({
  name: "slow", type: "latency", stream: "downstream", toxicity: 1.0, attributes: { latency: 150, jitter: 0 },
});
assert.equal(toxic.name, "slow");
assert.ok((await echoMs(port)) >= 150);
const faster = await toxic.update({ attributes: { latency: 20, jitter: 0 } });
assert.equal(faster.attributes.latency, 20);
assert.ok(await swift(port, 150));
assert.equal((await proxy.getToxic("slow")).type, "latency");
await toxic.remove();
await assert.rejects(proxy.getToxic("slow"), /404/);

assert.equal((await proxy.update({ enabled: false })).enabled, false);
await assert.rejects(echoMs(port), /ECONNREFUSED/);
await server.reset();
assert.ok(await swift(port, 100));
const populated = await server.populate([{ name: "q", listen: "127.0.0.1:0", upstream: "127.0.0.1:1" }]);
assert.deepEqual(Object.keys(populated), ["q"]);
assert.deepEqual(Object.keys(await server.getAll()).sort(), ["p", "q"]);
for (const one of Object.values(await server.getAll())) await one.remove();
assert.deepEqual(await server.getAll(), {});
console.log("toxiproxy-node-client: all well");
