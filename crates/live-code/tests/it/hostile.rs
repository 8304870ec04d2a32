//! Programs that mean harm: whatever they try, the outcome says what became of them, and the next one is run as if nothing had been.

use std::path::Path;
use std::time::Duration;

use live_code::Limits;
use live_proto::Outcome;

use crate::bench::{run, workers};

use Outcome::{DeadlineExceeded as Stopped, Failed, Ok as Done};

/// A program, its outcome, and what its output says of it.
struct Case {
    name: &'static str,
    code: String,
    /// `None` where it depends on how fast the machine is, and is anything but a success.
    outcome: Option<Outcome>,
    says: &'static str,
}

/// A program whose time is over on slow machines, and which fails on fast ones.
fn slow(name: &'static str, code: &str) -> Case {
    Case { name, code: code.to_owned(), outcome: None, says: "Error" }
}

fn case(name: &'static str, code: impl Into<String>, outcome: Outcome, says: &'static str) -> Case {
    Case { name, code: code.into(), outcome: Some(outcome), says }
}

fn cases() -> Vec<Case> {
    let indented = (0..300).map(|depth| format!("{}if True:\n", " ".repeat(depth))).collect::<String>()
        + &" ".repeat(300)
        + "pass";
    let long_sum = format!("print({})", vec!["1"; 50_000].join(" + "));
    let large_source = format!("# {}\nprint(1)", "x".repeat(1 << 20));
    let large_literal = format!("print({})", "9".repeat(200_000));
    let lines = "a = 1\n".repeat(40_000) + "print(a)";
    let names = (0..10_000).map(|number| format!("v{number} = {number}\n")).collect::<String>() + "print(v9999)";
    vec![
        // Time.
        case("endless loop", "while True: pass", Stopped, "stopped after 500ms"),
        case(
            "endless loop in a function",
            "def f():\n    while True:\n        pass\nf()",
            Stopped,
            "stopped after 500ms",
        ),
        case(
            "endless loop that catches all",
            "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
            Stopped,
            "",
        ),
        case("endless finally", "try:\n    while True: pass\nfinally:\n    while True: pass", Stopped, ""),
        case("said before its time was over", "print('so far')\nwhile True: pass", Stopped, "so far\nTimeoutError"),
        case("an iterator without end", "sum(x for x in iter(int, 1))", Failed, "MemoryError"),
        case("a range without end", "for i in range(10**18): pass", Stopped, ""),
        case("a list of a range without end", "list(range(10**18))", Failed, ""),
        case(
            "a sort whose key takes for ever",
            "def key(x):\n    while True: pass\nsorted([2, 1], key=key)",
            Stopped,
            "",
        ),
        case("a count without end", "import itertools\nfor i in itertools.count(): pass", Stopped, ""),
        case("a regex that goes back for ever", "import re\nprint(re.match(r'(a+)+$', 'a' * 40 + 'b'))", Done, "None"),
        case("a regex of nested groups", "import re\nprint(re.match(r'(a|aa)+$', 'a' * 60 + 'b'))", Done, "None"),
        slow("a regex that looks back", "import re\nre.match(r'(?:(a+)+\\1)+$', 'a' * 50 + 'b')"),
        case("a sleep", "import time\ntime.sleep(1000)", Failed, ""),
        case("a sleep that awaits", "import asyncio\nasyncio.run(asyncio.sleep(1000))", Failed, ""),
        // Recursion.
        case("recursion", "def f(): return f()\nf()", Failed, "RecursionError"),
        case(
            "recursion that catches all",
            "def f():\n    try:\n        f()\n    except BaseException:\n        f()\nf()",
            Stopped,
            "",
        ),
        case("recursion through repr", "a = []\nfor i in range(100000): a = [a]\nprint(a)", Done, "[[["),
        case(
            "recursion through ==",
            "a = []\nb = []\nfor i in range(100000):\n    a = [a]\n    b = [b]\nprint(a == b)",
            Failed,
            "",
        ),
        case("recursion through hash", "a = ()\nfor i in range(100000): a = (a,)\nhash(a)", Failed, ""),
        case(
            "recursion through json",
            "import json\na = []\nfor i in range(100000): a = [a]\njson.dumps(a)",
            Failed,
            "",
        ),
        case("json nested deeply", "import json\njson.loads('[' * 100000)", Failed, ""),
        case("a list that holds itself", "a = []\na.append(a)\nprint(a)\nprint(a == a)", Done, "[[...]]"),
        case(
            "recursion through __repr__",
            "class A:\n    def __repr__(self): return repr(self)\nprint(A())",
            Failed,
            "RecursionError",
        ),
        case(
            "recursion through __getattr__",
            "class A:\n    def __getattr__(self, name): return getattr(self, name + 'x')\nA().a",
            Failed,
            "",
        ),
        // Memory.
        case("a list that grows", "a = []\nwhile True: a.append('x' * 1000)", Failed, "MemoryError"),
        case("a string that doubles", "a = 'x'\nwhile True: a = a + a", Failed, "MemoryError"),
        case("a string multiplied", "a = 'x' * 10**10", Failed, "MemoryError"),
        case("a list multiplied", "a = [0] * 10**12", Failed, "MemoryError"),
        case("bytes multiplied", "a = b'x' * 10**12", Failed, "MemoryError"),
        case("a tuple multiplied by more than there is", "a = (0,) * (2**63 - 1)", Failed, ""),
        case(
            "memory bomb that catches all",
            "a = []\nwhile True:\n    try:\n        a.append('x' * 10**6)\n    except BaseException:\n        pass",
            Failed,
            "MemoryError",
        ),
        case(
            "a dict that grows",
            "d = {}\ni = 0\nwhile True:\n    d[i] = str(i) * 100\n    i += 1",
            Failed,
            "MemoryError",
        ),
        case(
            "a set that grows",
            "s = set()\ni = 0\nwhile True:\n    s.add('k' * 1000 + str(i))\n    i += 1",
            Failed,
            "MemoryError",
        ),
        case("padding", "print('x'.ljust(10**11))", Failed, "MemoryError"),
        case("a format of great width", "print(f'{1:100000000000}')", Failed, ""),
        case("a percent format of great width", "print('%100000000000d' % 1)", Failed, ""),
        case("join", "print(len(','.join(['x' * 10**6] * 10**4)))", Failed, "MemoryError"),
        case("replace", "print(len(('a' * 10**6).replace('a', 'b' * 10**6)))", Failed, "MemoryError"),
        case("a billion laughs", "a = ['lol']\nfor i in range(40): a = a * 10\n", Failed, "MemoryError"),
        case(
            "a deque that grows",
            "from collections import deque\nd = deque()\nwhile True: d.extend(range(1000))",
            Failed,
            "MemoryError",
        ),
        // Huge numbers.
        case("a huge power", "print(10 ** 10 ** 10)", Failed, "MemoryError"),
        slow("a power that takes long", "x = 10 ** (10 ** 7)\nprint(len(str(x)))"),
        case("a shift", "x = 1 << 10**12", Failed, "MemoryError"),
        case("a factorial", "import math\nprint(math.factorial(10**7))", Failed, "OverflowError"),
        slow("products without end", "x = 3\nwhile True: x = x * x"),
        case("pow with a huge modulus", "print(pow(3, 10**6000, 10**6000 + 7))", Stopped, ""),
        case("a number of many digits", "int('9' * 10**7)", Failed, ""),
        case("a large literal", large_literal, Failed, ""),
        // Output.
        case("endless output", "while True: print('x' * 100)", Failed, "more than 4096 bytes"),
        case(
            "endless output that catches all",
            "while True:\n    try:\n        print('x' * 100)\n    except BaseException:\n        pass",
            Failed,
            "more than 4096 bytes",
        ),
        case("one long line", "print('x' * 10**6)", Failed, "more than 4096 bytes"),
        case("one long value", "'x' * 10**6", Failed, "more than 4096 bytes"),
        case("a long complaint", "raise ValueError('x' * 10**6)", Failed, "[..]"),
        case("output without a line end", "while True: print('', end='x')", Failed, "more than 4096 bytes"),
        // Files, network, processes.
        case("open", "open('/etc/passwd').read()", Failed, "no files"),
        case("open to write", "open('/tmp/live-code-was-here', 'w').write('x')", Failed, "no files"),
        case("pathlib", "from pathlib import Path\nprint(Path('/etc/passwd').read_text())", Failed, "no files"),
        case(
            "pathlib says nothing is there",
            "from pathlib import Path\nprint(Path('/etc/passwd').exists(), Path('/').is_dir())",
            Done,
            "False False",
        ),
        case("os.listdir", "import os\nprint(os.listdir('/'))", Failed, "Error"),
        case("os.system", "import os\nos.system('true')", Failed, "AttributeError"),
        case(
            "the environment",
            "import os\nprint(os.environ, os.getenv('PATH'), os.getenv('HOME', 'none'))",
            Done,
            "{} None none",
        ),
        case("subprocess", "import subprocess\nsubprocess.run(['true'])", Failed, "ModuleNotFoundError"),
        case("socket", "import socket\nsocket.create_connection(('127.0.0.1', 80))", Failed, "ModuleNotFoundError"),
        case(
            "urllib",
            "import urllib.request\nurllib.request.urlopen('http://127.0.0.1')",
            Failed,
            "ModuleNotFoundError",
        ),
        case("ctypes", "import ctypes\nctypes.CDLL(None).abort()", Failed, "ModuleNotFoundError"),
        case("threads", "import threading\nthreading.Thread(target=print).start()", Failed, "ModuleNotFoundError"),
        case("signals", "import signal, os\nos.kill(os.getpid(), 9)", Failed, "ModuleNotFoundError"),
        case("importlib", "import importlib\nimportlib.import_module('os')", Failed, "ModuleNotFoundError"),
        case("sys.exit", "import sys\nsys.exit(3)", Failed, ""),
        case("sys.modules", "import sys\nprint(sys.modules['os'])", Failed, ""),
        case("input", "input()", Failed, ""),
        // Ways out of the interpreter.
        case("__import__", "__import__('os').system('true')", Failed, ""),
        case("__builtins__", "print(__builtins__)", Failed, "NameError"),
        case("__subclasses__", "print(().__class__.__bases__[0].__subclasses__())", Failed, "AttributeError"),
        case("__globals__", "def f(): pass\nprint(f.__globals__)", Failed, "AttributeError"),
        case("__code__", "def f(): pass\nprint(f.__code__.co_code)", Failed, "AttributeError"),
        case("__mro__", "print(int.__mro__)", Failed, "AttributeError"),
        case("eval", "eval('1 + 1')", Failed, "NameError"),
        case("exec", "exec('import os')", Failed, "NameError"),
        case("compile", "compile('1', '', 'exec')", Failed, "NameError"),
        case("globals", "globals()['__builtins__']", Failed, "NameError"),
        case("format that reads attributes", "print('{0.__class__.__init__.__globals__}'.format(1))", Failed, ""),
        case(
            "the frame of an exception",
            "try:\n    1 / 0\nexcept Exception as e:\n    print(e.__traceback__.tb_frame)",
            Failed,
            "AttributeError",
        ),
        case("builtins replaced", "print = 1\nlen = None\ntrue = 0\nint = str\nint(1)", Done, "'1'"),
        // The source itself.
        case("parentheses", "(".repeat(100_000), Failed, "SyntaxError"),
        case("parentheses that close", "(".repeat(50_000) + "1" + &")".repeat(50_000), Failed, ""),
        case("brackets", "[".repeat(50_000) + &"]".repeat(50_000), Failed, ""),
        case("attributes", "a".to_owned() + &".x".repeat(50_000), Failed, ""),
        case("unary operators", "-".repeat(100_000) + "1", Failed, ""),
        case("nots", "not ".repeat(50_000) + "1", Failed, ""),
        case("lambdas", "lambda: ".repeat(20_000) + "1", Failed, ""),
        case("a long sum", long_sum, Failed, ""),
        case("blocks in blocks", indented, Failed, ""),
        case("f-strings in f-strings", "f'{".repeat(1000), Failed, "SyntaxError"),
        case("too much source", large_source, Failed, "write one of at most 262144"),
        case("many lines", lines, Done, "1"),
        case("many names", names, Done, "9999"),
        case("no program", "this is no Python", Failed, "SyntaxError"),
        case("null bytes", "print('a\0b')\0", Failed, ""),
        case("names that look alike", "раss = 1\nprint(раss)", Done, "1"),
        case("directions that turn around", "print('\u{202e}abc\u{202c}')", Done, "\u{202e}abc\u{202c}"),
        case("half a character", "print('\\ud800')", Done, "\u{fffd}"),
        case("a mark of byte order", "\u{feff}print(1)", Done, "1"),
        case("another encoding", "# -*- coding: utf-16 -*-\nprint(1)", Done, "1"),
        // Exceptions and generators.
        case(
            "exceptions in exceptions",
            "def f(n):\n    try:\n        raise ValueError(str(n))\n    except ValueError:\n        f(n + 1)\nf(0)",
            Failed,
            "RecursionError",
        ),
        case(
            "an exception of its own that says much",
            "class E(Exception):\n    def __str__(self): return 'x' * 10**6\nraise E()",
            Failed,
            "",
        ),
        case("a generator that feeds itself", "def g():\n    yield from g()\nlist(g())", Failed, ""),
        case("a generator without end", "def g():\n    while True: yield 1\nlist(g())", Failed, ""),
        case("raise what is no exception", "raise 1", Failed, "TypeError"),
        case("SystemExit", "print('a')\nraise SystemExit('1')", Failed, "a\n"),
        case("KeyboardInterrupt", "raise KeyboardInterrupt()", Failed, "KeyboardInterrupt"),
        case("an early TimeoutError", "raise TimeoutError('time limit exceeded')", Failed, "TimeoutError"),
        // What the host reads.
        case(
            "frames forged",
            "print('d\\x00\\x00\\x00\\x00', end='')\nprint('live-code worker 1\\nd\\x00\\x00\\x00\\x03abc')\nraise ValueError('still here')",
            Failed,
            "still here",
        ),
        case("frames forged in a value", "'d\\x00\\x00\\x00\\x00'", Done, "'d\\x00\\x00\\x00\\x00'"),
        case(
            "the words of the runtime",
            "print('memory allocation of 1 bytes failed')\nraise ValueError('mine')",
            Failed,
            "ValueError: mine",
        ),
        case(
            "many suspensions",
            "from datetime import datetime\nwhile True: datetime.now()",
            Failed,
            "asked more than",
        ),
    ]
}

