// What one turn looked like to the client, and the claims made about it.
// The same record and the same claims as python/turn.py.

export class Failed extends Error {}

export function claim(holds, text) {
  if (!holds) throw new Failed(text);
}

const TURN_CLAIMS = new Set([
  "says",
  "lacks",
  "text",
  "transcript",
  "heard",
  "audio",
  "end",
  "prompt",
  "response",
  "tokens",
  "prompt_tokens",
  "updates",
  "cancels",
  "thought",
  "thinks",
  "code",
  "grounding",
  "pages",
]);

/** One server message, whoever parsed it. */
export function emptyMessage() {
  return {
    text: "",
    thought: "",
    audio: [], // { mimeType, data }
    parts: 0,
    transcript: "",
    heard: "", // of what the user said
    interrupted: false,
    generationComplete: false,
    turnComplete: false,
    usage: null, // { prompt, response, thoughts, toolUse, total, promptModalities, responseModalities }
    calls: [], // { id, name, args }
    cancelled: [], // ids of calls
    code: [], // [language, code]
    results: [], // [outcome, output] of code
    grounding: null, // { queries, chunks: [title, uri], supports: [start, end, text, indices of chunks] }
    pages: [], // [address, status]
    resumable: null, // of a sessionResumptionUpdate, whose handle is the next field
    handle: "",
    goAway: "", // timeLeft
    at: performance.now(),
  };
}

/** Messages up to and including `turnComplete`. */
export class Turn {
  messages = [];

  add(message) {
    claim(!this.done, "a message of this turn came after its turnComplete");
    const { resumable, handle } = message;
    claim((resumable ?? false) === Boolean(handle), `resumable is ${resumable}, the handle "${handle}"`);
    // While the model speaks, the session cannot be resumed.
    const speaking = this.events.includes("content") && !this.events.includes("interrupted");
    claim(!(speaking && handle), "a handle in the middle of an answer");
    this.messages.push(message);
  }

  get done() {
    return this.messages.at(-1)?.turnComplete ?? false;
  }

  get said() {
    const join = (name) => this.messages.map((message) => message[name]).join("");
    return (join("text") + join("transcript")).toLowerCase();
  }

  get chunks() {
    return this.messages.flatMap((message) => message.audio);
  }

  get code() {
    return this.messages.flatMap((message) => message.code);
  }

  get pages() {
    return this.messages.flatMap((message) => message.pages);
  }

  get grounding() {
    const found = this.messages.map((message) => message.grounding).filter(Boolean);
    claim(found.length < 2, `${found.length} times groundingMetadata`);
    return found[0] ?? null;
  }

  get pcm() {
    return Buffer.concat(this.chunks.map((chunk) => chunk.data));
  }

  get audioMs() {
    return this.pcm.length / 48; // 24 kHz, two bytes a sample
  }

  get calls() {
    return this.messages.flatMap((message) => message.calls);
  }

  /** The order of what matters; a message with several of them counts in the order of the protocol. */
  get events() {
    const events = [];
    for (const message of this.messages) {
      // An interruption is told before any payload of the frame that carries it.
      if (message.interrupted) events.push("interrupted");
      if (message.text || message.audio.length > 0) events.push("content");
      if (message.transcript) events.push("transcript");
      if (message.calls.length > 0) events.push("call");
      if (message.generationComplete) events.push("generationComplete");
      if (message.turnComplete) events.push("turnComplete");
    }
    return events;
  }

