"""LiveKit holds conversations: an `AgentSession` with its `RealtimeModel`, a microphone and a loudspeaker of ours, and no
room."""

import asyncio

from google.genai.types import HttpOptions
from livekit import rtc
from livekit.agents import Agent, AgentSession, RunContext, function_tool
from livekit.agents.voice import io
from livekit.plugins.google.realtime import RealtimeModel

from stage import Heard, claim, pieces, run, silence

NATIVE = "gemini-2.5-flash-native-audio-preview-12-2025"
V3 = "gemini-3.1-flash-live-preview"
V38 = "gemini-3.8-live"


class Microphone(io.AudioInput):
    """What the user says, as fast as it is taken."""

    def __init__(self):
        super().__init__(label="microphone")
        self._frames = asyncio.Queue()

    def say(self, rate, pcm):
        for piece in pieces(rate, pcm):
            self._frames.put_nowait(rtc.AudioFrame(piece, rate, 1, len(piece) // 2))

    async def __anext__(self):
        return await self._frames.get()


class Loudspeaker(io.AudioOutput):
    """Plays at once what it is given, and stops when told to."""

    def __init__(self, heard):
        super().__init__(label="loudspeaker", capabilities=io.AudioOutputCapabilities(pause=True))
        self._heard = heard
        self._played = None  # seconds of the answer that is being played

    async def capture_frame(self, frame):
        await super().capture_frame(frame)
        if self._played is None:
            self._played = 0.0
        self._played += frame.duration
        self._heard.add(("sound", frame.duration))

    def flush(self):
        super().flush()
        self._end(interrupted=False)

    def clear_buffer(self):
        self._end(interrupted=True)

    def _end(self, interrupted):
        if self._played is not None:
            played, self._played = self._played, None
            self.on_playback_finished(playback_position=played, interrupted=interrupted)


class Talk:
    """One conversation: an agent with a tool, and the events that its user sees."""

    def __init__(self, stage, model):
        self.calls = []  # what the tool was called with
        self.tool_runs = asyncio.Event()
        self.tool_may_end = asyncio.Event()
        self.tool_may_end.set()

        @function_tool
        async def get_weather(context: RunContext, city_name: str):
            """The weather in a city."""
            self.calls.append(city_name)
            self.tool_runs.set()
            await self.tool_may_end.wait()
            return f"drizzle over {city_name}"

        self._stage = stage
        self.events = Heard()
        model = RealtimeModel(model=model, api_key=stage.key, http_options=HttpOptions(base_url=stage.url))
        self.session = AgentSession(llm=model)
        for name in ("conversation_item_added", "function_tools_executed", "user_input_transcribed", "error", "close"):
            self.session.on(name, lambda event, name=name: self.events.add((name, event)))
        self._microphone = Microphone()
        self.session.input.audio = self._microphone
        self.session.output.audio = Loudspeaker(self.events)
        self._agent = Agent(instructions="Speak of ships.", tools=[get_weather])

    async def __aenter__(self):
        await self.session.start(self._agent)
        return self

    async def __aexit__(self, *error):
        self.tool_may_end.set()
        await self.session.aclose()

    def say(self, text):
        return self.session.generate_reply(user_input=text)

    def speak(self):
        rate = self._stage.rate
        self._microphone.say(rate, self._stage.words + silence(rate, 1500))

    async def event(self, name, holds=lambda event: True):
        items = await self.events.until(name, lambda item: item[0] == name and holds(item[1]))
        return items[-1][1]

    async def answer(self):
        """The next thing that the agent has said."""
        event = await self.event("conversation_item_added", lambda event: getattr(event.item, "role", "") == "assistant")
        return event.item


def claim_said(item, word):
    claim(word in item.text_content, f"{word!r} was not said, but {item.text_content!r}")


async def weather(talk):
    """A function is called, run once by LiveKit, and its answer told."""
    talk.say('Use get_weather with {"city_name": "Oslo"}')
    executed = await talk.event("function_tools_executed")
    [(call, output)] = executed.zipped()
    claim((call.name, call.arguments) == ("get_weather", '{"city_name": "Oslo"}'), f"called {call}")
    claim(call.call_id == output.call_id, f"{call.call_id} was answered as {output.call_id}")
    claim_said(await talk.answer(), "drizzle over Oslo")
    claim(talk.calls == ["Oslo"], f"the tool was run with {talk.calls}")


async def tool(stage, model):
    async with Talk(stage, model) as talk:
        await weather(talk)
        seconds = sum(item[1] for item in talk.events.items if item[0] == "sound")
        claim(seconds > 0.5, f"{seconds} s of sound")
        talk.say("What did I ask?")
        claim_said(await talk.answer(), "Use get_weather")


async def spoken_to(stage, model):
    async with Talk(stage, model) as talk:
        talk.speak()
        heard = await talk.event("user_input_transcribed", lambda event: event.is_final)
        claim("speech" in heard.transcript, f"heard {heard}")
        claim_said(await talk.answer(), "s of speech")


async def interrupted(stage, model):
    async with Talk(stage, model) as talk:
        talk.say("count from 1 to 2000")
        await talk.events.until("sound", lambda item: item[0] == "sound")
        talk.speak()
        cut = await talk.answer()
        claim(cut.interrupted, f"not interrupted: {cut}")
        claim("2000" not in cut.text_content, "the count came to its end")
        answer = await talk.answer()
        claim(not answer.interrupted, f"interrupted: {answer}")
        claim_said(answer, "s of speech")


async def go_away(stage, session):
    await stage.control.go_away(session, "30s")


async def drop(stage, session):
    await stage.control.drop(session)


async def reconnects(stage, end):
    """The server takes the connection; LiveKit comes back with its handle, and the model remembers."""
    async with Talk(stage, NATIVE) as talk:
        talk.say("My name is Ada.")
        await talk.answer()
        for _ in range(2):
            before = await stage.control.session()
            await end(stage, before)
            after = await stage.control.successor(before)
            claim(after["isResumed"], f"not resumed: {after}")
            claim(after["session"] == before["session"], "another session")
            talk.say("What did I ask?")
            claim_said(await talk.answer(), "My name is Ada")
        await weather(talk)


async def cut_amid_a_call(stage):
    """LiveKit resumes by its handle from before the call and may tell the question again, so that the model calls again."""
    async with Talk(stage, NATIVE) as talk:
        talk.say("My name is Ada.")
        await talk.answer()
        talk.tool_may_end.clear()
        talk.say('Use get_weather with {"city_name": "Oslo"}')
        await talk.tool_runs.wait()
        before = await stage.control.session()
        await drop(stage, before)
        claim((await stage.control.successor(before))["isResumed"], "not resumed")
        talk.tool_may_end.set()
        await talk.event("function_tools_executed")
        talk.say("Go on.")
        await talk.answer()
        talk.say("What did I ask?")
        claim_said(await talk.answer(), "My name is Ada")


async def refused(stage):
    """What the server refuses ends the session, and its user reads why."""
    async with Talk(stage, "no-such-model") as talk:
        error = (await talk.event("error")).error
        claim(not error.recoverable, f"{error}")
        claim("no-such-model is not found" in str(error.error), f"{error}")
        await talk.event("close")


CASES = [
    ("a tool in speech, 2.5", lambda stage: tool(stage, NATIVE)),
    ("a tool in speech, 3.1", lambda stage: tool(stage, V3)),
    ("a tool in speech, 3.8", lambda stage: tool(stage, V38)),
    ("a spoken conversation, 2.5", lambda stage: spoken_to(stage, NATIVE)),
    ("a spoken conversation, 3.1", lambda stage: spoken_to(stage, V3)),
    ("interrupted by speech, 2.5", lambda stage: interrupted(stage, NATIVE)),
    ("interrupted by speech, 3.1", lambda stage: interrupted(stage, V3)),
    ("goAway is survived by a handle", lambda stage: reconnects(stage, go_away)),
    ("a cut is survived by a handle", lambda stage: reconnects(stage, drop)),
    ("a cut amid a call is survived by the handle before it", cut_amid_a_call),
    ("a refused setup ends the session", refused),
]

if __name__ == "__main__":
    run(CASES)
