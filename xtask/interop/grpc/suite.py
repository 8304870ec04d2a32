"""Sessions held by Google's generated gRPC clients as they are: one line a case, `ok name` or `not ok name: reason`.

The addresses come from the environment: GRPC_OPEN, whose server takes any key and speaks TLS at GRPC_TLS with the authority in
GRPC_CA; GRPC_KEYED, which takes GRPC_KEY; GRPC_TIMED, whose time stands still unless GRPC_CONTROL moves it, and where a key
may have four sessions.
"""

import array
import asyncio
import json
import math
import os
import queue
import sys
import urllib.request

import grpc
from google.ai import generativelanguage_v1alpha as v1alpha
from google.ai import generativelanguage_v1beta as v1beta
from google.ai.generativelanguage_v1alpha.services.generative_service import transports as v1alpha_transports
from google.ai.generativelanguage_v1beta.services.generative_service import transports as v1beta_transports
from google.api_core.exceptions import GoogleAPICallError
from google.protobuf import struct_pb2

CASE_SECONDS = 30
TEXT = "models/gemini-live-2.5-flash-preview"
NATIVE = "models/gemini-2.5-flash-native-audio-preview-12-2025"
TRANSPORTS = {v1beta: v1beta_transports, v1alpha: v1alpha_transports}


class Failed(Exception):
    """A claim that does not hold."""


def claim(holds, what):
    if not holds:
        raise Failed(what)


class Session:
    """A stream of the asynchronous client, whose requests are said one by one."""

    def __init__(self, package, address, key="any", trust=None):
        self.package = package
        self.said = asyncio.Queue()
        if trust is None:
            self.channel = grpc.aio.insecure_channel(address)
        else:
            self.channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(trust))
        transport = TRANSPORTS[package].GenerativeServiceGrpcAsyncIOTransport(channel=self.channel)
        self.client = package.GenerativeServiceAsyncClient(transport=transport)
        self.metadata = [("x-goog-api-key", key)] if key else []
        self.stream = None

    async def __aenter__(self):
        self.stream = await self.client.bidi_generate_content(self.requests(), metadata=self.metadata)
        return self

    async def __aexit__(self, *_):
        self.end()
        await self.channel.close()

    async def requests(self):
        while (message := await self.said.get()) is not None:
            yield message

    def say(self, **fields):
        self.said.put_nowait(self.package.BidiGenerateContentClientMessage(**fields))

    def end(self):
        self.said.put_nowait(None)

    async def hear(self):
        message = await self.stream.read()
        if message is grpc.aio.EOF:
            raise Failed(f"the stream ended: {await self.status()}")
        return message

    async def open(self, model, modality, **setup):
        config = self.package.GenerationConfig(response_modalities=[modality])
        self.say(setup=self.package.BidiGenerateContentSetup(model=model, generation_config=config, **setup))
        first = await self.hear()
        claim("setup_complete" in first, f"the first message is {first}")

    def ask(self, text):
        part = self.package.Part(text=text)
        turn = self.package.Content(role="user", parts=[part])
        self.say(client_content={"turns": [turn], "turn_complete": True})

    async def turn(self):
        """The messages up to turnComplete; what every turn promises is checked."""
        messages = []
        while not messages or not messages[-1].server_content.turn_complete:
            messages.append(await self.hear())
            claim("tool_call" not in messages[-1], f"a call: {messages[-1]}")
        if self.package is v1alpha:
            # In this package it has neither generationComplete nor usage.
            return messages
        usage = messages[-1].usage_metadata
        claim(usage.total_token_count >= usage.prompt_token_count > 0, f"no usage with turnComplete: {usage}")
        content = [message.server_content for message in messages]
        generated = [at for at, each in enumerate(content) if each.generation_complete]
        if any(each.interrupted for each in content):
            claim(not generated, "generationComplete in a turn that was interrupted")
        else:
            claim(len(generated) == 1, f"generationComplete {len(generated)} times")
            claim(generated[0] >= len(content) - 2, "something between generationComplete and turnComplete")
        return messages

    async def until(self, field):
        """What is next heard of this field."""
        while field not in (message := await self.hear()):
            pass
        return getattr(message, field)

    async def handle(self):
        """The next handle; none is offered that is not also resumable."""
        while True:
            update = await self.until("session_resumption_update")
            claim(update.resumable == bool(update.new_handle), f"half an update: {update}")
            if update.resumable:
                return update.new_handle

    async def status(self):
        """How the stream ended, after everything was read."""
        while True:
            try:
                if await self.stream.read() is grpc.aio.EOF:
                    break
            except GoogleAPICallError:
                break
        return await self.stream.code(), await self.stream.details()


