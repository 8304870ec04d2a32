//! Programs that a model would write, with what they put out; and what the interpreter cannot do, as docs/tools.md says.

use std::fs;
use std::path::Path;

use live_code::Limits;
use live_proto::Outcome;

use crate::bench::{run, workers};

/// A program and all that it puts out.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("arithmetic", "print(17 * 23 + 4)", "395\n"),
    ("the last expression is shown", "x = 2\nx ** 100", "1267650600228229401496703205376\n"),
    ("a string that is shown has quotes", "'a' + 'b'", "'ab'\n"),
    ("nothing is shown of nothing", "print('a')\nNone", "a\n"),
    ("floats", "print(0.1 + 0.2, 10 / 4, 7 // 2, -7 // 2, -7 % 3, 1e100)", "0.30000000000000004 2.5 3 -4 2 1e+100\n"),
    (
        "formats",
        "pi = 3.14159\nprint(f'{pi:.2f} {42:>6} {1234567:,} {0.256:.1%} {255:#x} {\"a\":*^5}')",
        "3.14     42 1,234,567 25.6% 0xff **a**\n",
    ),
    (
        "primes",
        "def is_prime(n):\n    if n < 2:\n        return False\n    for i in range(2, int(n ** 0.5) + 1):\n        if n % i == 0:\n            return False\n    return True\nprint([n for n in range(50) if is_prime(n)])",
        "[2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]\n",
    ),
    (
        "fibonacci",
        "def fib(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a\nprint(fib(100))",
        "354224848179261915075\n",
    ),
    (
        "recursion",
        "def hanoi(n, a, b, c):\n    return 0 if n == 0 else hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a)\nprint(hanoi(10, 'A', 'B', 'C'))",
        "1023\n",
    ),
    (
        "math",
        "import math\nprint(math.sqrt(2), math.factorial(20), math.gcd(84, 36), math.comb(49, 6), round(math.pi, 4))",
        "1.4142135623730951 2432902008176640000 12 13983816 3.1416\n",
    ),
    (
        "counting words",
        "from collections import Counter\ntext = 'the cat and the dog and the bird'\nprint(Counter(text.split()).most_common(2))",
        "[('the', 3), ('and', 2)]\n",
    ),
    (
        "sorting",
        "people = [('Ann', 31), ('Bob', 25), ('Cid', 40)]\nfor name, age in sorted(people, key=lambda person: person[1], reverse=True):\n    print(name, age)",
        "Cid 40\nAnn 31\nBob 25\n",
    ),
    (
        "dictionaries",
        "stock = {'apples': 3, 'pears': 5}\nstock['plums'] = stock.get('plums', 0) + 7\nprint({fruit: count * 2 for fruit, count in stock.items() if count > 3})",
        "{'pears': 10, 'plums': 14}\n",
    ),
    (
        "sets",
        "a = {1, 2, 3}\nb = {2, 3, 4}\nprint(sorted(a & b), sorted(a | b), sorted(a ^ b))",
        "[2, 3] [1, 2, 3, 4] [1, 4]\n",
    ),
    (
        "dates",
        "from datetime import date, timedelta\nprint((date(2024, 12, 25) - date(2024, 3, 1)).days, date(2024, 2, 28) + timedelta(days=2))",
        "299 2024-03-01\n",
    ),
    (
        "today",
        "from datetime import date, datetime, timezone\nprint(date.today() == datetime.now().date(), datetime.now(timezone.utc).year >= 2025)",
        "True True\n",
    ),
    (
        "json",
        "import json\ndata = json.loads('{\"a\": [1, 2, {\"b\": null}]}')\nprint(data['a'][2], json.dumps(data, indent=1)[:12])",
        "{'b': None} {\n \"a\": [\n  \n",
    ),
    (
        "regular expressions",
        "import re\nprint(re.findall(r'\\d+', 'a1 b22 c333'), re.sub(r'(\\w+)@(\\w+)', r'\\2 at \\1', 'ann@home'))",
        "['1', '22', '333'] home at ann\n",
    ),
    (
        "strings",
        "s = 'Hello, World'\nprint(s.upper(), s[::-1], s.split(', '), s.count('l'), s.replace('World', 'Bob'), len(s))",
        "HELLO, WORLD dlroW ,olleH ['Hello', 'World'] 3 Hello, Bob 12\n",
    ),
    (
        "exceptions",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    print('caught:', error)\nfinally:\n    print('done')",
        "caught: division by zero\ndone\n",
    ),
    (
        "classes",
        "class Account:\n    def __init__(self, owner, balance=0):\n        self.owner = owner\n        self.balance = balance\n    def deposit(self, amount):\n        self.balance += amount\n        return self.balance\naccount = Account('Ann')\naccount.deposit(50)\nprint(account.owner, account.deposit(25))",
        "Ann 75\n",
    ),
    (
        "dataclasses",
        "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n    y: int = 0\nprint(Point(1), Point(1, 2) == Point(1, 2))",
        "Point(x=1, y=0) True\n",
    ),
    (
        "functions of functions",
        "from functools import reduce\nprint(reduce(lambda a, b: a * b, range(1, 6)), list(map(str, filter(lambda n: n % 2, range(6)))))",
        "120 ['1', '3', '5']\n",
    ),
    (
        "statistics by hand",
        "data = [2, 4, 4, 4, 5, 5, 7, 9]\nmean = sum(data) / len(data)\nvariance = sum((x - mean) ** 2 for x in data) / len(data)\nprint(mean, variance ** 0.5)",
        "5.0 2.0\n",
    ),
    (
        "compound interest",
        "balance = 1000\nfor year in range(1, 4):\n    balance *= 1.05\n    print(f'Year {year}: {balance:.2f}')",
        "Year 1: 1050.00\nYear 2: 1102.50\nYear 3: 1157.62\n",
    ),
    (
        "a matrix",
        "a = [[1, 2], [3, 4]]\nb = [[5, 6], [7, 8]]\nprint([[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a])",
        "[[19, 22], [43, 50]]\n",
    ),
    (
        "while and break",
        "n, steps = 27, 0\nwhile True:\n    if n == 1:\n        break\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n    steps += 1\nprint(steps)",
        "111\n",
    ),
    ("unpacking", "first, *rest = [1, 2, 3]\nprint(first, rest, *rest, sep='-', end='!\\n')", "1-[2, 3]-2-3!\n"),
    ("the walrus", "print([y for x in range(5) if (y := x * x) > 3])", "[4, 9, 16]\n"),
    ("base64", "import base64\nprint(base64.b64encode('héllo'.encode()).decode())", "aMOpbGxv\n"),
    (
        "async",
        "import asyncio\nasync def double(x):\n    return x * 2\nasync def main():\n    print(await asyncio.gather(double(1), double(2)))\nasyncio.run(main())",
        "[2, 4]\n",
    ),
    (
        "types",
        "def area(width: float, height: float = 2.0) -> float:\n    '''The area.'''\n    return width * height\nprint(area(3), isinstance(area(3), float))",
        "6.0 True\n",
    ),
    (
        "roman numerals",
        "def roman(n):\n    out = ''\n    for value, sign in [(1000, 'M'), (900, 'CM'), (500, 'D'), (400, 'CD'), (100, 'C'), (90, 'XC'), (50, 'L'), (40, 'XL'), (10, 'X'), (9, 'IX'), (5, 'V'), (4, 'IV'), (1, 'I')]:\n        while n >= value:\n            out += sign\n            n -= value\n    return out\nprint(roman(1994))",
        "MCMXCIV\n",
    ),
    ("other scripts", "print('日本語', len('日本語'), '😀'.encode())", "日本語 3 b'\\xf0\\x9f\\x98\\x80'\n"),
];

