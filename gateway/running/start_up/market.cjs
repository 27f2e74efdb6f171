// The start-up hook of bots in JavaScript: market time and the vendor's hosts, inside this process alone.
// Node loads it by NODE_OPTIONS. The Python one beside it does the same and says more about why.
"use strict";

const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const timers = require("node:timers");
const timersPromises = require("node:timers/promises");
const tls = require("node:tls");
const util = require("node:util");
const { syncBuiltinESMExports } = require("node:module");

const LAYOUT_BYTES = 48;
const LONGEST_SLICE_MS = 20;
const DOMAIN = "alpaca.markets";
// Their timers are for the network, and keep real time; so do those of Node's own modules, `fetch` among them.
const CLIENTS = /node:internal[/\\]|node_modules[/\\](ws|axios|got|undici|node-fetch|follow-redirects|@alpacahq|reconnecting-websocket)[/\\]/;

const RealDate = Date;
const realTimeout = setTimeout;
const realClear = clearTimeout;

function marketClock(file) {
  const descriptor = fs.openSync(file, "r");
  const bytes = Buffer.alloc(LAYOUT_BYTES);
  let newest = { generation: 0n, ns: 0n };
  return function read() {
    do {
      fs.readSync(descriptor, bytes, 0, LAYOUT_BYTES, 0);
    } while (bytes[0] % 2);
    const [generation, market, at, until] = [8, 16, 24, 32].map((offset) => bytes.readBigInt64LE(offset));
    const pace = bytes.readDoubleLE(40);
    const elapsed = BigInt(Math.trunc(Number(process.hrtime.bigint() - at) * pace));
    let ns = market + elapsed < until ? market + elapsed : until;
    ns = ns < market ? market : ns;
    if (generation !== newest.generation || ns > newest.ns) newest = { generation, ns };
    return { generation: newest.generation, ms: Number(newest.ns / 1000n) / 1000, pace };
  };
}

function setDates(read) {
  const now = () => Math.floor(read().ms);
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, made) => Reflect.construct(target, given.length ? given : [now()], made),
    apply: () => new RealDate(now()).toString(),
    get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
  });
  RealDate.prototype.constructor = globalThis.Date;
}

class MarketTimer {
  static byId = new Map();
  static next = 1;

  constructor(read, callback, ms, given, repeats) {
    Object.assign(this, { read, callback, ms, given, repeats, referenced: true });
    this.id = MarketTimer.next++;
    MarketTimer.byId.set(this.id, this);
    this.refresh();
  }

  refresh() {
    const { generation, ms } = this.read();
    Object.assign(this, { generation, end: ms + this.ms, left: this.ms });
    this.wait();
    return this;
  }

  wait() {
    realClear(this.timeout);
    const { pace } = this.read();
    const slice = pace > 0 ? Math.min(this.left / pace, LONGEST_SLICE_MS) : LONGEST_SLICE_MS;
    this.timeout = realTimeout(() => this.look(), slice);
    if (!this.referenced) this.timeout.unref();
  }

  look() {
    const { generation, ms } = this.read();
    if (generation !== this.generation) Object.assign(this, { generation, end: ms + this.left });
    this.left = this.end - ms;
    if (this.left > 0) return this.wait();
    if (this.repeats) this.refresh();
    else MarketTimer.byId.delete(this.id);
    this.callback(...this.given);
  }

  close() {
    realClear(this.timeout);
    MarketTimer.byId.delete(this.id);
    return this;
  }

  ref() {
    this.referenced = true;
    this.timeout.ref();
    return this;
  }

  unref() {
    this.referenced = false;
    this.timeout.unref();
    return this;
  }

  hasRef() {
    return this.referenced;
  }

  [Symbol.toPrimitive]() {
    return this.id;
  }
}

function setTimers(read) {
  const starter = (real, repeats) => (callback, ms, ...given) => {
    const caller = new Error().stack.split("\n")[2] ?? "";
    const isReal = !(ms > 0) || typeof callback !== "function" || CLIENTS.test(caller);
    return isReal ? real(callback, ms, ...given) : new MarketTimer(read, callback, Number(ms), given, repeats);
  };
  const clear = (timer) => {
    const found = timer instanceof MarketTimer ? timer : MarketTimer.byId.get(Number(timer));
    if (found) found.close();
    else realClear(timer);
  };
  const changed = {
    setTimeout: starter(setTimeout, false),
    setInterval: starter(setInterval, true),
    clearTimeout: clear,
    clearInterval: clear,
  };
  const wait = (ms, value) => new Promise((resolve) => changed.setTimeout(resolve, ms, value));
  changed.setTimeout[util.promisify.custom] = wait;
  Object.assign(globalThis, changed);
  Object.assign(timers, changed);
  timersPromises.setTimeout = (ms, value, { signal } = {}) =>
    Promise.race([wait(ms, value), ...(signal ? [aborted(signal)] : [])]);
}

function aborted(signal) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

function isVendors(host) {
  const name = String(host ?? "").toLowerCase().replace(/\.$/, "");
  return name === DOMAIN || name.endsWith("." + DOMAIN);
}

function leadHosts(run, authority) {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...given) {
    // `net.connect` hands over the options and the callback in one array.
    const packed = Array.isArray(given[0]) ? given[0] : null;
    const options = (packed ?? given)[0];
    if (options && typeof options === "object" && isVendors(options.host)) {
      const port = Number(options.port) === 80 ? run.plain_port : run.tls_port;
      const led = { ...options, host: "127.0.0.1", port, servername: options.servername ?? options.host };
      if (packed) packed[0] = led;
      else given[0] = led;
    } else if (isVendors(given[1])) {
      [given[0], given[1]] = [Number(given[0]) === 80 ? run.plain_port : run.tls_port, "127.0.0.1"];
    }
    return connect.apply(this, given);
  };
  const connectTls = tls.connect;
  tls.connect = (...given) => {
    const options = given.find((each) => each && typeof each === "object");
    const host = options?.servername || options?.host || given[1];
    if (options && isVendors(host)) {
      given[given.indexOf(options)] = { ...options, servername: host, ca: authority, secureContext: undefined };
    }
    return connectTls(...given);
  };
}

const folder = process.env.TAPEDECK_RUN;
if (folder) {
  const run = JSON.parse(fs.readFileSync(path.join(folder, "run.json"), "utf8"));
  const read = marketClock(path.join(folder, "clock"));
  leadHosts(run, fs.readFileSync(path.join(folder, "authority.pem")));
  setTimers(read);
  setDates(read);
  syncBuiltinESMExports();
  fs.writeFileSync(path.join(folder, "hooked"), "");
}