def parts(messages):
    return [part for message in messages for part in message.server_content.model_turn.parts]


def text(messages):
    return "".join(part.text for part in parts(messages))


def tone(milliseconds):
    samples = (int(9000 * math.sin(2 * math.pi * 440 * at / 16000)) for at in range(16 * milliseconds))
    return array.array("h", samples).tobytes()


def on(package, case):
    """The case, for one API version."""

    async def run():
        async with Session(package, os.environ["GRPC_OPEN"]) as session:
            await case(session)

    return run


async def text_turns(session):
    await session.open(TEXT, "TEXT")
    for noun in ["lighthouses", "walnuts"]:
        session.ask(f"Tell me about {noun}")
        said = text(await session.turn())
        claim(noun in said, f"{noun!r} is not in {said!r}")


async def audio_turn(session):
    await session.open(NATIVE, "AUDIO")
    session.ask("Say hello")
    turn = await session.turn()
    blobs = [part.inline_data for part in parts(turn) if part.inline_data.data]
    claim(blobs, "no sound")
    claim({blob.mime_type for blob in blobs} == {"audio/pcm;rate=24000"}, f"{blobs[0].mime_type}")
    claim(all(len(blob.data) % 2 == 0 for blob in blobs), "half a sample")
    claim(any(any(blob.data) for blob in blobs), "silence")


async def spoken_turn(session):
    detection = {"automatic_activity_detection": {"disabled": True}}
    await session.open(TEXT, "TEXT", realtime_input_config=detection)
    session.say(realtime_input={"activity_start": {}})
    for _ in range(8):
        session.say(realtime_input={"audio": {"mime_type": "audio/pcm;rate=16000", "data": tone(100)}})
    session.say(realtime_input={"activity_end": {}})
    turn = await session.turn()
    heard = {each.modality.name: each.token_count for each in turn[-1].usage_metadata.prompt_tokens_details}
    claim(heard.get("AUDIO") == 20, f"800 ms are 20 tokens, not {heard}")
    claim(text(turn), "no answer")


async def interruption(session):
    await session.open(TEXT, "TEXT")
    session.ask("count from 1 to 2000")
    said = ""
    while "5" not in said:
        said += text([await session.hear()])
    session.ask("Tell me about walnuts")
    cut = await session.turn()
    claim(any(message.server_content.interrupted for message in cut), "the turn was not interrupted")
    claim("2000" not in said + text(cut), "it counted to the end")
    answer = text(await session.turn())
    claim("walnuts" in answer, f"no walnuts in {answer!r}")


async def tool_call(session):
    package = session.package
    schema = package.Schema(type_="OBJECT", properties={"city": package.Schema(type_="STRING")}, required=["city"])
    weather = package.FunctionDeclaration(name="get_weather", description="Weather of a city", parameters=schema)
    await session.open(TEXT, "TEXT", tools=[package.Tool(function_declarations=[weather])])
    session.ask('Use get_weather with {"city": "Oslo"}')
    while "tool_call" not in (message := await session.hear()):
        claim(not message.server_content.turn_complete, f"no call: {message}")
    [call] = message.tool_call.function_calls
    claim((call.name, call.args["city"]) == ("get_weather", "Oslo"), f"{call}")
    claim(call.id, "the call has no id")
    response = struct_pb2.Struct()
    response.update({"output": "purple hail"})
    answer = package.FunctionResponse(id=call.id, name=call.name, response=response)
    session.say(tool_response={"function_responses": [answer]})
    said = ""
    while "purple hail" not in said:
        said += text([await session.hear()])


async def unknown_model(session):
    session.say(setup={"model": "models/gpt"})
    code, details = await session.status()
    claim(code is grpc.StatusCode.NOT_FOUND, f"{code}")
    version = "v1beta" if session.package is v1beta else "v1alpha"
    claim(details.startswith(f"models/gpt is not found for API version {version}"), details)


