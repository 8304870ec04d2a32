// Runs cases.json through @google/genai and a raw WebSocket: one line a case, `ok name` or `not ok name: reason`.
// The mirror of python/suite.py; docs/interop.md says what the cases mean.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

import { ApiError, GoogleGenAI } from "@google/genai";

import { Closed, session } from "./session.mjs";
import { claim, Failed, Turn } from "./turn.mjs";

const CASE_SECONDS = 30;
const CASES_AT_ONCE = 6;
const CLIENT = "js";

// The SDK logs to the console what the lines of this suite must not be mixed with.
console.debug = console.warn = () => {};

/** Replaces `{name}` in all strings of a case; a string that is nothing else takes the value as it is. */
function fill(value, names) {
  if (Array.isArray(value)) return value.map((each) => fill(each, names));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [fill(key, names), fill(each, names)]));
  }
  if (typeof value !== "string") return value;
  const whole = /^\{(\w+)\}$/.exec(value);
  if (whole && Object.hasOwn(names, whole[1])) {
    const { [whole[1]]: found, ...others } = names;
    return fill(found, others);
  }
  return value.replace(/\{(\w+)\}/g, (match, name) => (Object.hasOwn(names, name) ? String(names[name]) : match));
}

/** Every { name, mode, entry } that this client runs, in the order of the file. */
function* expand(suite, environment) {
  for (const { each, ...entry } of suite.cases) {
    for (const modeName of entry.modes) {
      const mode = suite.modes[modeName];
      if (![mode, entry].every(({ clients }) => (clients ?? [CLIENT]).includes(CLIENT))) continue;
      for (const names of each ?? [{}]) {
        const filled = fill(entry, { ...environment, ...suite.tools, mode: modeName, ...names });
        const label = "label" in filled ? ` (${filled.label})` : "";
        yield { name: `${modeName}: ${filled.name}${label}`, mode, entry: filled };
      }
    }
  }
}

/** Where and how a session of this case is dialled. */
function options(mode, entry, environment) {
  const server = entry.server ?? "open";
  let url = environment[`${server}_url`];
  // Where the SDK has an environment variable for the base URL, nothing is passed to it.
  const inEnvironment =
    mode.via === "sdk" && server === "open" && !mode.plain && mode.auth !== "none" && mode.auth !== "key";
  if (mode.plain) url = environment.plain_url;
  if (mode.auth === "none") url = url.replace("https://", "wss://") + mode.path;
  const key = entry.key ?? environment.key;
  return {
    url: inEnvironment ? null : url,
    path: entry.path ?? mode.path ?? "",
    key,
    headers: entry.headers ?? { "x-goog-api-key": key },
    query: entry.query ?? "",
    apiVersion: entry.api_version,
  };
}

/** A wavering tone, 16 bit mono at 16 kHz, little endian. */
function tone(milliseconds) {
  const rate = 16_000;
  const pcm = Buffer.alloc(2 * Math.floor((rate * milliseconds) / 1000));
  for (let index = 0; index < pcm.length / 2; index += 1) {
    const seconds = index / rate;
    const sample = 8000 * Math.sin(2 * Math.PI * 220 * seconds) * (0.6 + 0.4 * Math.sin(2 * Math.PI * 5 * seconds));
    pcm.writeInt16LE(Math.trunc(sample), 2 * index);
  }
  return pcm;
}

/** What somebody says, in a WAV file as `live chat` writes it: its rate and its samples. */
function speech(environment) {
  const file = readFileSync(environment.speech);
  const header = 44;
  claim(file.toString("latin1", 36, 40) === "data", "the recording has another header");
  return { rate: file.readUInt32LE(24), pcm: file.subarray(header) };
}

/** Sends sound in pieces of 100 ms, as a microphone does, but all at once. */
function stream(peer, pcm, rate = 16_000) {
  const piece = Math.floor(rate / 10) * 2;
  for (let start = 0; start < pcm.length; start += piece) peer.audio(pcm.subarray(start, start + piece), rate);
}

