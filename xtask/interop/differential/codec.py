"""Both implementations, asked the same question: ours over a pipe, protobuf's own in this process.

What to ask, and what to make of two different answers, is the business of check.py and rules.py.
"""

import base64
import json
import subprocess
import threading
from dataclasses import dataclass

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

PACKAGE = "google.ai.generativelanguage.v1beta"
ROOTS = {
    "client": "BidiGenerateContentClientMessage",
    "server": "BidiGenerateContentServerMessage",
    "token": "AuthToken",
}


@dataclass
class Answer:
    """What a message was taken for: protobuf and JSON of it, or why it was refused."""

    pb: bytes = b""
    json: bytes = b""
    why: str = ""

    @property
    def accepted(self):
        return not self.why


class Theirs:
    """Python's protobuf with the descriptors that our types are generated from."""

    def __init__(self, descriptors):
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
        pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            pool.Add(file)
        self.roots = {name: pool.FindMessageTypeByName(f"{PACKAGE}.{proto}") for name, proto in ROOTS.items()}
        self._classes = {name: message_factory.GetMessageClass(root) for name, root in self.roots.items()}

    def parse(self, root, data):
        try:
            message = json_format.Parse(data.decode("utf-8"), self._classes[root]())
        except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
            return Answer(why=" ".join(str(error).split()) or "refused")
        return Answer(pb=message.SerializeToString(deterministic=True), json=self.write(message))

    def canonical(self, root, data):
        """Protobuf bytes written anew, so that two encoders can be compared; fields without a name are an error."""
        message = self._classes[root].FromString(data)
        named = self._classes[root]()
        named.CopyFrom(message)
        named.DiscardUnknownFields()
        written = named.SerializeToString(deterministic=True)
        if message.SerializeToString(deterministic=True) != written:
            raise ValueError("it has fields that the descriptors do not name")
        return written

    @staticmethod
    def write(message):
        try:
            return json_format.MessageToJson(message, indent=None, ensure_ascii=False).encode("utf-8")
        except (json_format.SerializeToJsonError, ValueError) as error:
            # A Struct can hold in protobuf what JSON cannot say.
            return b"cannot be written: " + str(error).encode()


class Ours:
    """The example program of live-proto, one question a line."""

    def __init__(self, program):
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask_all(self, questions):
        """Answers to (root, form, data), in their order."""

        def write():
            for root, form, data in questions:
                self._process.stdin.write(f"{root} {form} {base64.b64encode(data).decode()}\n".encode())
            self._process.stdin.flush()

        writer = threading.Thread(target=write)
        writer.start()
        answers = [self._answer(self._process.stdout.readline()) for _ in questions]
        writer.join()
        return answers

    def close(self):
        self._process.stdin.close()
        if self._process.wait(timeout=30) != 0:
            raise RuntimeError("our codec did not end well")

    @staticmethod
    def _answer(line):
        if not line.endswith(b"\n"):
            raise RuntimeError("our codec died")
        verdict, _, rest = line.decode().rstrip("\n").partition(" ")
        if verdict == "reject":
            return Answer(why=rest or "refused")
        text, _, pb = rest.partition(" ")
        return Answer(json=base64.b64decode(text), pb=base64.b64decode(pb))


def same_json(one, other):
    """Whether two texts say the same, whatever their spaces and the order of their keys."""
    return json.loads(one) == json.loads(other)
