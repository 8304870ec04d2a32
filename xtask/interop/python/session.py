"""Sessions to drive: one through the unmodified SDK, one that sees the raw frames. Both yield `turn.Message`.

What is done with them is the business of the cases (suite.py).
"""

import base64
import json
import re
import ssl
import warnings

import websockets
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from turn import Failed, Message, Usage, claim

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STANDARD_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
# How each backend spells the tokens of the answer; SDKs drop the other spelling silently.
RESPONSE_TOKENS = {"gemini": "responseTokenCount", "vertex": "candidatesTokenCount"}
RESPONSE_DETAILS = {"gemini": "responseTokensDetails", "vertex": "candidatesTokensDetails"}


class Closed(Exception):
    """The server closed the session."""

    def __init__(self, code, reason):
        super().__init__(f"closed by the server: {code} {reason!r}")
        self.code = code
        self.reason = reason


def closed(error):
    """An SDK error that stands for a close frame."""
    reason = error.details if isinstance(error.details, str) else str(error)
    return Closed(error.code, reason)


def blob(data, mime_type):
    return types.Blob(data=data, mime_type=mime_type)


class SdkSession:
    """A session of google-genai."""

    def __init__(self, mode, options, media):
        self._mode = mode
        self._media = media
        http = {"base_url": options["url"]} if options["url"] else {}
        if options["api_version"]:
            http["api_version"] = options["api_version"]
        match (mode["backend"], mode.get("auth")):
            case ("gemini", _):
                auth = {"api_key": options["key"]}
            case ("vertex", "project"):
                credentials = Credentials(token="any-bearer-token")
                auth = {"vertexai": True, "project": "a-project", "location": "us-central1", "credentials": credentials}
            case ("vertex", "key"):
                auth = {"vertexai": True, "api_key": options["key"]}
            case _:
                auth = {"vertexai": True}
        self._client = genai.Client(**auth, http_options=http or None)
        self._connection = None
        self._session = None

    async def connect(self, model, config):
        with warnings.catch_warnings():
            # The SDK warns of its own pydantic fields; the output of the suite is its lines alone.
            warnings.simplefilter("ignore")
            config = types.LiveConnectConfig.model_validate(config) if config is not None else None
            self._connection = self._client.aio.live.connect(model=model, config=config)
            try:
                self._session = await self._connection.__aenter__()
            except errors.APIError as error:
                raise closed(error) from error

    def check_session_id(self):
        session_id = self._session.session_id
        if self._mode["backend"] == "vertex":
            claim(bool(UUID.fullmatch(session_id or "")), f"session id {session_id!r} is not a UUID")
        else:
            claim(not session_id, f"session id {session_id!r} on Gemini")

    async def content(self, turns, complete):
        def part(item):
            if "image" in item:
                return types.Part(inline_data=blob(self._media[item["image"]], "image/jpeg"))
            return types.Part(text=item["text"])

        if turns is not None:
            turns = [types.Content(role=turn["role"], parts=[part(item) for item in turn["parts"]]) for turn in turns]
        await self._session.send_client_content(turns=turns, turn_complete=complete)

    async def realtime(self, what):
        match what:
            case {"text": text}:
                await self._session.send_realtime_input(text=text)
            case {"video": name}:
                await self._session.send_realtime_input(video=blob(self._media[name], "image/jpeg"))
            case {"activityStart": _}:
                await self._session.send_realtime_input(activity_start=types.ActivityStart())
            case {"activityEnd": _}:
                await self._session.send_realtime_input(activity_end=types.ActivityEnd())
            case {"audioStreamEnd": True}:
                await self._session.send_realtime_input(audio_stream_end=True)
            case _:
                raise Failed(f"no such realtime input: {what}")

    async def audio(self, pcm, rate=16_000):
        await self._session.send_realtime_input(audio=blob(pcm, f"audio/pcm;rate={rate}"))

    async def media_chunk(self, pcm):
        await self._session.send_realtime_input(media=blob(pcm, "audio/pcm;rate=16000"))

    async def answer(self, responses):
        responses = [types.FunctionResponse.model_validate(response) for response in responses]
        await self._session.send_tool_response(function_responses=responses)

    async def update(self, what):
        instruction = types.Content.model_validate(what["systemInstruction"]) if "systemInstruction" in what else None
        tools = [types.Tool.model_validate(tool) for tool in what["tools"]] if "tools" in what else None
        await self._session.send_context_update(system_instruction=instruction, tools=tools)

    async def frame(self, text):
        await self._session._ws.send(text)

    async def messages(self):
        """Messages up to the end of the turn, as the SDK's own iterator yields them."""
        try:
            async for message in self._session.receive():
                yield self._message(message)
        except errors.APIError as error:
            raise closed(error) from error

    async def close(self):
        await self._connection.__aexit__(None, None, None)
        code = self._session._ws.close_code
        claim(code == 1000, f"the close handshake ended with {code}")

    async def drop(self):
        if self._session is not None:
            await self._connection.__aexit__(None, None, None)

    @staticmethod
    def _message(message):
        seen = Message()
        content = message.server_content
        if content is not None:
            for part in (content.model_turn.parts or []) if content.model_turn else []:
                seen.parts += 1
                if part.thought:
                    seen.thought += part.text
                else:
                    seen.text += part.text or ""
                if part.executable_code is not None:
                    seen.code.append((part.executable_code.language.value, part.executable_code.code))
                if part.code_execution_result is not None:
                    result = part.code_execution_result
                    seen.results.append((result.outcome.value, result.output or ""))
                if part.inline_data is not None:
                    seen.audio.append((part.inline_data.mime_type, part.inline_data.data))
            if content.output_transcription is not None:
                seen.transcript = content.output_transcription.text or ""
            if content.input_transcription is not None:
                seen.heard = content.input_transcription.text or ""
            if content.grounding_metadata is not None:
                seen.grounding = grounding(content.grounding_metadata.model_dump(mode="json", by_alias=True, exclude_none=True))
            if content.url_context_metadata is not None:
                seen.pages = [
                    (page.retrieved_url, page.url_retrieval_status.value)
                    for page in content.url_context_metadata.url_metadata
                ]
            seen.interrupted = bool(content.interrupted)
            seen.generation_complete = bool(content.generation_complete)
            seen.turn_complete = bool(content.turn_complete)
        if message.tool_call is not None:
            seen.calls = [(call.id, call.name, call.args or {}) for call in message.tool_call.function_calls]
        if message.tool_call_cancellation is not None:
            seen.cancelled = list(message.tool_call_cancellation.ids)
        update = message.session_resumption_update
        if update is not None:
            seen.resumable, seen.handle = bool(update.resumable), update.new_handle or ""
        if message.go_away is not None:
            seen.go_away = message.go_away.time_left
        usage = message.usage_metadata
        if usage is not None:
            seen.usage = Usage(
                prompt=usage.prompt_token_count or 0,
                response=usage.response_token_count or 0,
                thoughts=usage.thoughts_token_count or 0,
                tool_use=usage.tool_use_prompt_token_count or 0,
                total=usage.total_token_count or 0,
                prompt_modalities=by_modality(usage.prompt_tokens_details),
                response_modalities=by_modality(usage.response_tokens_details),
            )
        return seen