/// What a model might write in vain: docs/tools.md lists them under the same names.
const IMPOSSIBLE: &[(&str, &str)] = &[
    ("generators (`yield`)", "def count():\n    yield 1\nprint(list(count()))"),
    ("`match` statements", "match 1:\n    case 1:\n        print('one')"),
    ("classes that inherit", "class A: pass\nclass B(A): pass"),
    ("exceptions of a program's own", "class MyError(Exception): pass"),
    (
        "operators of a program's own classes (`__add__`, `__lt__`)",
        "class A:\n    def __add__(self, other): return 1\nprint(A() + A())",
    ),
    ("exceptions made of anything but one text (`ValueError(1)`)", "raise ValueError(1)"),
    ("`random`", "import random"),
    ("`statistics`", "import statistics"),
    ("`decimal`", "import decimal"),
    ("`fractions`", "import fractions"),
    ("`string`", "import string"),
    ("`time`", "import time"),
    ("`calendar`", "import calendar"),
    ("`heapq`", "import heapq"),
    ("`bisect`", "import bisect"),
    ("`hashlib`", "import hashlib"),
    ("`copy`", "import copy"),
    ("`textwrap`", "import textwrap"),
    ("`csv`, `io`", "import csv"),
    ("`itertools` but `count` and `repeat`", "import itertools\nitertools.permutations([1, 2])"),
    ("`numpy`", "import numpy"),
    ("`pandas`", "import pandas"),
    ("`matplotlib`", "import matplotlib"),
    ("`eval`, `exec`, `compile`", "eval('1')"),
    ("`input`", "input()"),
    ("`del` statements", "a = [1]\ndel a[0]\nprint(a)"),
    ("formats by `%`", "print('%d' % 1)"),
    ("`functools` but `reduce` and `partial`", "from functools import lru_cache"),
];

#[tokio::test]
async fn what_models_write_runs() {
    let workers = workers(Limits::default());
    for (name, code, output) in PROGRAMS {
        let found = run(&workers, *code).await;
        assert_eq!((&found.outcome, found.output.as_str()), (&Outcome::Ok, *output), "{name}");
    }
}

#[tokio::test]
async fn what_the_interpreter_cannot_do_is_documented() {
    let workers = workers(Limits::default());
    let mut table = "| not there | a program is told |\n|---|---|\n".to_owned();
    for (name, code) in IMPOSSIBLE {
        let found = run(&workers, *code).await;
        assert_eq!(found.outcome, Outcome::Failed, "{name} works now: it is no longer to be listed; {}", found.output);
        let told = found.output.lines().last().unwrap_or_default();
        table += &format!("| {name} | `{told}` |\n");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tools.md");
    let document = fs::read_to_string(path).expect("docs/tools.md is there");
    assert!(document.contains(&table), "docs/tools.md is to hold:\n{table}");
}