async def no_setup(session):
    session.ask("hello?")
    ended = await session.status()
    claim(ended == (grpc.StatusCode.INVALID_ARGUMENT, "setup must be the first message and only the first"), f"{ended}")


async def half_close(session):
    await session.open(TEXT, "TEXT")
    session.end()
    code, _ = await session.status()
    claim(code is grpc.StatusCode.OK, f"{code}")


async def keys():
    address, key = os.environ["GRPC_KEYED"], os.environ["GRPC_KEY"]
    unregistered = "Method doesn't allow unregistered callers (callers without established identity)."
    for wrong, *expected in [
        (None, grpc.StatusCode.PERMISSION_DENIED, unregistered),
        ("wrong", grpc.StatusCode.INVALID_ARGUMENT, "API key not valid. Please pass a valid API key."),
    ]:
        async with Session(v1beta, address, wrong) as session:
            session.say(setup={"model": TEXT})
            ended = await session.status()
            claim(ended == tuple(expected), f"{wrong}: {ended}")
    async with Session(v1beta, address, key) as session:
        await text_turns(session)


def timed(key="any"):
    return Session(v1beta, os.environ["GRPC_TIMED"], key)


async def advance(by):
    body = json.dumps({"by": by}).encode()
    request = urllib.request.Request(f"{os.environ['GRPC_CONTROL']}/clock/advance", body, method="POST")
    answer = await asyncio.to_thread(urllib.request.urlopen, request, timeout=10)
    claim(answer.status == 200, f"{answer.status}")


async def introduce(session):
    """Begins a session that may be resumed; the handle knows the name."""
    await session.open(TEXT, "TEXT", session_resumption={})
    session.ask("My name is Ada.")
    claim("Ada" in text(await session.turn()), "no Ada in the answer")
    return await session.handle()


async def remembers(session):
    session.ask("What did I ask?")
    said = text(await session.turn())
    claim("My name is Ada" in said, f"it does not remember: {said!r}")


async def go_away_and_handle():
    """Twice nine minutes, and all that was said is known at the end."""
    async with timed() as first:
        handle = await introduce(first)
        await advance("9m")
        left = (await first.until("go_away")).time_left
        claim(left.total_seconds() == 60, f"{left} left")
    async with timed() as second:
        await second.open(TEXT, "TEXT", session_resumption={"handle": handle})
        await remembers(second)
        handle = await second.handle()
        await advance("9m")
        await second.until("go_away")
    async with timed() as third:
        await third.open(TEXT, "TEXT", session_resumption={"handle": handle})
        await remembers(third)


async def cut_after_go_away():
    async with timed() as session:
        await session.open(TEXT, "TEXT")
        await advance("9m")
        await session.until("go_away")
        await advance("60s")
        code, details = await session.status()
        claim(code is grpc.StatusCode.ABORTED, f"{code}")
        claim(details.startswith("Connection aborted because the client failed to close the connection"), details)


async def taken_over():
    async with timed() as holder:
        handle = await introduce(holder)
        async with timed() as taker:
            await taker.open(TEXT, "TEXT", session_resumption={"handle": handle})
            ended = await holder.status()
            claim(ended == (grpc.StatusCode.ABORTED, "The operation was aborted."), f"{ended}")
            await remembers(taker)


async def refused_handles():
    async with timed("ann") as session:
        handle = await introduce(session)
    unknown = "BidiGenerateContent session not found"
    for key, given, says in [("bob", handle, "Requested entity was not found."), ("ann", "unheard-of", unknown)]:
        async with timed(key) as session:
            session.say(setup={"model": TEXT, "session_resumption": {"handle": given}})
            ended = await session.status()
            claim(ended == (grpc.StatusCode.NOT_FOUND, says), f"{key}: {ended}")
    await advance("2h")
    async with timed("ann") as session:
        session.say(setup={"model": TEXT, "session_resumption": {"handle": handle}})
        ended = await session.status()
        claim(ended == (grpc.StatusCode.NOT_FOUND, unknown), f"expired: {ended}")