  /** Checks what holds for every turn, then what the case asks for; `calls` are those that came last. */
  check(want, askedAt, calls) {
    const unknown = Object.keys(want).filter((key) => !TURN_CLAIMS.has(key));
    claim(unknown.length === 0, `the case asks for what nobody checks: ${unknown}`);
    const end = want.end ?? "complete";
    this.#checkOrder(end);
    this.#checkAudio(want.audio);
    if (end === "complete") this.#checkPace(askedAt);
    this.#checkUsage(want.prompt ?? [], want.response ?? [], want.tokens ?? {});
    if (want.prompt_tokens) {
      const [least, most] = want.prompt_tokens;
      const tokens = this.messages.at(-1).usage.prompt;
      claim(least <= tokens && tokens <= most, `${tokens} tokens in the prompt, not ${least} to ${most}`);
    }
    const cancelled = this.messages.flatMap((message) => message.cancelled).join();
    const withdrawn = want.cancels ? calls.map(({ id }) => id).join() : "";
    claim(cancelled === withdrawn, `cancelled are "${cancelled}", not "${withdrawn}"`);
    if ("updates" in want) {
      const updates = this.messages.map(({ resumable }) => resumable).filter((resumable) => resumable !== null);
      claim(updates.length > 0 === want.updates, `updates of resumption: ${updates}`);
    }
    for (const word of want.says ?? []) {
      claim(this.said.includes(word.toLowerCase()), `"${word}" was not said, but "${this.said}"`);
    }
    for (const word of want.lacks ?? []) {
      claim(!this.said.includes(word.toLowerCase()), `"${word}" was said: "${this.said}"`);
    }
    const thought = this.messages.map((message) => message.thought).join("");
    claim(Boolean(thought) === (want.thought ?? false), `thoughts: "${thought}"`);
    const { thoughts } = this.messages.at(-1).usage;
    claim(thoughts > 0 === (want.thinks ?? Boolean(thought)), `${thoughts} tokens of thoughts for "${thought}"`);
    this.#checkCode(want.code);
    this.#checkGrounding(want.grounding);
    const shownPages = JSON.stringify(this.pages);
    claim(shownPages === JSON.stringify(want.pages ?? []), `pages: ${shownPages}`);
    const { toolUse } = this.messages.at(-1).usage;
    const usedTools = this.code.length > 0 || (this.grounding?.chunks.length ?? 0) > 0;
    claim(toolUse > 0 === usedTools, `${toolUse} tokens of tools`);
    for (const name of ["text", "transcript", "heard"]) {
      if (!(name in want)) continue;
      const found = this.messages.map((message) => message[name]).join("");
      claim(Boolean(found) === want[name], `${name} is "${found}"`);
    }
  }