/** Reads into the turn until it is over, or until `until` holds. */
async function readTurn(peer, turn, until) {
  while (!turn.done) {
    turn.add(await peer.next());
    if (until?.(turn)) return;
  }
  claim(!until, "the turn ended early");
}

/** Lets time pass on the server of this client. */
async function advance(control, by) {
  const response = await fetch(`${control}/clock/advance`, { method: "POST", body: JSON.stringify({ by }) });
  claim(response.ok, `the clock was not moved: ${await response.text()}`);
}

/** An ephemeral token, made by the SDK as the case wants it; null if the server must refuse to make it. */
async function mint(entry, environment) {
  const { refused, config: given = {}, ...times } = entry.token;
  const baseUrl = environment[`${entry.server ?? "open"}_url`];
  const apiKey = entry.key ?? environment.key;
  const config = structuredClone(given);
  if (Object.keys(times).length > 0) {
    const now = await clockOf(baseUrl, apiKey);
    for (const [name, seconds] of Object.entries(times)) config[name] = new Date(now + seconds * 1000).toISOString();
  }
  const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl, apiVersion: "v1alpha" } });
  let token;
  try {
    token = await client.authTokens.create({ config });
  } catch (error) {
    if (!refused || !(error instanceof ApiError)) throw error;
    claim(error.status === refused.code && error.message.includes(refused.has), `refused with ${error.message}`);
    return null;
  }
  claim(!refused, "the token was made");
  claim(token.name.startsWith("auth_tokens/"), `the token has another name, of ${token.name.length} letters`);
  return token.name;
}

/** What time it is to the server: a token that says nothing is good for half an hour. */
async function clockOf(baseUrl, key) {
  const headers = { "x-goog-api-key": key };
  const response = await fetch(`${baseUrl}/v1alpha/auth_tokens`, { method: "POST", headers, body: "{}" });
  return Date.parse((await response.json()).expireTime) - 30 * 60_000;
}

/** Begins another session, with the same credentials. */
async function redial(peer, dial, want) {
  await peer.close();
  let another;
  try {
    another = await dial();
  } catch (error) {
    if (!(error instanceof Closed) || !("refused" in want)) throw error;
    checkClose(error, want.refused);
    return null;
  }
  claim(!("refused" in want), "the setup was accepted");
  return another;
}

/** Goes on over a new connection; the old one is closed before, unless it is to be taken over. */
async function resume(peer, dial, handle, want, control) {
  if (!("taken_over" in want)) await peer.close();
  if ("after" in want) await advance(control, want.after);
  let resumed;
  try {
    resumed = await dial({ sessionResumption: { handle } }, want.key);
  } catch (error) {
    if (!(error instanceof Closed) || !("refused" in want)) throw error;
    checkClose(error, want.refused);
    return null;
  }
  claim(!("refused" in want), "the handle was honoured");
  if ("taken_over" in want) await expectClose(peer, new Turn(), want.taken_over);
  return resumed;
}

/** A functionResponse: id and name are those of the call that it is `to`, unless it says its own. */
function response({ to, ...answer }, calls) {
  return to === undefined ? answer : { id: calls[to].id, name: calls[to].name, ...answer };
}

async function expectClose(peer, turn, want) {
  try {
    await readTurn(peer, turn);
  } catch (error) {
    if (!(error instanceof Closed)) throw error;
    checkClose(error, want);
    return;
  }
  throw new Failed("the session was not closed");
}

// Steps that only wait for the server.
const READING = ["until", "calls", "turn", "handle", "go_away", "closed"];

// What may be said while an answer is heard, whose pace is counted from before it was asked for.
const BESIDE = ["speech", "silence_ms", "realtime"];

