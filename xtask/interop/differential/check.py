"""Compares our JSON codec with protobuf's own: generated messages, spoiled ones, and vectors written by hand.

For every message both must agree on whether it is legal (or a rule says why not), and on what it means: our protobuf of
it, our JSON of it read by them, their JSON of it read by us, and their protobuf of it read by us. Prints one line a group,
`ok name` or `not ok name: reason`, and each disagreement in full.
"""

import argparse
import base64
import collections
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from codec import ROOTS, Ours, Theirs, same_json
from generate import Generator, paths
from mutate import mutate
from rules import RULES, rule_for
from tree import dump

BATCH = 500
SHOWN_PER_LABEL_MAX = 2
SHOWN_MAX = 60


@dataclass
class Case:
    group: str
    root: str
    label: str
    data: bytes
    legal: bool | None = None  # what a vector says; generated messages do not know


def generated(theirs, count, seed):
    """Half of them valid, half spoiled; every field of every message type has its turn in both halves."""
    rng = random.Random(seed)
    targets = [(root, path) for root in ROOTS for path in paths(theirs.roots[root]).values()]
    for number in range(count):
        root, path = targets[number // 2 % len(targets)]
        message = Generator(rng).make(theirs.roots[root], path)
        if number % 2 == 0:
            yield Case("valid messages", root, "valid", dump(message.tree, rng).encode("utf-8"))
        else:
            label, data = mutate(message, rng)
            yield Case("spoiled messages", root, label, data)


def vectors(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        vector = json.loads(line)
        data = base64.b64decode(vector["base64"]) if "base64" in vector else vector["json"].encode("utf-8")
        yield Case("vectors", vector["root"], vector["label"], data, vector["legal"])


class Check:
    def __init__(self, ours, theirs):
        self._ours = ours
        self._theirs = theirs
        self.counts = collections.Counter()
        self.by_rule = collections.Counter()
        self.by_verdict = collections.Counter()
        self.failures = []

    def batch(self, cases):
        ours = self._ours.ask_all([(case.root, "json", case.data) for case in cases])
        theirs = [self._theirs.parse(case.root, case.data) for case in cases]
        agreed = []
        for case, mine, other in zip(cases, ours, theirs):
            self.counts[case.group] += 1
            self.by_verdict[case.group, "legal" if mine.accepted else "illegal"] += 1
            if case.legal is not None and mine.accepted != case.legal:
                self.fail(case, f"we {'accept' if mine.accepted else 'refuse'} it: {mine.why}")
            rule = rule_for(case.label, mine, other)
            if rule is not None:
                self.by_rule[rule.name] += 1
            elif mine.accepted != other.accepted:
                self.fail(case, f"we say {mine.why or 'legal'}; they say {other.why or 'legal'}")
            elif mine.accepted:
                if self.same_meaning(case, mine, other):
                    agreed.append((case, mine, other))
            elif case.group == "valid messages":
                self.fail(case, f"neither takes it: {mine.why}; {other.why}")
        self.round_trips(agreed)

    def same_meaning(self, case, mine, other):
        """Whether our answer says what theirs says, in protobuf and in JSON."""
        try:
            if self._theirs.canonical(case.root, mine.pb) != other.pb:
                return self.fail(case, f"our protobuf differs: {mine.pb.hex()}, not {other.pb.hex()}")
        except Exception as error:  # noqa: BLE001  (whatever they raise about our bytes is the finding)
            return self.fail(case, f"our protobuf cannot be read: {error}")
        again = self._theirs.parse(case.root, mine.json)
        if not again.accepted:
            return self.fail(case, f"they refuse our JSON {mine.json.decode()}: {again.why}")
        if again.pb != other.pb:
            return self.fail(case, f"our JSON means something else: {mine.json.decode()}")
        if not same_json(mine.json, other.json):
            return self.fail(case, f"our JSON is written otherwise: {mine.json.decode()}, not {other.json.decode()}")
        return True

    def round_trips(self, agreed):
        """What they write, JSON and protobuf, must mean the same to us."""
        questions = [(case.root, form, getattr(other, form)) for case, _, other in agreed for form in ("json", "pb")]
        answers = self._ours.ask_all(questions)
        for index, (case, mine, other) in enumerate(agreed):
            for form, answer in zip(("json", "pb"), answers[2 * index : 2 * index + 2]):
                written = other.json.decode()
                if not answer.accepted:
                    self.fail(case, f"we refuse their {form}: {answer.why}; in JSON it is {written}")
                elif answer.pb != mine.pb or answer.json != mine.json:
                    self.fail(
                        case,
                        f"their {form} means something else to us: {answer.json.decode()}, not {mine.json.decode()}",
                    )

    def fail(self, case, why):
        self.failures.append((case, why))
        return False


def report(check, complete):
    """Prints all that was found; returns whether something failed."""
    passed = failed = 0
    shown = collections.Counter()
    for case, why in check.failures:
        shown[case.label] += 1
        if shown[case.label] <= SHOWN_PER_LABEL_MAX and sum(shown.values()) <= SHOWN_MAX:
            print(f"   {case.group}, {case.root}, {case.label}: {why}\n      {case.data[:600]!r}")
    failures = collections.Counter(case.group for case, _ in check.failures)
    for group, count in check.counts.items():
        legal, illegal = check.by_verdict[group, "legal"], check.by_verdict[group, "illegal"]
        if failures[group]:
            failed += 1
            labels = collections.Counter(case.label for case, _ in check.failures if case.group == group)
            print(f"not ok {group}: {failures[group]} disagreements in {count}: {dict(labels.most_common(30))}")
        else:
            passed += 1
            print(f"ok {group}: {count}, {legal} legal and {illegal} illegal to us")
    for rule in RULES:
        used = check.by_rule[rule.name]
        if used or not complete:
            print(f"   by rule: {rule.name}: {used}")
        else:
            failed += 1
            print(f"not ok rule {rule.name}: it never applied; delete it")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--codec", required=True, help="the example program `differential` of live-proto")
    parser.add_argument("--descriptors", required=True, type=Path, help="a FileDescriptorSet")
    parser.add_argument("--vectors", required=True, type=Path, help="one message a line")
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()

    theirs = Theirs(arguments.descriptors)
    ours = Ours(arguments.codec)
    check = Check(ours, theirs)
    batch = []
    for case in [*vectors(arguments.vectors), *generated(theirs, arguments.messages, arguments.seed)]:
        batch.append(case)
        if len(batch) == BATCH:
            check.batch(batch)
            batch = []
    check.batch(batch)
    ours.close()
    # A rule that a short run does not meet may still be needed.
    return 1 if report(check, complete=arguments.messages >= 20_000) else 0


if __name__ == "__main__":
    sys.exit(main())
