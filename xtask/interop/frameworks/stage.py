"""What the suites of the frameworks share: cases one after the other, the control endpoint, and a watch over the network.

What a framework does in a case is the business of its own suite (suite_adk.py, suite_pipecat.py, suite_livekit.py).
"""

import asyncio
import ipaddress
import json
import os
import sys
import time
import urllib.request
import wave

CASE_SECONDS = 30
# What is spoken is sent in pieces of this length, as a microphone does.
PIECE_MS = 20


class Failed(AssertionError):
    """A claim of a case that did not hold."""


def claim(holds, text):
    if not holds:
        raise Failed(text)


# Where the framework tried to go beyond this machine.
strays = []


def watch_network():
    """Refuses what leaves this machine, and keeps it in mind: `strays` is a case of its own."""

    def is_here(host):
        if host in (None, "", "localhost", b"localhost"):
            return True
        try:
            return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
        except ValueError:
            return False

    def hook(event, arguments):
        if event == "socket.getaddrinfo":
            host = arguments[0]
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        else:
            return
        if not is_here(host):
            strays.append(f"{event} {host}")
            raise ConnectionRefusedError(f"{host} is not on this machine")

    sys.addaudithook(hook)


class Control:
    """The control endpoint of the server, which has the sessions of this suite alone."""

    def __init__(self, url):
        self._url = url

    async def _ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, method="GET" if body is None else "POST")
        return json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).read()))

    async def sessions(self):
        return (await self._ask("/sessions"))["sessions"]

    async def session(self):
        """The connection that the case holds."""
        open_now = [each for each in await self.sessions() if each["model"]]
        claim(len(open_now) == 1, f"not one session, but {open_now}")
        return open_now[0]

    async def successor(self, session):
        """The connection that takes the place of another; asks until it is there."""
        while True:
            open_now = [each for each in await self.sessions() if each["model"]]
            if len(open_now) == 1 and open_now[0]["id"] != session["id"]:
                return open_now[0]

    async def go_away(self, session, time_left):
        await self._ask(f"/sessions/{session['id']}/goAway", {"timeLeft": time_left})

    async def drop(self, session):
        await self._ask(f"/sessions/{session['id']}/drop", {})


class Heard:
    """What came so far, and who waits for something in it."""

    def __init__(self):
        self.items = []
        self._changed = asyncio.Event()
        self._ended = None
        self._taken = 0

    def add(self, item):
        self.items.append(item)
        self._changed.set()

    def end(self, why):
        self._ended = why
        self._changed.set()

    async def until(self, what, holds):
        """Waits for the next item that `holds`, and gives it with all that came before it since the last wait."""
        start = self._taken
        while True:
            while self._taken < len(self.items):
                self._taken += 1
                if holds(self.items[self._taken - 1]):
                    return self.items[start : self._taken]
            claim(self._ended is None, f"ended before {what}: {self._ended}")
            self._changed.clear()
            await self._changed.wait()

    async def some(self, what, holds):
        """Waits until there is an item that `holds`, wherever in the stream it comes."""
        while not (found := [item for item in self.items if holds(item)]):
            claim(self._ended is None, f"ended before {what}: {self._ended}")
            self._changed.clear()
            await self._changed.wait()
        return found

    async def ended(self):
        """Waits for the end, and tells why it came."""
        while self._ended is None:
            self._changed.clear()
            await self._changed.wait()
        return self._ended


def speech(path):
    """Somebody's words: a WAV file's rate and samples."""
    with wave.open(path) as file:
        return file.getframerate(), file.readframes(file.getnframes())


def pieces(rate, pcm):
    """Sound as it comes from a microphone."""
    size = rate * PIECE_MS // 1000 * 2
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


def silence(rate, milliseconds):
    return bytes(rate * milliseconds // 1000 * 2)


class Stage:
    """What a case is given."""

    def __init__(self):
        self.url = os.environ["FRAMEWORK_URL"]
        self.control = Control(os.environ["FRAMEWORK_CONTROL"])
        self.key = "any-key"
        self.rate, self.words = speech(os.environ["FRAMEWORK_SPEECH"])


def reason(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"no end after {CASE_SECONDS} s"
    text = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:600]


async def no_strays(_stage):
    claim(not strays, f"it wanted to go to {sorted(set(strays))}")


def run(cases):
    """Runs (name, case) one after the other; one line a case, and the counts at the end."""
    watch_network()
    stage = Stage()
    only = os.environ.get("INTEROP_ONLY", "")
    chosen = [case for case in [*cases, ("nothing leaves this machine", no_strays)] if only in case[0]]
    failures = 0

    async def all_cases():
        nonlocal failures
        for name, case in chosen:
            start = time.monotonic()
            try:
                async with asyncio.timeout(CASE_SECONDS):
                    await case(stage)
            except Exception as error:  # noqa: BLE001  (whatever a case raises is its result)
                failures += 1
                print(f"not ok {name}: {reason(error)}", flush=True)
            else:
                print(f"ok {name} # {time.monotonic() - start:.2f} s", flush=True)

    asyncio.run(all_cases())
    print(f"{len(chosen) - failures} passed, {failures} failed", flush=True)
    sys.exit(1 if failures else 0)
