"""What one turn looked like to the client, and the claims made about it.

Both kinds of session (session.py) fill the same record, so that a case reads the same for each of them.
"""

import array
import math
import time
from dataclasses import dataclass, field


CLAIMS = {
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
}


class Failed(AssertionError):
    """A claim of a case that did not hold."""


def claim(holds, text):
    if not holds:
        raise Failed(text)


@dataclass
class Usage:
    prompt: int
    response: int
    thoughts: int
    tool_use: int
    total: int
    prompt_modalities: dict
    response_modalities: dict


@dataclass
class Message:
    """One server message, whoever parsed it."""

    text: str = ""
    thought: str = ""
    audio: list = field(default_factory=list)  # (mime type, bytes)
    parts: int = 0
    transcript: str = ""
    heard: str = ""  # of what the user said
    interrupted: bool = False
    generation_complete: bool = False
    turn_complete: bool = False
    usage: Usage | None = None
    calls: list = field(default_factory=list)  # (id, name, args)
    cancelled: list = field(default_factory=list)  # ids of calls
    code: list = field(default_factory=list)  # (language, code)
    results: list = field(default_factory=list)  # (outcome, output) of code
    grounding: dict | None = None  # queries, chunks of (title, uri), supports of (start, end, text, indices of chunks)
    pages: list = field(default_factory=list)  # (address, status)
    resumable: bool | None = None  # of a sessionResumptionUpdate, whose handle is the next field
    handle: str = ""
    go_away: str = ""  # timeLeft
    at: float = field(default_factory=time.monotonic)