async function play(peer, steps, dial, environment) {
  const control = environment.control_url;
  let turn = new Turn();
  let calls = [];
  let handle = "";
  let askedAt = performance.now();
  for (const step of steps) {
    const isBeside = turn.messages.length > 0 && BESIDE.some((kind) => kind in step);
    if (!READING.some((kind) => kind in step) && !isBeside) askedAt = performance.now();
    if (step.session_id) peer.checkSessionId();
    else if ("say" in step) peer.content([{ role: "user", parts: [{ text: step.say }] }], true);
    else if ("say_bytes" in step) {
      const text = "filler ".repeat(step.say_bytes).slice(0, step.say_bytes);
      peer.content([{ role: "user", parts: [{ text }] }], true);
    } else if ("content" in step) peer.content(step.content, step.complete ?? true);
    else if (step.end_turn) peer.content(null, true);
    else if ("realtime" in step) peer.realtime(step.realtime);
    else if ("audio_ms" in step) stream(peer, tone(step.audio_ms));
    else if (step.speech) {
      const { rate, pcm } = speech(environment);
      stream(peer, pcm, rate);
    } else if ("silence_ms" in step) {
      const { rate } = speech(environment);
      stream(peer, Buffer.alloc(2 * Math.floor((rate * step.silence_ms) / 1000)), rate);
    } else if ("media_ms" in step) peer.mediaChunk(tone(step.media_ms));
    else if ("fragments" in step) peer.fragments(JSON.stringify(step.fragments));
    else if (step.ping) await peer.ping();
    else if ("frame" in step) peer.frame(JSON.stringify(step.frame));
    else if ("frame_text" in step) peer.frame(step.frame_text);
    else if ("until" in step && "says" in step.until)
      await readTurn(peer, turn, () => turn.said.includes(step.until.says));
    else if ("until" in step) await readTurn(peer, turn, () => turn.audioMs >= step.until.audio_ms);
    else if ("calls" in step) {
      await readTurn(peer, turn, () => turn.calls.length > 0);
      calls = turn.calls;
      const called = calls.map(({ name, args }) => ({ name, args }));
      claim(isDeepStrictEqual(called, step.calls), `called ${JSON.stringify(called)}`);
      const ids = calls.map(({ id }) => id).filter(Boolean);
      claim(new Set(ids).size === calls.length, `${calls.length} calls with the ids ${ids}`);
      if (step.ends_turn) await readTurn(peer, turn);
      turn = new Turn();
    } else if ("answers" in step) peer.answer(step.answers.map((answer) => response(answer, calls)));
    else if ("update" in step) peer.update(step.update);
    else if ("turn" in step) {
      await readTurn(peer, turn);
      turn.check(step.turn, askedAt, calls);
      turn = new Turn();
    } else if (step.handle) {
      await readTurn(peer, turn, () => turn.messages.at(-1).handle);
      claim(turn.messages.at(-1).handle !== handle, "the same handle again");
      handle = turn.messages.at(-1).handle;
      turn = new Turn();
    } else if ("go_away" in step) {
      await readTurn(peer, turn, () => turn.messages.at(-1).goAway);
      const { goAway } = turn.messages.at(-1);
      claim(goAway === step.go_away, `${goAway} left, not ${step.go_away}`);
      turn = new Turn();
    } else if ("advance" in step) await advance(control, step.advance);
    else if ("redial" in step) {
      peer = await redial(peer, dial, step.redial);
      if (peer === null) return;
      turn = new Turn();
    } else if ("resume" in step) {
      peer = await resume(peer, dial, handle, step.resume, control);
      if (peer === null) return;
      turn = new Turn();
    } else if ("closed" in step) {
      await expectClose(peer, turn, step.closed);
      return;
    } else if (step.close) break;
    else throw new Failed(`no such step: ${JSON.stringify(step)}`);
  }
  await peer.close();
}

