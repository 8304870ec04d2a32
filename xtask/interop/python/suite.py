"""Runs cases.json through google-genai and a raw WebSocket: one line a case, `ok name` or `not ok name: reason`.

The server, its address and its certificate come from the environment; docs/interop.md says what the cases mean.
"""

import array
import asyncio
import base64
import json
import math
import os
import re
import sys
import time
import urllib.request
import wave
from datetime import datetime, timedelta
from pathlib import Path

from google import genai
from google.genai import errors, types

from session import Closed, session
from turn import Failed, Turn, claim

CASE_SECONDS = 30
CASES_AT_ONCE = 6
CLIENT = "python"


def fill(value, names):
    """Replaces `{name}` in all strings of a case; a string that is nothing else takes the value as it is."""
    if isinstance(value, dict):
        return {fill(key, names): fill(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [fill(each, names) for each in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\{(\w+)\}", value)
    if whole and whole[1] in names:
        return fill(names[whole[1]], {key: each for key, each in names.items() if key != whole[1]})
    return re.sub(r"\{(\w+)\}", lambda match: str(names.get(match[1], match[0])), value)


def expand(suite, environment):
    """Every (name, mode, case) that this client runs, in the order of the file."""
    for case in suite["cases"]:
        for mode_name in case["modes"]:
            mode = suite["modes"][mode_name]
            if CLIENT not in mode.get("clients", [CLIENT]) or CLIENT not in case.get("clients", [CLIENT]):
                continue
            for names in case.get("each", [{}]):
                names = {**environment, **suite["tools"], "mode": mode_name, **names}
                filled = fill({key: value for key, value in case.items() if key != "each"}, names)
                name = filled["name"]
                if "label" in filled:
                    name += f" ({filled['label']})"
                yield f"{mode_name}: {name}", mode, filled


def options(mode, case, environment):
    """Where and how a session of this case is dialled."""
    server = case.get("server", "open")
    url = environment[f"{server}_url"]
    # Where the SDK has an environment variable for the base URL, nothing is passed to it.
    in_environment = mode["via"] == "sdk" and server == "open" and mode.get("auth") != "none"
    if mode.get("auth") == "none":
        url = url.replace("https://", "wss://") + mode["path"]
    if mode.get("auth") == "key":
        in_environment = False
    key = case.get("key", environment["key"])
    return {
        "url": None if in_environment else url,
        "path": case.get("path", mode.get("path", "")),
        "key": key,
        "headers": case.get("headers", {"x-goog-api-key": key}),
        "query": case.get("query", ""),
        "api_version": case.get("api_version"),
    }


def tone(milliseconds):
    """A wavering tone, 16 bit mono at 16 kHz, little endian."""
    rate = 16_000
    samples = array.array("h")
    for index in range(rate * milliseconds // 1000):
        seconds = index / rate
        samples.append(
            int(8000 * math.sin(2 * math.pi * 220 * seconds) * (0.6 + 0.4 * math.sin(2 * math.pi * 5 * seconds)))
        )
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def speech(environment):
    """What somebody says, in a WAV file: its rate and its samples."""
    with wave.open(environment["speech"]) as file:
        return file.getframerate(), file.readframes(file.getnframes())


async def stream(peer, pcm, rate=16_000):
    """Sends sound in pieces of 100 ms, as a microphone does, but all at once."""
    piece = rate // 10 * 2
    for start in range(0, len(pcm), piece):
        await peer.audio(pcm[start : start + piece], rate)


async def turn_step(peer, turn, until=None):
    """Reads into the turn until it is over, or until `until` holds."""
    messages = peer.messages()
    try:
        async for message in messages:
            turn.add(message)
            if until is not None and until(turn):
                return
    finally:
        await messages.aclose()
    claim(until is None, "the turn ended early")


async def advance(control, by):
    """Lets time pass on the server of this client."""
    request = urllib.request.Request(f"{control}/clock/advance", json.dumps({"by": by}).encode(), method="POST")
    await asyncio.to_thread(lambda: urllib.request.urlopen(request).read())


async def mint(case, environment):
    """An ephemeral token, made by the SDK as the case wants it; None if the server must refuse to make it."""
    want = dict(case["token"])
    url = environment[f"{case.get('server', 'open')}_url"]
    key = case.get("key", environment["key"])
    refused = want.pop("refused", None)
    config = want.pop("config", {})
    if want:
        now = await asyncio.to_thread(clock_of, url, key)
        config.update({name: (now + timedelta(seconds=seconds)).isoformat() for name, seconds in want.items()})
    client = genai.Client(api_key=key, http_options={"base_url": url, "api_version": "v1alpha"})
    try:
        token = await client.aio.auth_tokens.create(config=types.CreateAuthTokenConfig.model_validate(config))
    except errors.APIError as error:
        if refused is None:
            raise
        claim(error.code == refused["code"], f"refused with {error}")
        claim(refused["has"] in str(error), f"refused with {error}")
        return None
    claim(refused is None, "the token was made")
    claim(token.name.startswith("auth_tokens/"), f"the token has another name, of {len(token.name)} letters")
    return token.name


def clock_of(url, key):
    """What time it is to the server: a token that says nothing is good for half an hour."""
    request = urllib.request.Request(f"{url}/v1alpha/auth_tokens", b"{}", {"x-goog-api-key": key}, method="POST")
    with urllib.request.urlopen(request) as answer:
        expires = json.loads(answer.read())["expireTime"]
    return datetime.fromisoformat(expires.replace("Z", "+00:00")) - timedelta(minutes=30)


async def redial(peer, dial, want):
    """Begins another session, with the same credentials."""
    await peer.close()
    try:
        another = await dial({})
    except Closed as why:
        if "refused" not in want:
            raise
        check_close(why, want["refused"])
        return None
    claim("refused" not in want, "the setup was accepted")
    return another


async def resume(peer, dial, handle, want, control):
    """Goes on over a new connection; the old one is closed before, unless it is to be taken over."""
    if "taken_over" not in want:
        await peer.close()
    if "after" in want:
        await advance(control, want["after"])
    try:
        resumed = await dial({"sessionResumption": {"handle": handle}}, want.get("key"))
    except Closed as why:
        if "refused" not in want:
            raise
        check_close(why, want["refused"])
        return None
    claim("refused" not in want, "the handle was honoured")
    if "taken_over" in want:
        await expect_close(peer, Turn(), want["taken_over"])
    return resumed


def response(answer, calls):
    """A functionResponse: id and name are those of the call that it is `to`, unless it says its own."""
    answer = dict(answer)
    to = answer.pop("to", None)
    named = {} if to is None else {"id": calls[to][0], "name": calls[to][1]}
    return {**named, **answer}


async def expect_close(peer, turn, want):
    try:
        await turn_step(peer, turn)
    except Closed as why:
        check_close(why, want)
        return
    raise Failed("the session was not closed")


# Steps that only wait for the server.
READING = {"until", "calls", "turn", "handle", "go_away", "closed"}


# What may be said while an answer is heard, whose pace is counted from before it was asked for.
BESIDE = {"speech", "silence_ms", "realtime"}


async def play(peer, steps, dial, environment):
    control = environment["control_url"]
    turn = Turn()
    calls = []
    handle = ""
    asked_at = time.monotonic()
    for step in steps:
        if not READING & step.keys() and not (turn.messages and BESIDE & step.keys()):
            asked_at = time.monotonic()
        match step:
            case {"session_id": True}:
                peer.check_session_id()
            case {"say": text}:
                await peer.content([{"role": "user", "parts": [{"text": text}]}], True)
            case {"say_bytes": count}:
                text = ("filler " * count)[:count]
                await peer.content([{"role": "user", "parts": [{"text": text}]}], True)
            case {"content": turns}:
                await peer.content(turns, step.get("complete", True))
            case {"end_turn": True}:
                await peer.content(None, True)
            case {"realtime": what}:
                await peer.realtime(what)
            case {"audio_ms": milliseconds}:
                await stream(peer, tone(milliseconds))
            case {"speech": True}:
                rate, pcm = speech(environment)
                await stream(peer, pcm, rate)
            case {"silence_ms": milliseconds}:
                rate, _ = speech(environment)
                await stream(peer, bytes(rate * milliseconds // 1000 * 2), rate)
            case {"media_ms": milliseconds}:
                await peer.media_chunk(tone(milliseconds))
            case {"fragments": message}:
                await peer.fragments(json.dumps(message))
            case {"ping": True}:
                await peer.ping()
            case {"frame": message}:
                await peer.frame(json.dumps(message))
            case {"frame_text": text}:
                await peer.frame(text)
            case {"until": {"says": word}}:
                await turn_step(peer, turn, lambda turn: word in turn.said)
            case {"until": {"audio_ms": milliseconds}}:
                await turn_step(peer, turn, lambda turn: turn.audio_ms >= milliseconds)
            case {"calls": want, "ends_turn": ends_turn}:
                await turn_step(peer, turn, lambda turn: turn.calls)
                calls = turn.calls
                called = [{"name": name, "args": args} for _, name, args in calls]
                claim(called == want, f"called {called}")
                claim(len({call[0] for call in calls} - {None, ""}) == len(calls), f"the ids of {calls}")
                if ends_turn:
                    await turn_step(peer, turn)
                    claim(turn.done, "the turn did not end after the call")
                turn = Turn()
            case {"answers": answers}:
                await peer.answer([response(answer, calls) for answer in answers])
            case {"update": what}:
                await peer.update(what)
            case {"turn": want}:
                await turn_step(peer, turn)
                turn.check(want, asked_at, calls)
                turn = Turn()
            case {"handle": True}:
                await turn_step(peer, turn, lambda turn: turn.messages[-1].handle)
                claim(turn.messages[-1].handle != handle, "the same handle again")
                handle = turn.messages[-1].handle
                turn = Turn()
            case {"go_away": time_left}:
                await turn_step(peer, turn, lambda turn: turn.messages[-1].go_away)
                found = turn.messages[-1].go_away
                claim(found == time_left, f"{found} left, not {time_left}")
                turn = Turn()
            case {"advance": by}:
                await advance(control, by)
            case {"redial": want}:
                peer = await redial(peer, dial, want)
                if peer is None:
                    return
                turn = Turn()
            case {"resume": want}:
                peer = await resume(peer, dial, handle, want, control)
                if peer is None:
                    return
                turn = Turn()
            case {"closed": want}:
                await expect_close(peer, turn, want)
                return
            case {"close": True}:
                await peer.close()
                return
            case _:
                raise Failed(f"no such step: {step}")
    await peer.close()


def check_close(why, want):
    claim(why.code == want["code"], f"closed with {why.code} {why.reason!r}, not {want['code']}")
    if "reason" in want:
        claim(why.reason == want["reason"], f"closed with {why.code} {why.reason!r}, not {want['reason']!r}")
    else:
        claim(
            want["reason_has"] in why.reason,
            f"closed with {why.code} {why.reason!r}, which lacks {want['reason_has']!r}",
        )
    claim(len(why.reason.encode()) <= 123, "the reason is longer than a close frame holds")


async def run_session(mode, case, suite, environment, number):
    case = fill(case, {"session": number})
    if "token" in case:
        token = await mint(case, environment)
        if token is None:
            return
        case = {"api_version": "v1alpha", **fill(case, {"token": token}), "key": token}
    config = case.get("config")
    setup = case.get("setup", {})
    model = None if setup is False else case["model"]
    model = suite["models"].get(model, model)
    if setup:
        config = {**(config or {}), **setup}
    peers = []

    async def dial(more, key=None):
        keyed = case if key is None else {**case, "key": key}
        peer = session(mode, options(mode, keyed, environment), suite["media"])
        peers.append(peer)
        await peer.connect(model, {**(config or {}), **more} if more else config)
        return peer

    try:
        for _ in range(case.get("crowd", 0)):
            await dial({})
        try:
            peer = await dial({})
        except Closed as why:
            if "refused" not in case:
                raise
            check_close(why, case["refused"])
            return
        claim("refused" not in case, "the setup was accepted")
        await play(peer, case["steps"], dial, environment)
    finally:
        for peer in peers:
            await peer.drop()


async def run_case(mode, case, suite, environment):
    async with asyncio.timeout(CASE_SECONDS):
        async with asyncio.TaskGroup() as group:
            for number in range(case.get("sessions", 1)):
                group.create_task(run_session(mode, case, suite, environment, number))


def reason(error):
    """One line that says what went wrong."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"no end after {CASE_SECONDS} s"
    text = str(error) if isinstance(error, (Failed, Closed)) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:600]


async def main():
    environment = {
        "open_url": os.environ["GOOGLE_GEMINI_BASE_URL"],
        "lenient_url": os.environ["INTEROP_LENIENT_URL"],
        "keyed_url": os.environ["INTEROP_KEYED_URL"],
        "timed_url": os.environ["INTEROP_TIMED_URL"],
        "control_url": os.environ["INTEROP_CONTROL_URL"],
        "equipped_url": os.environ["INTEROP_EQUIPPED_URL"],
        "pages_url": os.environ["INTEROP_PAGES_URL"],
        "speech": os.environ["INTEROP_SPEECH"],
        "key": os.environ["INTEROP_KEY"],
    }
    suite = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    suite["media"] = {name: base64.b64decode(data) for name, data in suite["media"].items()}
    only = os.environ.get("INTEROP_ONLY", "")
    # The clock of the timed server is moved for all of its sessions, so that its cases wait for each other.
    gates = {True: asyncio.Semaphore(1), False: asyncio.Semaphore(CASES_AT_ONCE)}
    failures = 0

    async def one(name, mode, case):
        nonlocal failures
        async with gates[case.get("server") == "timed"]:
            start = time.monotonic()
            try:
                await run_case(mode, case, suite, environment)
            except Exception as error:  # noqa: BLE001  (whatever a case raises is its result)
                failures += 1
                print(f"not ok {name}: {reason(error)}", flush=True)
            else:
                print(f"ok {name} # {time.monotonic() - start:.2f} s", flush=True)

    cases = [case for case in expand(suite, environment) if only in case[0]]
    await asyncio.gather(*(one(*case) for case in cases))
    print(f"{len(cases) - failures} passed, {failures} failed", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
