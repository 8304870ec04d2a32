//! The worker's side: a process that takes its limits, says hello, runs one program and ends.
//!
//! What the program can do is decided in `python`; whoever started the process is in `process`.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::python::{self, End, Printer};
use crate::wire::{HELLO, Kind, Orders, read_code, write_frame};

/// Runs one program for the host that started this process, and ends with it: when that is done, or the host is gone.
///
/// It is called at the start of `main`, before any thread is there, when the process was started by [`Workers`](crate::Workers);
/// the arguments that tell are those of the [`WorkerCommand`](crate::WorkerCommand).
pub fn run_worker() -> ! {
    end(serve())
}

/// Ends the process, from whatever thread.
fn end(ended: io::Result<()>) -> ! {
    if let Err(error) = &ended {
        _ = writeln!(io::stderr(), "the worker cannot go on: {error}");
    }
    std::process::exit(i32::from(ended.is_err()))
}

fn serve() -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    let orders = Orders::read(&mut stdin)?;
    #[cfg(unix)]
    crate::rlimit::set(&orders, STACK_BYTES as u64)?;
    let (give, take) = std::sync::mpsc::sync_channel::<String>(1);
    let interpreter = move || {
        if let Ok(code) = take.recv() {
            let ended = catch_unwind(AssertUnwindSafe(|| interpret(code, &orders)));
            end(ended.unwrap_or_else(|_| Err(io::Error::other("the interpreter panicked"))));
        }
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(interpreter)?;
    #[cfg(unix)]
    crate::rlimit::forbid_processes()?;
    let mut stdout = io::stdout();
    stdout.write_all(HELLO)?;
    stdout.flush()?;
    if let Some(code) = read_code(&mut stdin, orders.code_bytes_max)? {
        give.send(code).expect("the interpreter waits for its program");
        // The host says no more. When its end is closed it is gone, and whoever it ran the program for.
        io::copy(&mut stdin, &mut io::sink())?;
    }
    Ok(())
}

fn interpret(code: String, orders: &Orders) -> io::Result<()> {
    let mut printer = Piped::new(orders.output_bytes_max as usize);
    match python::run(code, orders, &mut printer) {
        End::Done { shown } => {
            printer.print(&shown.unwrap_or_default());
            printer.finish(Kind::Done, "")
        }
        End::Failed { complaint } => printer.finish(Kind::Failed, &complaint),
        End::OutOfTime => printer.finish(Kind::OutOfTime, ""),
    }
}

/// What a program prints, on its way to the host.
struct Piped {
    waiting: String,
    /// Bytes that it may still say.
    left: usize,
    sent: Instant,
}

impl Piped {
    fn new(left: usize) -> Self {
        Self { waiting: String::new(), left, sent: Instant::now() }
    }

    fn send(&mut self) -> io::Result<()> {
        self.sent = Instant::now();
        let sent = write_frame(&mut io::stdout(), Kind::Output, self.waiting.as_bytes());
        self.waiting.clear();
        sent
    }

    fn finish(&mut self, kind: Kind, complaint: &str) -> io::Result<()> {
        if !self.waiting.is_empty() {
            self.send()?;
        }
        write_frame(&mut io::stdout(), kind, complaint.as_bytes())
    }
}

impl Printer for Piped {
    fn print(&mut self, text: &str) {
        let fits = text.floor_char_boundary(self.left);
        self.waiting.push_str(&text[..fits]);
        self.left -= fits;
        let sent = if fits < text.len() {
            // Here and now: an exception is something that a program could catch.
            self.finish(Kind::OutOfOutput, "").and(Err(io::ErrorKind::StorageFull.into()))
        } else if self.waiting.len() >= PIECE_BYTES {
            self.send()
        } else {
            Ok(())
        };
        if sent.is_err() {
            std::process::exit(0);
        }
    }

    fn tick(&mut self) {
        // What was said before a crash or the end of its time is told.
        if !self.waiting.is_empty() && self.sent.elapsed() >= TICK && self.send().is_err() {
            std::process::exit(0);
        }
    }
}

/// The stack of the interpreter: what the recursion limit and the deepest source that is taken need, several times.
const STACK_BYTES: usize = 64 << 20;
/// Bytes of output that are told at once.
const PIECE_BYTES: usize = 8 << 10;
/// How long something printed waits to be told, while the program computes.
const TICK: Duration = Duration::from_millis(50);