async def quota():
    crowd = [timed("crowd") for _ in range(4)]
    for session in crowd:
        await session.__aenter__()
        await session.open(TEXT, "TEXT")
    async with timed("crowd") as fifth:
        fifth.say(setup={"model": TEXT})
        code, details = await fifth.status()
        claim(code is grpc.StatusCode.RESOURCE_EXHAUSTED, f"{code}")
        claim(details.startswith("You exceeded your current quota"), details)
    for session in crowd:
        await session.__aexit__()


async def over_tls():
    with open(os.environ["GRPC_CA"], "rb") as pem:
        trust = pem.read()
    async with Session(v1beta, os.environ["GRPC_TLS"], trust=trust) as session:
        await text_turns(session)


async def streams_of_one_channel():
    """Six sessions on one connection do not mix."""
    async with Session(v1beta, os.environ["GRPC_OPEN"]) as first:

        async def another(number):
            session = Session.__new__(Session)
            session.__dict__.update(first.__dict__, said=asyncio.Queue())
            session.stream = await session.client.bidi_generate_content(session.requests(), metadata=session.metadata)
            await session.open(TEXT, "TEXT")
            session.ask(f"Tell me about number{number}")
            said = text(await session.turn())
            claim(f"number{number}" in said, f"number{number} is not in {said!r}")

        await asyncio.gather(*(another(number) for number in range(6)))


async def blocking_client():
    await asyncio.to_thread(blocking)


def blocking():
    """The synchronous client: one iterator in, one out."""
    channel = grpc.insecure_channel(os.environ["GRPC_OPEN"])
    transport = v1beta_transports.GenerativeServiceGrpcTransport(channel=channel)
    client = v1beta.GenerativeServiceClient(transport=transport)
    said = queue.SimpleQueue()
    config = {"response_modalities": ["TEXT"]}
    said.put(v1beta.BidiGenerateContentClientMessage(setup={"model": TEXT, "generation_config": config}))
    heard = ""
    for message in client.bidi_generate_content(iter(said.get, None), metadata=[("x-goog-api-key", "any")]):
        if "setup_complete" in message:
            turn = v1beta.Content(role="user", parts=[v1beta.Part(text="Tell me about lighthouses")])
            content = {"turns": [turn], "turn_complete": True}
            said.put(v1beta.BidiGenerateContentClientMessage(client_content=content))
        heard += text([message])
        if message.server_content.turn_complete:
            said.put(None)
    claim("lighthouses" in heard, f"no lighthouses in {heard!r}")
    channel.close()


def cases():
    for package in [v1beta, v1alpha]:
        version = package.__name__.rsplit("_", 1)[1]
        yield f"{version}: text turns", on(package, text_turns)
        yield f"{version}: audio turn", on(package, audio_turn)
        yield f"{version}: a new turn interrupts", on(package, interruption)
        yield f"{version}: tool call", on(package, tool_call)
        yield f"{version}: unknown model is NOT_FOUND", on(package, unknown_model)
        yield f"{version}: no setup is INVALID_ARGUMENT", on(package, no_setup)
        yield f"{version}: half-close ends with OK", on(package, half_close)
    # The messages of v1alpha have no realtime audio in this package.
    yield "v1beta: spoken turn between activity marks", on(v1beta, spoken_turn)
    yield "v1beta: keys in metadata", keys
    yield "v1beta: six streams on one channel", streams_of_one_channel
    yield "v1beta: synchronous client", blocking_client
    yield "v1beta: over TLS", over_tls
    # Nor has v1alpha resumption or goAway. These move the clock of one server, one after the other.
    yield "v1beta: goAway is survived by a handle, with all that was said", go_away_and_handle
    yield "v1beta: who stays after goAway is cut with ABORTED", cut_after_go_away
    yield "v1beta: a handle takes the session from the connection that has it", taken_over
    yield "v1beta: handles that are foreign, unknown or expired are NOT_FOUND", refused_handles
    yield "v1beta: a session beyond the quota is RESOURCE_EXHAUSTED", quota


async def main():
    passed = failed = 0
    for name, case in cases():
        if os.environ.get("INTEROP_ONLY", "") not in name:
            continue
        try:
            await asyncio.wait_for(case(), CASE_SECONDS)
        except Exception as error:
            failed += 1
            print(f"not ok {name}: {type(error).__name__}: {error}".replace("\n", " "), flush=True)
        else:
            passed += 1
            print(f"ok {name}", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return failed == 0


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
