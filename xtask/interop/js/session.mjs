// Sessions to drive: one through the unmodified SDK, one that sees the raw frames. Both yield the messages of turn.mjs.
// What is done with them is the business of the cases (suite.mjs).

import { GoogleGenAI } from "@google/genai";
import { OAuth2Client } from "google-auth-library";
import { WebSocket } from "ws";

import { claim, emptyMessage, Failed } from "./turn.mjs";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STANDARD_BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
// How each backend spells the tokens of the answer; SDKs drop the other spelling silently.
const RESPONSE_TOKENS = { gemini: "responseTokenCount", vertex: "candidatesTokenCount" };
const RESPONSE_DETAILS = { gemini: "responseTokensDetails", vertex: "candidatesTokensDetails" };

/** The server closed the session. */
export class Closed extends Error {
  constructor(code, reason) {
    super(`closed by the server: ${code} "${reason}"`);
    this.code = code;
    this.reason = reason;
  }
}

/** Messages that wait to be read, and the end of the session after them. */
class Inbox {
  #messages = [];
  #closed = null;
  #waiting = [];

  push(message) {
    this.#messages.push(message);
    this.#wake();
  }

  end(code, reason) {
    this.#closed ??= new Closed(code, reason);
    this.#wake();
  }

  async next() {
    while (this.#messages.length === 0) {
      if (this.#closed) throw this.#closed;
      await this.#news();
    }
    return this.#messages.shift();
  }

  /** Resolves with the close, once there is one. */
  async closed() {
    while (!this.#closed) await this.#news();
    return this.#closed;
  }

  #news() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function byModality(details) {
  return Object.fromEntries((details ?? []).map((detail) => [detail.modality, detail.tokenCount]));
}

/** What an answer stands on. */
function grounding({ webSearchQueries = [], groundingChunks = [], groundingSupports = [] }) {
  return {
    queries: webSearchQueries,
    chunks: groundingChunks.map(({ web }) => [web.title ?? "", web.uri]),
    supports: groundingSupports.map(({ segment, groundingChunkIndices }) => [
      segment.startIndex ?? 0,
      segment.endIndex,
      segment.text,
      groundingChunkIndices,
    ]),
  };
}

/** A session of @google/genai. */
class SdkSession {
  #inbox = new Inbox();
  #session = null;

  constructor(mode, options, media) {
    this.mode = mode;
    this.media = media;
    const httpOptions = {};
    if (options.url) httpOptions.baseUrl = options.url;
    if (options.apiVersion) httpOptions.apiVersion = options.apiVersion;
    let auth = { vertexai: true };
    if (mode.backend === "gemini") auth = { apiKey: options.key };
    else if (mode.auth === "key") auth = { vertexai: true, apiKey: options.key };
    else if (mode.auth === "project") {
      const authClient = new OAuth2Client();
      authClient.setCredentials({ access_token: "any-bearer-token", expiry_date: Date.now() + 3_600_000 });
      auth = { vertexai: true, project: "a-project", location: "us-central1", googleAuthOptions: { authClient } };
    }
    this.client = new GoogleGenAI({ ...auth, httpOptions });
  }

  async connect(model, config) {
    const callbacks = {
      onmessage: (message) => {
        try {
          this.#inbox.push(this.#message(message));
        } catch (error) {
          this.#inbox.end(0, `the message could not be read: ${error}`);
        }
      },
      onclose: (event) => this.#inbox.end(event.code, event.reason),
      onerror: () => {},
    };
    const params = { model, callbacks };
    if (config !== null) params.config = structuredClone(config);
    // The SDK's connect() never settles when the server refuses the setup; only onclose tells.
    const refused = this.#inbox.closed().then((closed) => {
      throw closed;
    });
    refused.catch(() => {});
    this.#session = await Promise.race([this.client.live.connect(params), refused]);
  }

  checkSessionId() {
    const sessionId = this.#session.setupComplete?.sessionId;
    if (this.mode.backend === "vertex") claim(UUID.test(sessionId ?? ""), `session id ${sessionId} is not a UUID`);
    else claim(!sessionId, `session id ${sessionId} on Gemini`);
  }

  content(turns, complete) {
    const part = (item) =>
      "image" in item ? { inlineData: { mimeType: "image/jpeg", data: this.media[item.image] } } : { text: item.text };
    const params = { turnComplete: complete };
    if (turns) params.turns = turns.map((turn) => ({ role: turn.role, parts: turn.parts.map(part) }));
    this.#session.sendClientContent(params);
  }

  realtime(what) {
    if ("video" in what) what = { video: { mimeType: "image/jpeg", data: this.media[what.video] } };
    this.#session.sendRealtimeInput(what);
  }

  audio(pcm, rate = 16_000) {
    this.#session.sendRealtimeInput({ audio: { mimeType: `audio/pcm;rate=${rate}`, data: pcm.toString("base64") } });
  }

  mediaChunk(pcm) {
    this.#session.sendRealtimeInput({ media: { mimeType: "audio/pcm;rate=16000", data: pcm.toString("base64") } });
  }