def grounding(metadata):
    """What an answer stands on."""
    supports = metadata.get("groundingSupports", [])
    chunks = [chunk["web"] for chunk in metadata.get("groundingChunks", [])]
    return {
        "queries": metadata.get("webSearchQueries", []),
        "chunks": [(chunk.get("title", ""), chunk["uri"]) for chunk in chunks],
        "supports": [
            (
                support["segment"].get("startIndex", 0),
                support["segment"]["endIndex"],
                support["segment"]["text"],
                support["groundingChunkIndices"],
            )
            for support in supports
        ],
    }


def by_modality(details):
    return {detail.modality.value: detail.token_count for detail in details or []}


class RawSession:
    """A bare WebSocket: what the frames look like before any SDK forgives them."""

    def __init__(self, mode, options, media):
        self._mode = mode
        self._media = media
        self._url = options["url"].replace("https://", "wss://") + options["path"] + options["query"]
        self._headers = options["headers"]
        self._socket = None
        self._setup_complete = None

    async def connect(self, model, config):
        tls = ssl.create_default_context()
        self._socket = await websockets.connect(self._url, additional_headers=self._headers, ssl=tls, max_size=1 << 20)
        if model is None:
            return
        prefix = {"gemini": "models/", "vertex": "projects/a-project/locations/us-central1/publishers/google/models/"}
        setup = {"model": prefix[self._mode["backend"]] + model, **generation(config or {})}
        await self.frame(json.dumps({"setup": setup}))
        self._setup_complete = await self._receive()

    def check_session_id(self):
        answer = self._setup_complete
        if self._mode["backend"] == "vertex":
            session_id = answer.get("setupComplete", {}).get("sessionId", "")
            claim(bool(UUID.fullmatch(session_id)), f"session id {session_id!r} is not a UUID")
            answer = {"setupComplete": {}, **{key: answer[key] for key in answer if key != "setupComplete"}}
        claim(answer == {"setupComplete": {}}, f"the setup was answered by {answer}")

    async def content(self, turns, complete):
        def part(item):
            if "image" in item:
                data = base64.urlsafe_b64encode(self._media[item["image"]]).decode()
                return {"inline_data": {"mime_type": "image/jpeg", "data": data}}
            return {"text": item["text"]}

        content = {"turn_complete": complete}
        if turns is not None:
            content["turns"] = [
                {"role": turn["role"], "parts": [part(item) for item in turn["parts"]]} for turn in turns
            ]
        await self.frame(json.dumps({"client_content": content}))

    async def realtime(self, what):
        if "video" in what:
            what = {"video": {"mimeType": "image/jpeg", "data": base64.b64encode(self._media[what["video"]]).decode()}}
        await self.frame(json.dumps({"realtimeInput": what}))

    async def audio(self, pcm, rate=16_000):
        # A binary frame with unpadded base64: legal, and sent by nobody's SDK.
        data = base64.b64encode(pcm).decode().rstrip("=")
        audio = {"mimeType": f"audio/pcm;rate={rate}", "data": data}
        await self.frame(json.dumps({"realtimeInput": {"audio": audio}}).encode())

    async def answer(self, responses):
        await self.frame(json.dumps({"toolResponse": {"functionResponses": responses}}))

    async def update(self, what):
        if "tools" in what:
            what = {**what, "tools": {"tools": what["tools"]}}
        await self.frame(json.dumps({"contextUpdate": what}))

    async def frame(self, data):
        await self._socket.send(data)

    async def fragments(self, text):
        middle = len(text) // 2
        await self._socket.send([text[:middle], text[middle:]])

    async def ping(self):
        await (await self._socket.ping())

    async def messages(self):
        while True:
            message = self._message(await self._receive())
            yield message
            if message.turn_complete:
                return

    async def close(self):
        await self._socket.close()
        code = self._socket.close_code
        claim(code == 1000, f"the close handshake ended with {code}")

    async def drop(self):
        if self._socket is not None:
            await self._socket.close()

    async def _receive(self):
        try:
            return json.loads(await self._socket.recv())
        except websockets.ConnectionClosed as error:
            code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")
            raise Closed(code, reason) from error

    def _message(self, frame):
        seen = Message()
        content = frame.get("serverContent", {})
        for part in content.get("modelTurn", {}).get("parts", []):
            seen.parts += 1
            seen.thought += part["text"] if part.get("thought") else ""
            seen.text += "" if part.get("thought") else part.get("text", "")
            if "executableCode" in part:
                seen.code.append((part["executableCode"]["language"], part["executableCode"]["code"]))
            if "codeExecutionResult" in part:
                result = part["codeExecutionResult"]
                seen.results.append((result["outcome"], result.get("output", "")))
            if "inlineData" in part:
                data = part["inlineData"]["data"]
                claim(STANDARD_BASE64.fullmatch(data) and len(data) % 4 == 0, "base64 is not standard and padded")
                seen.audio.append((part["inlineData"]["mimeType"], base64.b64decode(data, validate=True)))
        seen.transcript = content.get("outputTranscription", {}).get("text", "")
        seen.heard = content.get("inputTranscription", {}).get("text", "")
        if "groundingMetadata" in content:
            seen.grounding = grounding(content["groundingMetadata"])
        for page in content.get("urlContextMetadata", {}).get("urlMetadata", []):
            seen.pages.append((page["retrievedUrl"], page["urlRetrievalStatus"]))
        seen.interrupted = content.get("interrupted", False)
        seen.generation_complete = content.get("generationComplete", False)
        seen.turn_complete = content.get("turnComplete", False)
        calls = frame.get("toolCall", {}).get("functionCalls", [])
        seen.calls = [(call["id"], call["name"], call.get("args", {})) for call in calls]
        seen.cancelled = frame.get("toolCallCancellation", {}).get("ids", [])
        if "sessionResumptionUpdate" in frame:
            update = frame["sessionResumptionUpdate"]
            claim(not set(update) - {"newHandle", "resumable"}, f"an update with {sorted(update)}")
            seen.resumable, seen.handle = update.get("resumable", False), update.get("newHandle", "")
        seen.go_away = frame.get("goAway", {}).get("timeLeft", "")
        if "usageMetadata" in frame:
            seen.usage = self._usage(frame["usageMetadata"])
        return seen

    def _usage(self, usage):
        backend = self._mode["backend"]
        other = "gemini" if backend == "vertex" else "vertex"
        for names in (RESPONSE_TOKENS, RESPONSE_DETAILS):
            claim(names[backend] in usage and names[other] not in usage, f"usage is spelled {sorted(usage)}")
        return Usage(
            prompt=usage.get("promptTokenCount", 0),
            response=usage[RESPONSE_TOKENS[backend]],
            thoughts=usage.get("thoughtsTokenCount", 0),
            tool_use=usage.get("toolUsePromptTokenCount", 0),
            total=usage.get("totalTokenCount", 0),
            prompt_modalities={each["modality"]: each["tokenCount"] for each in usage.get("promptTokensDetails", [])},
            response_modalities={each["modality"]: each["tokenCount"] for each in usage[RESPONSE_DETAILS[backend]]},
        )


GENERATION = {
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
}


def generation(config):
    """The SDK's flat config as the wire nests it."""
    setup = {key: value for key, value in config.items() if key not in GENERATION}
    nested = {key: value for key, value in config.items() if key in GENERATION}
    if nested:
        setup["generationConfig"] = nested
    return setup


def session(mode, options, media):
    return (SdkSession if mode["via"] == "sdk" else RawSession)(mode, options, media)