@dataclass
class Turn:
    """Messages up to and including `turnComplete`."""

    messages: list = field(default_factory=list)

    def add(self, message):
        claim(not self.done, "a message of this turn came after its turnComplete")
        resumable = message.resumable or False
        claim(resumable == bool(message.handle), f"resumable is {message.resumable}, the handle {message.handle!r}")
        # While the model speaks, the session cannot be resumed.
        speaking = "content" in self.events and "interrupted" not in self.events
        claim(not (speaking and message.handle), "a handle in the middle of an answer")
        self.messages.append(message)

    @property
    def done(self):
        return bool(self.messages) and self.messages[-1].turn_complete

    @property
    def text(self):
        return "".join(message.text for message in self.messages)

    @property
    def transcript(self):
        return "".join(message.transcript for message in self.messages)

    @property
    def heard(self):
        return "".join(message.heard for message in self.messages)

    @property
    def code(self):
        return [code for message in self.messages for code in message.code]

    @property
    def pages(self):
        return [page for message in self.messages for page in message.pages]

    @property
    def said(self):
        return (self.text + self.transcript).lower()

    @property
    def pcm(self):
        return b"".join(data for message in self.messages for _, data in message.audio)

    @property
    def audio_ms(self):
        return len(self.pcm) / 48  # 24 kHz, two bytes a sample

    @property
    def calls(self):
        return [call for message in self.messages for call in message.calls]

    @property
    def events(self):
        """The order of what matters; a message with several of them counts in the order of the protocol."""
        events = []
        for message in self.messages:
            # An interruption is told before any payload of the frame that carries it.
            if message.interrupted:
                events.append("interrupted")
            if message.text or message.audio:
                events.append("content")
            if message.transcript:
                events.append("transcript")
            if message.calls:
                events.append("call")
            if message.generation_complete:
                events.append("generationComplete")
            if message.turn_complete:
                events.append("turnComplete")
        return events

    def check(self, want, asked_at, calls):
        """Checks what holds for every turn, then what the case asks for; `calls` are those that came last."""
        unknown = set(want) - CLAIMS
        claim(not unknown, f"the case asks for what nobody checks: {unknown}")
        self._check_order(want.get("end", "complete"))
        self._check_audio(want.get("audio"))
        if want.get("end", "complete") == "complete":
            self._check_pace(asked_at)
        self._check_usage(want.get("prompt", []), want.get("response", []), want.get("tokens", {}))
        if "prompt_tokens" in want:
            least, most = want["prompt_tokens"]
            tokens = self.messages[-1].usage.prompt
            claim(least <= tokens <= most, f"{tokens} tokens in the prompt, not {least} to {most}")
        cancelled = [each for message in self.messages for each in message.cancelled]
        withdrawn = [call[0] for call in calls] if want.get("cancels") else []
        claim(cancelled == withdrawn, f"cancelled are {cancelled}, not {withdrawn}")
        if "updates" in want:
            updates = [message.resumable for message in self.messages if message.resumable is not None]
            claim(bool(updates) == want["updates"], f"updates of resumption: {updates}")
        for word in want.get("says", []):
            claim(word.lower() in self.said, f"{word!r} was not said, but {self.said!r}")
        for word in want.get("lacks", []):
            claim(word.lower() not in self.said, f"{word!r} was said: {self.said!r}")
        thought = "".join(message.thought for message in self.messages)
        claim(bool(thought) == want.get("thought", False), f"thoughts: {thought!r}")
        thinks = want.get("thinks", bool(thought))
        claim(bool(self.messages[-1].usage.thoughts) == thinks, f"tokens of thoughts: {self.messages[-1].usage}")
        self._check_code(want.get("code"))
        self._check_grounding(want.get("grounding"))
        claim(self.pages == [tuple(page) for page in want.get("pages", [])], f"pages: {self.pages}")
        used = self.messages[-1].usage.tool_use
        claim(bool(used) == bool(self.code or (self.grounding and self.grounding["chunks"])), f"{used} tokens of tools")
        for name in ("text", "transcript", "heard"):
            if name in want:
                claim(bool(getattr(self, name)) == want[name], f"{name} is {getattr(self, name)!r}")

    def _check_code(self, want):
        """Code comes once, alone in its message, and its result behind it."""
        results = [result for message in self.messages for result in message.results]
        if want is None:
            claim(not self.code and not results, f"code: {self.code}, {results}")
            return
        claim(self.code == [("PYTHON", want["program"])], f"code: {self.code}")
        [(outcome, output)] = results
        claim(outcome == want["outcome"], f"{outcome}: {output}")
        claim(want["output"] in output, f"the code put out {output!r}")
        holding = [message for message in self.messages if message.code or message.results]
        claim(len(holding) == 2 and holding[0].code, "the result does not come behind its code")
        claim(all(message.parts == 1 for message in holding), "other parts beside code")

    @property
    def grounding(self):
        found = [message.grounding for message in self.messages if message.grounding is not None]
        claim(len(found) < 2, f"{len(found)} times groundingMetadata")
        return found[0] if found else None

    def _check_grounding(self, want):
        """Each support is of these bytes of what was said, and of chunks that there are."""
        found = self.grounding
        claim((found is None) == (want is None), f"grounding: {found}")
        if want is None:
            return
        claim(found["queries"] == want["queries"], f"queries: {found}")
        claim(found["chunks"] == [tuple(chunk) for chunk in want["chunks"]], f"chunks: {found}")
        spoken = (self.text or self.transcript).encode()
        for start, end, text, chunks in found["supports"]:
            claim(spoken[start:end].decode() == text, f"bytes {start} to {end} are {spoken[start:end]!r}, not {text!r}")
            claim(chunks and all(0 <= chunk < len(found["chunks"]) for chunk in chunks), f"no such chunk: {found}")
        quoted = [text for _, _, text, _ in found["supports"]]
        claim(quoted == want["quotes"], f"quoted are {quoted}")

    def _check_order(self, end):
        events = self.events
        claim(
            events.count("turnComplete") == 1 and events[-1] == "turnComplete", f"turnComplete is not the end: {events}"
        )
        if end == "interrupted":
            claim(events.count("interrupted") == 1, f"interrupted once expected: {events}")
            claim("generationComplete" not in events, f"an interrupted turn has no generationComplete: {events}")
            claim(events[-2] == "interrupted", f"nothing may come between interrupted and turnComplete: {events}")
        else:
            claim("interrupted" not in events, f"nobody interrupted: {events}")
            claim(events.count("generationComplete") == 1, f"generationComplete once expected: {events}")
            claim(events[-2] == "generationComplete", f"nothing may come after generationComplete: {events}")
            claim("content" in events, f"the turn is empty: {events}")

    def _check_audio(self, wanted):
        chunks = [chunk for message in self.messages for chunk in message.audio]
        if wanted is not None:
            claim(bool(chunks) == wanted, f"{len(chunks)} chunks of audio")
        for message in self.messages:
            if message.audio:
                claim(message.parts == 1, f"{message.parts} parts in a message with audio")
        for mime_type, data in chunks:
            claim(mime_type == "audio/pcm;rate=24000", f"mime type {mime_type!r}")
            claim(len(data) > 0 and len(data) % 2 == 0, f"{len(data)} bytes are not 16 bit samples")
        if wanted:
            samples = array.array("h", self.pcm)
            energy = math.sqrt(sum(sample * sample for sample in samples) / len(samples))
            claim(energy > 200, f"the audio is silent: root mean square {energy:.0f}")
            claim(100 < self.audio_ms < 60_000, f"{self.audio_ms:.0f} ms of audio")

    def _check_pace(self, asked_at):
        """A turn that is spoken does not end before its playback would.

        Counted from before the turn was asked for, so that it holds however late a loaded machine reads."""
        if self.pcm:
            ended_ms = (self.messages[-1].at - asked_at) * 1000
            claim(ended_ms >= self.audio_ms, f"turnComplete after {ended_ms:.0f} ms for {self.audio_ms:.0f} ms of audio")

    def _check_usage(self, prompt, response, tokens):
        usage = self.messages[-1].usage
        claim(usage is not None, "no usageMetadata in the turnComplete frame")
        claim(usage.prompt > 0 and usage.response > 0, f"empty usage: {usage}")
        claim(usage.total >= usage.prompt + usage.response, f"the total is less than its parts: {usage}")
        claim(sum(usage.prompt_modalities.values()) == usage.prompt, f"prompt details do not add up: {usage}")
        claim(sum(usage.response_modalities.values()) == usage.response, f"response details do not add up: {usage}")
        for modality in prompt:
            claim(usage.prompt_modalities.get(modality, 0) > 0, f"no {modality} in the prompt: {usage}")
        for modality in response:
            claim(usage.response_modalities.get(modality, 0) > 0, f"no {modality} in the response: {usage}")
        for modality, count in tokens.items():
            claim(usage.prompt_modalities.get(modality, 0) == count, f"not {count} tokens of {modality}: {usage}")
        if self.pcm:
            heard, counted = self.audio_ms / 1000 * 25, usage.response_modalities.get("AUDIO", 0)
            claim(abs(heard - counted) <= 1, f"{counted} tokens for {self.audio_ms:.0f} ms of audio")