  answer(functionResponses) {
    this.#session.sendToolResponse({ functionResponses });
  }

  update({ tools, ...what }) {
    this.#session.sendContextUpdate(tools ? { ...what, tools: { tools } } : what);
  }

  frame(text) {
    this.#session.conn.send(text);
  }

  next() {
    return this.#inbox.next();
  }

  async close() {
    this.#session.close();
    const { code } = await this.#inbox.closed();
    claim(code === 1005, `the close handshake ended with ${code}`);
  }

  drop() {
    this.#session?.close();
  }

  #message(message) {
    const seen = emptyMessage();
    const content = message.serverContent ?? {};
    for (const part of content.modelTurn?.parts ?? []) {
      seen.parts += 1;
      seen[part.thought ? "thought" : "text"] += part.text ?? "";
      const { executableCode: code, codeExecutionResult: result } = part;
      if (code) seen.code.push([code.language, code.code]);
      if (result) seen.results.push([result.outcome, result.output ?? ""]);
      // `message.data` is the SDK's own way to the audio; it decodes with atob, which knows standard base64 only.
      if (part.inlineData)
        seen.audio.push({ mimeType: part.inlineData.mimeType, data: Buffer.from(message.data, "base64") });
    }
    seen.transcript = content.outputTranscription?.text ?? "";
    seen.heard = content.inputTranscription?.text ?? "";
    if (content.groundingMetadata) seen.grounding = grounding(content.groundingMetadata);
    const pages = content.urlContextMetadata?.urlMetadata ?? [];
    seen.pages = pages.map(({ retrievedUrl, urlRetrievalStatus }) => [retrievedUrl, urlRetrievalStatus]);
    seen.interrupted = content.interrupted ?? false;
    seen.generationComplete = content.generationComplete ?? false;
    seen.turnComplete = content.turnComplete ?? false;
    seen.calls = (message.toolCall?.functionCalls ?? []).map(({ id, name, args }) => ({ id, name, args: args ?? {} }));
    seen.cancelled = message.toolCallCancellation?.ids ?? [];
    const update = message.sessionResumptionUpdate;
    if (update) Object.assign(seen, { resumable: update.resumable ?? false, handle: update.newHandle ?? "" });
    seen.goAway = message.goAway?.timeLeft ?? "";
    const usage = message.usageMetadata;
    if (usage) {
      seen.usage = {
        prompt: usage.promptTokenCount ?? 0,
        response: usage.responseTokenCount ?? 0,
        thoughts: usage.thoughtsTokenCount ?? 0,
        toolUse: usage.toolUsePromptTokenCount ?? 0,
        total: usage.totalTokenCount ?? 0,
        promptModalities: byModality(usage.promptTokensDetails),
        responseModalities: byModality(usage.responseTokensDetails),
      };
    }
    return seen;
  }
}

/** A bare WebSocket: what the frames look like before any SDK forgives them. */
class RawSession {
  #inbox = new Inbox();
  #socket = null;
  #setupComplete = null;

  constructor(mode, options, media) {
    this.mode = mode;
    this.media = media;
    this.url = options.url.replace("https://", "wss://") + options.path + options.query;
    this.headers = options.headers;
  }

  async connect(model, config) {
    this.#socket = new WebSocket(this.url, { headers: this.headers, maxPayload: 1 << 20 });
    this.#socket.on("message", (data) => this.#inbox.push(data.toString()));
    this.#socket.on("close", (code, reason) => this.#inbox.end(code, reason.toString()));
    await new Promise((resolve, reject) => {
      this.#socket.on("open", resolve);
      this.#socket.on("error", reject);
    });
    if (model === null) return;
    const prefix = { gemini: "models/", vertex: "projects/a-project/locations/us-central1/publishers/google/models/" };
    this.frame(JSON.stringify({ setup: { model: prefix[this.mode.backend] + model, ...generation(config ?? {}) } }));
    this.#setupComplete = JSON.parse(await this.#inbox.next());
  }