/// Limits that are met soon; time is short for those alone that never end.
fn limits(time_ms: u64) -> Limits {
    let time = Duration::from_millis(time_ms);
    Limits { time, memory_bytes_max: 64 << 20, output_bytes_max: 4 << 10, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_program_tries_it_is_told_and_the_next_one_runs() {
    let [patient, impatient] = [10_000, 500].map(|time_ms| workers(limits(time_ms)));
    let mut wrong = Vec::new();
    for Case { name, code, outcome, says } in cases() {
        let workers = if matches!(outcome, Some(Stopped) | None) { &impatient } else { &patient };
        let found = run(workers, code).await;
        let is_right = match &outcome {
            Some(outcome) => found.outcome == *outcome,
            None => matches!(found.outcome, Failed | Stopped),
        };
        if !is_right || !found.output.contains(says) {
            let shown: String = found.output.chars().take(300).collect();
            wrong.push(format!("{name}: {:?} {shown:?}", found.outcome));
        }
        // One whose process does not listen any more would take the next one's answer with it.
        for workers in [&impatient, &patient] {
            let next = run(workers, "print(6 * 7)").await;
            if (&next.outcome, next.output.as_str()) != (&Done, "42\n") {
                wrong.push(format!("after {name} came {next:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!Path::new("/tmp/live-code-was-here").exists(), "a program wrote a file");
}