function checkClose(why, want) {
  const shown = `closed with ${why.code} "${why.reason}"`;
  claim(why.code === want.code, `${shown}, not ${want.code}`);
  if ("reason" in want) claim(why.reason === want.reason, `${shown}, not "${want.reason}"`);
  else claim(why.reason.includes(want.reason_has), `${shown}, which lacks "${want.reason_has}"`);
  claim(Buffer.byteLength(why.reason) <= 123, "the reason is longer than a close frame holds");
}

async function runSession(mode, entry, suite, environment, number) {
  entry = fill(entry, { session: number });
  if (entry.token) {
    const token = await mint(entry, environment);
    if (token === null) return;
    entry = { api_version: "v1alpha", ...fill(entry, { token }), key: token };
  }
  let config = entry.config ?? null;
  const model = entry.setup === false ? null : (suite.models[entry.model] ?? entry.model);
  if (entry.setup) config = { ...config, ...entry.setup };
  const peers = [];
  const dial = async (more, key = entry.key) => {
    const peer = session(mode, options(mode, { ...entry, key }, environment), suite.media);
    peers.push(peer);
    await peer.connect(model, more ? { ...config, ...more } : config);
    return peer;
  };
  try {
    for (let crowd = entry.crowd ?? 0; crowd > 0; crowd -= 1) await dial();
    let peer;
    try {
      peer = await dial();
    } catch (error) {
      if (!(error instanceof Closed) || !("refused" in entry)) throw error;
      checkClose(error, entry.refused);
      return;
    }
    claim(!("refused" in entry), "the setup was accepted");
    await play(peer, entry.steps, dial, environment);
  } finally {
    for (const peer of peers) peer.drop();
  }
}

async function runCase(mode, entry, suite, environment) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Failed(`no end after ${CASE_SECONDS} s`)), CASE_SECONDS * 1000);
  });
  const sessions = Array.from({ length: entry.sessions ?? 1 }, (_, number) =>
    runSession(mode, entry, suite, environment, number),
  );
  try {
    await Promise.race([Promise.all(sessions), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One line that says what went wrong. */
function reason(error) {
  const text = error instanceof Failed || error instanceof Closed ? error.message : String(error);
  return text.split(/\s+/).join(" ").slice(0, 600);
}

async function main() {
  const environment = {
    open_url: process.env.GOOGLE_GEMINI_BASE_URL,
    lenient_url: process.env.INTEROP_LENIENT_URL,
    plain_url: process.env.INTEROP_PLAIN_URL,
    keyed_url: process.env.INTEROP_KEYED_URL,
    timed_url: process.env.INTEROP_TIMED_URL,
    control_url: process.env.INTEROP_CONTROL_URL,
    equipped_url: process.env.INTEROP_EQUIPPED_URL,
    pages_url: process.env.INTEROP_PAGES_URL,
    speech: process.env.INTEROP_SPEECH,
    key: process.env.INTEROP_KEY,
  };
  const suite = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const only = process.env.INTEROP_ONLY ?? "";
  const cases = [...expand(suite, environment)].filter(({ name }) => name.includes(only));
  let failures = 0;

  // The clock of the timed server is moved for all of its sessions, so that its cases wait for each other.
  const isTimed = ({ entry }) => entry.server === "timed";
  const worker = async (queue) => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const start = performance.now();
      try {
        await runCase(next.mode, next.entry, suite, environment);
        console.log(`ok ${next.name} # ${((performance.now() - start) / 1000).toFixed(2)} s`);
      } catch (error) {
        failures += 1;
        console.log(`not ok ${next.name}: ${reason(error)}`);
      }
    }
  };
  const others = cases.filter((each) => !isTimed(each));
  const workers = Array.from({ length: CASES_AT_ONCE }, () => worker(others));
  await Promise.all([...workers, worker(cases.filter(isTimed))]);
  console.log(`${cases.length - failures} passed, ${failures} failed`);
  // Sessions of failed cases may still be open; they must not keep the process.
  process.exit(failures > 0 ? 1 : 0);
}

await main();
