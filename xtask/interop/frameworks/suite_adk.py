"""google-adk holds conversations: a `Runner` with an agent, `run_live` and its queue, as its documentation has it."""

import asyncio
import os

# Read when the client is made.
os.environ["GOOGLE_API_KEY"] = "any-key"

from google.adk.agents import Agent
from google.adk.agents.live_request_queue import LiveRequestQueue
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models.google_llm import Gemini
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from stage import Heard, claim, pieces, run, silence

TEXT = "gemini-live-2.5-flash-preview"
NATIVE = "gemini-2.5-flash-native-audio-preview-12-2025"
V3 = "gemini-3.1-flash-live-preview"


RESUMABLE = {"session_resumption": types.SessionResumptionConfig()}
WORDS = {"response_modalities": [types.Modality.TEXT]}
SPEECH = {
    "response_modalities": [types.Modality.AUDIO],
    "input_audio_transcription": types.AudioTranscriptionConfig(),
    "output_audio_transcription": types.AudioTranscriptionConfig(),
}


class Talk:
    """One conversation: an agent with a tool, and the events that its user sees."""

    def __init__(self, stage, model, **config):
        self.calls = []  # what the tool was called with
        self.tool_runs = asyncio.Event()
        self.tool_may_end = asyncio.Event()
        self.tool_may_end.set()

        async def get_weather(city_name: str) -> dict:
            """The weather in a city."""
            self.calls.append(city_name)
            self.tool_runs.set()
            await self.tool_may_end.wait()
            return {"result": f"drizzle over {city_name}"}

        agent = Agent(
            name="keeper",
            model=Gemini(model=model, base_url=stage.url),
            instruction="Speak of ships.",
            tools=[get_weather],
        )
        self._stage = stage
        self._service = InMemorySessionService()
        self._runner = Runner(app_name="interop", agent=agent, session_service=self._service)
        self._config = RunConfig(streaming_mode=StreamingMode.BIDI, **config)
        self._queue = LiveRequestQueue()
        self.events = Heard()

    async def __aenter__(self):
        await self._service.create_session(app_name="interop", user_id="ada", session_id="talk")
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *error):
        self._queue.close()
        self.tool_may_end.set()
        await self._task

    async def _listen(self):
        try:
            async for event in self._runner.run_live(
                user_id="ada", session_id="talk", live_request_queue=self._queue, run_config=self._config
            ):
                self.events.add(event)
        except Exception as error:  # noqa: BLE001  (whoever waits for an event is told)
            self.events.end(f"{type(error).__name__}: {error}")
        else:
            self.events.end("the run is over")

    def say(self, text):
        self._queue.send_content(types.Content(role="user", parts=[types.Part(text=text)]))

    def speak(self):
        rate = self._stage.rate
        for piece in pieces(rate, self._stage.words + silence(rate, 1500)):
            self._queue.send_realtime(types.Blob(data=piece, mime_type=f"audio/pcm;rate={rate}"))

    async def turn(self):
        """The events up to the end of a turn."""
        return await self.events.until("the end of a turn", lambda event: event.turn_complete)

    async def handle(self):
        await self.events.until("a handle", lambda event: handle(event))

    async def kept(self):
        """What the session service has kept of the conversation."""
        session = await self._service.get_session(app_name="interop", user_id="ada", session_id="talk")
        return session.events


def handle(event):
    update = event.live_session_resumption_update
    return update.new_handle if update and update.resumable else None


def parts(events):
    return [part for event in events if event.content for part in event.content.parts or []]


def said(events):
    """What the model said; what comes piece by piece comes once more as a whole, which is left out."""
    mine = [event for event in events if event.author == "keeper" and event.partial]
    words = "".join(part.text or "" for part in parts(mine))
    return words + "".join(event.output_transcription.text for event in mine if event.output_transcription)


def heard(events):
    return "".join(event.input_transcription.text for event in events if event.input_transcription and event.partial)


def sound(events):
    return b"".join(part.inline_data.data for part in parts(events) if part.inline_data)


def claim_said(events, word):
    claim(word in said(events), f"{word!r} was not said, but {said(events)!r}")


async def weather(talk):
    """A function is called, run once by ADK, and its answer told."""
    talk.say('Use get_weather with {"city_name": "Oslo"}')
    called = await talk.events.until("a function call", lambda event: event.get_function_calls())
    [call] = called[-1].get_function_calls()
    claim((call.name, call.args) == ("get_weather", {"city_name": "Oslo"}), f"called {call}")
    answered = await talk.events.until("a function response", lambda event: event.get_function_responses())
    [answer] = answered[-1].get_function_responses()
    claim(answer.id == call.id, f"{call.id} was answered as {answer.id}")
    # Some models complete the turn in which they called, others only the one in which they tell.
    told = []
    while "drizzle over Oslo" not in said(told):
        told += await talk.turn()
    claim(talk.calls == ["Oslo"], f"the tool was run with {talk.calls}")
    return told


async def tool_in_words(stage):
    async with Talk(stage, TEXT, **WORDS) as talk:
        await weather(talk)
        kept = await talk.kept()
        claim([len(event.get_function_calls()) for event in kept].count(1) == 1, "the session keeps one call")
        claim(any("drizzle over Oslo" in (part.text or "") for part in parts(kept)), "the session keeps the answer")


