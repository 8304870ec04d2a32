"""pipecat holds conversations: a `Pipeline` with its `GeminiLiveLLMService` and context aggregators.

The transport is left out: what a microphone would bring is queued, and what the service pushes is observed.
"""

import asyncio

from google.genai.types import HttpOptions
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    ErrorFrame,
    FunctionCallResultFrame,
    InputAudioRawFrame,
    InputTextRawFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMRunFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.observers.base_observer import BaseObserver
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.services.llm_service import FunctionCallParams
from pipecat.workers.runner import WorkerRunner

from stage import Heard, claim, pieces, run, silence

NATIVE = "gemini-2.5-flash-native-audio-preview-12-2025"
V3 = "gemini-3.1-flash-live-preview"
V38 = "gemini-3.8-live"


class Observer(BaseObserver):
    """Hears what the service pushes, in either direction."""

    def __init__(self, service, frames):
        super().__init__()
        self._service = service
        self._frames = frames

    async def on_push_frame(self, data):
        if data.source is self._service and data.first_push:
            self._frames.add(data.frame)


class Talk:
    """One conversation: a pipeline, a tool, and the frames that its user sees."""

    def __init__(self, stage, model, opening, beside=False):
        self.calls = []  # what the tool was called with
        self.tool_runs = asyncio.Event()
        self.tool_may_end = asyncio.Event()
        self.tool_may_end.set()

        async def get_weather(params: FunctionCallParams, city_name: str):
            """The weather in a city.

            Args:
                city_name: The city.
            """
            self.calls.append(city_name)
            self.tool_runs.set()
            await self.tool_may_end.wait()
            await params.result_callback({"result": f"drizzle over {city_name}"})

        self._stage = stage
        self.frames = Heard()
        service = GeminiLiveLLMService(
            api_key=stage.key,
            settings=GeminiLiveLLMService.Settings(model=model, system_instruction="Speak of ships.", voice="Charon"),
            http_options=HttpOptions(base_url=stage.url),
        )
        # What runs beside the conversation is declared NON_BLOCKING.
        service.register_direct_function(get_weather, cancel_on_interruption=not beside)
        self._context = LLMContext(
            [{"role": "user", "content": opening}], tools=ToolsSchema(standard_tools=[get_weather])
        )
        pair = LLMContextAggregatorPair(self._context)
        self._worker = PipelineWorker(
            Pipeline([pair.user(), service, pair.assistant()]),
            params=PipelineParams(enable_usage_metrics=True),
            observers=[Observer(service, self.frames)],
            idle_timeout_secs=None,
        )
        self._runner = WorkerRunner(handle_sigint=False)

    async def __aenter__(self):
        await self._runner.add_workers(self._worker)
        self._running = asyncio.create_task(self._runner.run())
        await self._worker.queue_frames([LLMRunFrame()])
        return self

    async def __aexit__(self, *error):
        self.tool_may_end.set()
        await self._worker.cancel()
        await self._running

    async def say(self, text):
        await self._worker.queue_frames([InputTextRawFrame(text)])

    async def speak(self):
        rate = self._stage.rate
        sound = pieces(rate, self._stage.words + silence(rate, 1500))
        await self._worker.queue_frames(
            [InputAudioRawFrame(audio=piece, sample_rate=rate, num_channels=1) for piece in sound]
        )

    async def frame(self, kind):
        return await self.frames.until(kind.__name__, lambda frame: isinstance(frame, kind))

    async def answer(self):
        """The frames up to the end of an answer."""
        return await self.frame(LLMFullResponseEndFrame)

    def kept(self, role):
        """What the context has kept of the conversation."""
        messages = self._context.get_messages()
        return " ".join(str(message.get("content")) for message in messages if message["role"] == role)


def said(frames):
    return "".join(frame.text for frame in frames if isinstance(frame, TTSTextFrame))


def sound(frames):
    return b"".join(frame.audio for frame in frames if isinstance(frame, TTSAudioRawFrame))


def claim_said(frames, word):
    claim(word in said(frames), f"{word!r} was not said, but {said(frames)!r}")


async def tool(stage, model):
    async with Talk(stage, model, 'Use get_weather with {"city_name": "Oslo"}') as talk:
        answer = await talk.answer()
        claim_said(answer, "drizzle over Oslo")
        claim(len(sound(answer)) > 24_000, f"{len(sound(answer))} bytes of sound")
        claim(talk.calls == ["Oslo"], f"the tool was run with {talk.calls}")
        results = [frame for frame in answer if isinstance(frame, FunctionCallResultFrame)]
        claim(len({result.tool_call_id for result in results}) == 1, f"{results}")
        await talk.say("What did I ask?")
        claim_said(await talk.answer(), "Use get_weather")
        claim("drizzle over Oslo" in talk.kept("assistant"), f"the context keeps {talk.kept('assistant')}")