  checkSessionId() {
    const answer = structuredClone(this.#setupComplete);
    if (this.mode.backend === "vertex") {
      const sessionId = answer.setupComplete?.sessionId ?? "";
      claim(UUID.test(sessionId), `session id ${sessionId} is not a UUID`);
      delete answer.setupComplete.sessionId;
    }
    claim(JSON.stringify(answer) === '{"setupComplete":{}}', `the setup was answered by ${JSON.stringify(answer)}`);
  }

  content(turns, complete) {
    const part = (item) =>
      "image" in item
        ? {
            inline_data: {
              mime_type: "image/jpeg",
              data: Buffer.from(this.media[item.image], "base64").toString("base64url"),
            },
          }
        : { text: item.text };
    const content = { turn_complete: complete };
    if (turns) content.turns = turns.map((turn) => ({ role: turn.role, parts: turn.parts.map(part) }));
    this.frame(JSON.stringify({ client_content: content }));
  }

  realtime(what) {
    if ("video" in what) what = { video: { mimeType: "image/jpeg", data: this.media[what.video] } };
    this.frame(JSON.stringify({ realtimeInput: what }));
  }

  audio(pcm, rate = 16_000) {
    // A binary frame with unpadded base64: legal, and sent by nobody's SDK.
    const data = pcm.toString("base64").replace(/=+$/, "");
    const audio = { mimeType: `audio/pcm;rate=${rate}`, data };
    this.frame(Buffer.from(JSON.stringify({ realtimeInput: { audio } })));
  }

  answer(functionResponses) {
    this.frame(JSON.stringify({ toolResponse: { functionResponses } }));
  }

  update({ tools, ...what }) {
    this.frame(JSON.stringify({ contextUpdate: tools ? { ...what, tools: { tools } } : what }));
  }

  frame(data) {
    this.#socket.send(data);
  }

  fragments(text) {
    const middle = text.length >> 1;
    this.#socket.send(text.slice(0, middle), { fin: false });
    this.#socket.send(text.slice(middle), { fin: true });
  }

  async ping() {
    const pong = new Promise((resolve) => this.#socket.once("pong", resolve));
    this.#socket.ping();
    await pong;
  }

  async next() {
    return this.#message(JSON.parse(await this.#inbox.next()));
  }

  async close() {
    this.#socket.close(1000);
    const { code } = await this.#inbox.closed();
    claim(code === 1000, `the close handshake ended with ${code}`);
  }

  drop() {
    this.#socket?.close();
  }

  #message(frame) {
    const seen = emptyMessage();
    const content = frame.serverContent ?? {};
    for (const part of content.modelTurn?.parts ?? []) {
      seen.parts += 1;
      seen[part.thought ? "thought" : "text"] += part.text ?? "";
      const { executableCode: code, codeExecutionResult: result } = part;
      if (code) seen.code.push([code.language, code.code]);
      if (result) seen.results.push([result.outcome, result.output ?? ""]);
      if (part.inlineData) {
        const { mimeType, data } = part.inlineData;
        claim(STANDARD_BASE64.test(data) && data.length % 4 === 0, "base64 is not standard and padded");
        seen.audio.push({ mimeType, data: Buffer.from(data, "base64") });
      }
    }
    seen.transcript = content.outputTranscription?.text ?? "";
    seen.heard = content.inputTranscription?.text ?? "";
    if (content.groundingMetadata) seen.grounding = grounding(content.groundingMetadata);
    const pages = content.urlContextMetadata?.urlMetadata ?? [];
    seen.pages = pages.map(({ retrievedUrl, urlRetrievalStatus }) => [retrievedUrl, urlRetrievalStatus]);
    seen.interrupted = content.interrupted ?? false;
    seen.generationComplete = content.generationComplete ?? false;
    seen.turnComplete = content.turnComplete ?? false;
    seen.calls = (frame.toolCall?.functionCalls ?? []).map(({ id, name, args }) => ({ id, name, args: args ?? {} }));
    seen.cancelled = frame.toolCallCancellation?.ids ?? [];
    const update = frame.sessionResumptionUpdate;
    if (update) {
      const others = Object.keys(update).filter((key) => !["newHandle", "resumable"].includes(key));
      claim(others.length === 0, `an update with ${others}`);
      Object.assign(seen, { resumable: update.resumable ?? false, handle: update.newHandle ?? "" });
    }
    seen.goAway = frame.goAway?.timeLeft ?? "";
    if (frame.usageMetadata) seen.usage = this.#usage(frame.usageMetadata);
    return seen;
  }

  #usage(usage) {
    const { backend } = this.mode;
    const other = backend === "vertex" ? "gemini" : "vertex";
    for (const names of [RESPONSE_TOKENS, RESPONSE_DETAILS]) {
      claim(names[backend] in usage && !(names[other] in usage), `usage is spelled ${Object.keys(usage)}`);
    }
    return {
      prompt: usage.promptTokenCount ?? 0,
      response: usage[RESPONSE_TOKENS[backend]],
      thoughts: usage.thoughtsTokenCount ?? 0,
      toolUse: usage.toolUsePromptTokenCount ?? 0,
      total: usage.totalTokenCount ?? 0,
      promptModalities: byModality(usage.promptTokensDetails),
      responseModalities: byModality(usage[RESPONSE_DETAILS[backend]]),
    };
  }
}

const GENERATION = new Set([
  "responseModalities",
  "speechConfig",
  "temperature",
  "topP",
  "topK",
  "maxOutputTokens",
  "seed",
  "mediaResolution",
  "thinkingConfig",
  "enableAffectiveDialog",
  "translationConfig",
]);

/** The SDK's flat config as the wire nests it. */
function generation(config) {
  const setup = {};
  for (const [key, value] of Object.entries(config)) {
    if (GENERATION.has(key)) (setup.generationConfig ??= {})[key] = value;
    else setup[key] = value;
  }
  return setup;
}

export function session(mode, options, media) {
  if (mode.via === "sdk") return new SdkSession(mode, options, media);
  if (mode.via === "raw") return new RawSession(mode, options, media);
  throw new Failed(`no such way to connect: ${mode.via}`);
}