async def tool_in_speech(stage, model):
    async with Talk(stage, model, **SPEECH) as talk:
        told = await weather(talk)
        claim(len(sound(told)) > 24_000, f"{len(sound(told))} bytes of sound")


async def spoken_to(stage):
    async with Talk(stage, NATIVE, **SPEECH) as talk:
        talk.speak()
        answer = await talk.turn()
        claim("speech" in heard(answer), f"heard {heard(answer)!r}")
        claim_said(answer, "s of speech")
        claim(len(sound(answer)) > 24_000, f"{len(sound(answer))} bytes of sound")


async def interrupted(talk, interrupt):
    talk.say("count from 1 to 2000")
    await talk.events.until("the count to begin", lambda event: event.partial and event.author == "keeper")
    interrupt()
    cut = await talk.events.until("the interruption", lambda event: event.interrupted)
    claim("2000" not in said(cut), "the count came to its end")


async def interrupted_by_words(stage):
    async with Talk(stage, TEXT, **WORDS) as talk:
        await interrupted(talk, lambda: talk.say("Tell me about walnuts"))
        await talk.turn()
        claim_said(await talk.turn(), "walnuts")


async def interrupted_by_speech(stage):
    async with Talk(stage, NATIVE, **SPEECH) as talk:
        await interrupted(talk, talk.speak)
        await talk.turn()
        claim_said(await talk.turn(), "s of speech")


async def go_away(stage, session):
    await stage.control.go_away(session, "30s")


async def drop(stage, session):
    await stage.control.drop(session)


async def reconnects(stage, end):
    """The server takes the connection; ADK comes back with its handle, and the model remembers."""
    async with Talk(stage, TEXT, **WORDS, **RESUMABLE) as talk:
        for _ in range(2):
            talk.say("My name is Ada.")
            await talk.turn()
            await talk.handle()
            before = await stage.control.session()
            await end(stage, before)
            await talk.handle()
            after = await stage.control.session()
            claim(after["isResumed"], f"not resumed: {after}")
            claim(after["session"] == before["session"], "another session")
            talk.say("What did I ask?")
            claim_said(await talk.turn(), "My name is Ada")
            await talk.handle()
        await weather(talk)


async def claim_forgotten(talk):
    talk.say("What did I ask?")
    answer = await talk.turn()
    claim("Ada" not in said(answer), f"remembered: {said(answer)!r}")


async def begins_anew(stage):
    """Without resumption ADK comes back after goAway too, but to a model that knows nothing."""
    async with Talk(stage, TEXT, **WORDS) as talk:
        talk.say("My name is Ada.")
        await talk.turn()
        before = await stage.control.session()
        await go_away(stage, before)
        # No event tells of the new connection, and what is said to the old one is lost.
        claim(not (await stage.control.successor(before))["isResumed"], "resumed")
        await claim_forgotten(talk)


async def begins_anew_amid_an_answer(stage):
    """While the model speaks there is no handle, and ADK gives up the one that it had."""
    async with Talk(stage, TEXT, **WORDS, **RESUMABLE) as talk:
        talk.say("My name is Ada.")
        await talk.turn()
        await talk.handle()
        talk.say("count from 1 to 2000")
        await talk.events.until("the count to begin", lambda event: event.partial)
        await go_away(stage, await stage.control.session())
        await talk.handle()
        claim(not (await stage.control.session())["isResumed"], "resumed")
        await claim_forgotten(talk)


async def ends(stage, amid_a_call, why, **config):
    """What ADK cannot resume ends its run, and its user is told."""
    async with Talk(stage, TEXT, **WORDS, **config) as talk:
        talk.say("My name is Ada.")
        await talk.turn()
        if amid_a_call:
            talk.tool_may_end.clear()
            talk.say('Use get_weather with {"city_name": "Oslo"}')
            await talk.tool_runs.wait()
        await drop(stage, await stage.control.session())
        talk.tool_may_end.set()
        ended = await talk.events.ended()
        claim(why in ended, f"ended by {ended}")


CASES = [
    ("a tool in words, 2.5", tool_in_words),
    ("a tool in speech, 2.5", lambda stage: tool_in_speech(stage, NATIVE)),
    ("a tool in speech, 3.1", lambda stage: tool_in_speech(stage, V3)),
    ("a spoken conversation", spoken_to),
    ("interrupted by words", interrupted_by_words),
    ("interrupted by speech", interrupted_by_speech),
    ("goAway is survived by a handle", lambda stage: reconnects(stage, go_away)),
    ("a cut is survived by a handle", lambda stage: reconnects(stage, drop)),
    ("after goAway without resumption the model has forgotten", begins_anew),
    ("after goAway amid an answer the model has forgotten", begins_anew_amid_an_answer),
    ("a cut without resumption ends the run", lambda stage: ends(stage, False, "1006")),
    ("a cut amid a call ends the run", lambda stage: ends(stage, True, "no close frame", **RESUMABLE)),
]

if __name__ == "__main__":
    run(CASES)