async def spoken_to(stage, model):
    async with Talk(stage, model, "My name is Ada.") as talk:
        claim_said(await talk.answer(), "My name is Ada")
        await talk.speak()
        claim_said(await talk.answer(), "s of speech")
        # pipecat waits for half a second whether a sentence goes on.
        heard = await talk.frames.some("what was heard", lambda frame: isinstance(frame, TranscriptionFrame))
        claim("speech" in heard[0].text, f"heard {heard}")


async def interrupted(stage, model):
    async with Talk(stage, model, "count from 1 to 2000") as talk:
        await talk.frame(TTSAudioRawFrame)
        await talk.speak()
        cut = await talk.frame(InterruptionFrame)
        claim("2000" not in said(cut), "the count came to its end")
        answer = await talk.answer()
        # The turn that was cut off comes to its end first.
        claim_said(answer + ([] if sound(answer) else await talk.answer()), "s of speech")


async def beside(stage, model):
    """A function that runs beside the conversation, and is told of when the model is idle."""
    async with Talk(stage, model, 'Use get_weather with {"city_name": "Oslo"}', beside=True) as talk:
        talk.tool_may_end.clear()
        await talk.tool_runs.wait()
        await talk.say("Tell me about walnuts")
        claim_said(await talk.answer(), "walnuts")
        talk.tool_may_end.set()
        claim_said(await talk.answer(), "drizzle over Oslo")
        claim(talk.calls == ["Oslo"], f"the tool was run with {talk.calls}")


async def go_away(stage, session):
    await stage.control.go_away(session, "100ms")


async def drop(stage, session):
    await stage.control.drop(session)


async def reconnects(stage, end):
    async with Talk(stage, NATIVE, "My name is Ada.") as talk:
        await talk.answer()
        for _ in range(2):
            before = await stage.control.session()
            await end(stage, before)
            after = await stage.control.successor(before)
            claim(after["isResumed"], f"not resumed: {after}")
            claim(after["session"] == before["session"], "another session")
            await talk.say("What did I ask?")
            claim_said(await talk.answer(), "My name is Ada")
        await talk.say('Use get_weather with {"city_name": "Oslo"}')
        claim_said(await talk.answer(), "drizzle over Oslo")
        claim(talk.calls == ["Oslo"], f"the tool was run with {talk.calls}")


async def cut_amid_a_call(stage):
    """pipecat resumes by its last handle, from before the call: the question and the function's answer are lost."""
    async with Talk(stage, NATIVE, "My name is Ada.") as talk:
        await talk.answer()
        talk.tool_may_end.clear()
        await talk.say('Use get_weather with {"city_name": "Oslo"}')
        await talk.tool_runs.wait()
        before = await stage.control.session()
        await drop(stage, before)
        claim((await stage.control.successor(before))["isResumed"], "not resumed")
        talk.tool_may_end.set()
        await talk.frame(FunctionCallResultFrame)
        await talk.say("What did I ask?")
        answer = await talk.answer()
        claim_said(answer, "My name is Ada")
        claim("get_weather" not in said(answer), f"remembered {said(answer)!r}")


async def gives_up(stage):
    """At the third cut within ten seconds it tells its user and stays away, in a pipeline that goes on."""
    async with Talk(stage, NATIVE, "My name is Ada.") as talk:
        await talk.answer()
        for _ in range(2):
            before = await stage.control.session()
            await drop(stage, before)
            await stage.control.successor(before)
        await drop(stage, await stage.control.session())
        [error] = await talk.frames.some("an error", lambda frame: isinstance(frame, ErrorFrame))
        claim("Max consecutive failures" in error.error, f"{error}")
        claim(not await stage.control.sessions(), "it came back all the same")


CASES = [
    ("a tool in speech, 2.5", lambda stage: tool(stage, NATIVE)),
    ("a tool in speech, 3.1", lambda stage: tool(stage, V3)),
    ("a tool in speech, 3.8", lambda stage: tool(stage, V38)),
    ("a tool beside the conversation, 2.5", lambda stage: beside(stage, NATIVE)),
    ("a tool beside the conversation, 3.8", lambda stage: beside(stage, V38)),
    ("a spoken conversation, 2.5", lambda stage: spoken_to(stage, NATIVE)),
    ("a spoken conversation, 3.1", lambda stage: spoken_to(stage, V3)),
    ("interrupted by speech, 2.5", lambda stage: interrupted(stage, NATIVE)),
    ("interrupted by speech, 3.1", lambda stage: interrupted(stage, V3)),
    ("goAway is survived by a handle", lambda stage: reconnects(stage, go_away)),
    ("a cut is survived by a handle", lambda stage: reconnects(stage, drop)),
    ("a cut amid a call loses the call", cut_amid_a_call),
    ("after a third cut it stays away", gives_up),
]

if __name__ == "__main__":
    run(CASES)