  /** Code comes once, alone in its message, and its result behind it. */
  #checkCode(want) {
    const results = this.messages.flatMap((message) => message.results);
    const shown = JSON.stringify([this.code, results]);
    if (!want) {
      claim(this.code.length === 0 && results.length === 0, `code: ${shown}`);
      return;
    }
    claim(JSON.stringify(this.code) === JSON.stringify([["PYTHON", want.program]]), `code: ${shown}`);
    claim(results.length === 1 && results[0][0] === want.outcome, `results: ${shown}`);
    claim(results[0][1].includes(want.output), `the code put out "${results[0][1]}"`);
    const holding = this.messages.filter(({ code, results }) => code.length > 0 || results.length > 0);
    claim(holding.length === 2 && holding[0].code.length > 0, "the result does not come behind its code");
    claim(
      holding.every(({ parts }) => parts === 1),
      "other parts beside code",
    );
  }

  /** Each support is of these bytes of what was said, and of chunks that there are. */
  #checkGrounding(want) {
    const found = this.grounding;
    const shown = JSON.stringify(found);
    claim((found === null) === !want, `grounding: ${shown}`);
    if (!want) return;
    claim(JSON.stringify(found.queries) === JSON.stringify(want.queries), `queries: ${shown}`);
    claim(JSON.stringify(found.chunks) === JSON.stringify(want.chunks), `chunks: ${shown}`);
    const join = (name) => this.messages.map((message) => message[name]).join("");
    const spoken = Buffer.from(join("text") || join("transcript"));
    for (const [start, end, text, chunks] of found.supports) {
      const bytes = spoken.subarray(start, end).toString();
      claim(bytes === text, `bytes ${start} to ${end} are "${bytes}", not "${text}"`);
      claim(chunks.length > 0 && chunks.every((chunk) => found.chunks[chunk]), `no such chunk: ${shown}`);
    }
    const quoted = JSON.stringify(found.supports.map(([, , text]) => text));
    claim(quoted === JSON.stringify(want.quotes), `quoted are ${quoted}`);
  }

  #checkOrder(end) {
    const events = this.events;
    const count = (name) => events.filter((event) => event === name).length;
    claim(count("turnComplete") === 1 && events.at(-1) === "turnComplete", `turnComplete is not the end: ${events}`);
    if (end === "interrupted") {
      claim(count("interrupted") === 1, `interrupted once expected: ${events}`);
      claim(count("generationComplete") === 0, `an interrupted turn has no generationComplete: ${events}`);
      claim(events.at(-2) === "interrupted", `nothing may come between interrupted and turnComplete: ${events}`);
    } else {
      claim(count("interrupted") === 0, `nobody interrupted: ${events}`);
      claim(count("generationComplete") === 1, `generationComplete once expected: ${events}`);
      claim(events.at(-2) === "generationComplete", `nothing may come after generationComplete: ${events}`);
      claim(count("content") > 0, `the turn is empty: ${events}`);
    }
  }

  #checkAudio(wanted) {
    if (wanted !== undefined) claim(this.chunks.length > 0 === wanted, `${this.chunks.length} chunks of audio`);
    for (const message of this.messages) {
      if (message.audio.length > 0) claim(message.parts === 1, `${message.parts} parts in a message with audio`);
    }
    for (const { mimeType, data } of this.chunks) {
      claim(mimeType === "audio/pcm;rate=24000", `mime type ${mimeType}`);
      claim(data.length > 0 && data.length % 2 === 0, `${data.length} bytes are not 16 bit samples`);
    }
    if (!wanted) return;
    const pcm = this.pcm;
    let sum = 0;
    for (let offset = 0; offset < pcm.length; offset += 2) sum += pcm.readInt16LE(offset) ** 2;
    const energy = Math.sqrt(sum / (pcm.length / 2));
    claim(energy > 200, `the audio is silent: root mean square ${energy.toFixed()}`);
    claim(this.audioMs > 100 && this.audioMs < 60_000, `${this.audioMs.toFixed()} ms of audio`);
  }

  /**
   * A turn that is spoken does not end before its playback would. Counted from before the turn was asked for, so that it
   * holds however late a loaded machine reads.
   */
  #checkPace(askedAt) {
    if (this.audioMs === 0) return;
    const endedMs = this.messages.at(-1).at - askedAt;
    const text = `turnComplete after ${endedMs.toFixed()} ms for ${this.audioMs.toFixed()} ms of audio`;
    claim(endedMs >= this.audioMs, text);
  }

  #checkUsage(prompt, response, tokens) {
    const usage = this.messages.at(-1).usage;
    claim(usage !== null, "no usageMetadata in the turnComplete frame");
    const shown = JSON.stringify(usage);
    const sum = (modalities) => Object.values(modalities).reduce((total, each) => total + each, 0);
    claim(usage.prompt > 0 && usage.response > 0, `empty usage: ${shown}`);
    claim(usage.total >= usage.prompt + usage.response, `the total is less than its parts: ${shown}`);
    claim(sum(usage.promptModalities) === usage.prompt, `prompt details do not add up: ${shown}`);
    claim(sum(usage.responseModalities) === usage.response, `response details do not add up: ${shown}`);
    for (const modality of prompt)
      claim(usage.promptModalities[modality] > 0, `no ${modality} in the prompt: ${shown}`);
    for (const modality of response) {
      claim(usage.responseModalities[modality] > 0, `no ${modality} in the response: ${shown}`);
    }
    for (const [modality, count] of Object.entries(tokens)) {
      claim((usage.promptModalities[modality] ?? 0) === count, `not ${count} tokens of ${modality}: ${shown}`);
    }
    if (this.audioMs > 0) {
      const counted = usage.responseModalities.AUDIO ?? 0;
      const text = `${counted} tokens for ${this.audioMs.toFixed()} ms of audio`;
      claim(Math.abs((this.audioMs / 1000) * 25 - counted) <= 1, text);
    }
  }
}
