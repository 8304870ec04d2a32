//! One program in the interpreter, from its text to its end, in this process.
//!
//! What the interpreter asks of the outside is answered here, and the answer is that there is none. The process around it, which may
//! have to be killed, is `worker`'s and `process`'s business.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use monty::{MontyRun, RunProgress};
use monty_types::{
    CompileOptions, ExcType, MontyDate, MontyDateTime, MontyException, MontyObject, OsFunctionCall, PrintWriter,
    PrintWriterCallback, ResourceLimits, ResourceTracker,
};
use time::{OffsetDateTime, UtcOffset};

use crate::wire::Orders;

/// What tracebacks call the program.
const NAME: &str = "<code>";
/// How often the interpreter may ask the outside for something; it does so for the time of day.
const QUESTIONS_MAX: usize = 10_000;
/// Bytes of what went wrong that are told.
const COMPLAINT_BYTES_MAX: usize = 4 << 10;

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All is done. A last expression has its value shown, as in a notebook.
    Done { shown: Option<String> },
    /// It raised what nobody caught, or is no program.
    Failed { complaint: String },
    /// Its time is over.
    OutOfTime,
}

/// Takes what a program prints.
pub(crate) trait Printer {
    fn print(&mut self, text: &str);
    /// A while has gone by in which it may have printed nothing.
    fn tick(&mut self);
}

/// Runs a program.
pub(crate) fn run(code: String, orders: &Orders, printer: &mut impl Printer) -> End {
    let limits = ResourceLimits {
        max_duration: Some(orders.time),
        // Without an allocator that counts this refuses only what is too large at once; the system refuses the rest.
        max_memory: usize::try_from(orders.memory_bytes_max).ok(),
        gc_interval: None,
        max_recursion_depth: orders.recursion_max as usize,
        max_suspensions: QUESTIONS_MAX,
    };
    let begun = Instant::now();
    let ended = MontyRun::new(code, NAME, Vec::new(), CompileOptions::default())
        .and_then(|program| drive(program, ResourceTracker::new(limits), &mut Callback(printer)));
    match ended {
        Ok(MontyObject::None) => End::Done { shown: None },
        Ok(value) => End::Done { shown: Some(format!("{}\n", value.py_repr())) },
        Err(exception) => failure(&exception, begun.elapsed(), orders.time),
    }
}

fn drive(
    program: MontyRun,
    tracker: ResourceTracker,
    printer: &mut Callback<'_>,
) -> Result<MontyObject, MontyException> {
    let mut questions = 0;
    let mut progress = program.start(Vec::new(), tracker, PrintWriter::Callback(printer))?;
    loop {
        let print = PrintWriter::Callback(printer);
        questions += 1;
        progress = match progress {
            RunProgress::Complete(value) => return Ok(value),
            RunProgress::OsCall(call) if questions > QUESTIONS_MAX => {
                let why = format!("the outside was asked more than {QUESTIONS_MAX} times");
                call.abort(MontyException::new(ExcType::RuntimeError, Some(why)), print)?
            }
            RunProgress::OsCall(call) => call.resume_with(print, |call| match outside(call) {
                Ok(value) => value.into(),
                Err(refusal) => refusal.into(),
            })?,
            // Nothing is defined outside, so whoever asks hears that there is no such name.
            RunProgress::NameLookup(lookup) => lookup.resume(monty_types::NameLookupResult::Undefined, print)?,
            RunProgress::FunctionCall(call) => {
                let name = call.function_name.clone();
                call.resume(monty_types::ExtFunctionResult::NotFound(name), print)?
            }
            RunProgress::ResolveFutures(_) => {
                let why = "the program waits for something that nobody does".to_owned();
                return Err(MontyException::new(ExcType::RuntimeError, Some(why)));
            }
        };
    }
}

/// What is outside: a clock, in UTC, and no environment, file or directory.
fn outside(call: OsFunctionCall) -> Result<MontyObject, MontyException> {
    match &call {
        OsFunctionCall::DateToday => {
            let (year, month, day) = OffsetDateTime::now_utc().to_calendar_date();
            Ok(MontyObject::Date(MontyDate { year, month: month.into(), day }))
        }
        OsFunctionCall::DateTimeNow(zone) => {
            let offset_seconds = zone.as_ref().map(|zone| zone.offset_seconds);
            let offset = UtcOffset::from_whole_seconds(offset_seconds.unwrap_or_default()).unwrap_or(UtcOffset::UTC);
            let now = OffsetDateTime::now_utc().to_offset(offset);
            let (year, month, day) = now.to_calendar_date();
            let (hour, minute, second, microsecond) = now.to_hms_micro();
            Ok(MontyObject::DateTime(MontyDateTime {
                year,
                month: month.into(),
                day,
                hour,
                minute,
                second,
                microsecond,
                offset_seconds,
                timezone_name: zone.as_ref().and_then(|zone| zone.name.clone()),
            }))
        }
        OsFunctionCall::Getenv(asked) => Ok(asked.default.clone()),
        OsFunctionCall::GetEnviron => Ok(MontyObject::dict(Vec::new())),
        OsFunctionCall::Exists(_)
        | OsFunctionCall::IsFile(_)
        | OsFunctionCall::IsDir(_)
        | OsFunctionCall::IsSymlink(_) => Ok(MontyObject::Bool(false)),
        OsFunctionCall::ReadText(_)
        | OsFunctionCall::ReadBytes(_)
        | OsFunctionCall::Stat(_)
        | OsFunctionCall::Iterdir(_)
        | OsFunctionCall::Resolve(_)
        | OsFunctionCall::Absolute(_)
        | OsFunctionCall::WriteText(_)
        | OsFunctionCall::AppendText(_)
        | OsFunctionCall::WriteBytes(_)
        | OsFunctionCall::AppendBytes(_)
        | OsFunctionCall::Open(_)
        | OsFunctionCall::Mkdir(_)
        | OsFunctionCall::Unlink(_)
        | OsFunctionCall::Rmdir(_)
        | OsFunctionCall::Rename(_) => {
            let why = format!("{} is not possible: a program has no files", call.name());
            Err(MontyException::new(ExcType::PermissionError, Some(why)))
        }
    }
}

fn failure(exception: &MontyException, elapsed: Duration, time: Duration) -> End {
    let is_zero = |message: Option<&str>| message.is_none_or(|status| matches!(status, "" | "0" | "None"));
    let kind = exception.exc_type();
    // A program may raise it too, but not when its time is over.
    if kind == ExcType::TimeoutError && elapsed >= time {
        End::OutOfTime
    } else if kind == ExcType::SystemExit && is_zero(exception.message()) {
        End::Done { shown: None }
    } else {
        End::Failed { complaint: format!("{}\n", shortened(&exception.to_string())) }
    }
}

/// The beginning and the end of a text, if it is long: a traceback tells where it began and what it came to.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= COMPLAINT_BYTES_MAX {
        return text.into();
    }
    let half = COMPLAINT_BYTES_MAX / 2;
    let (begin, end) = (text.floor_char_boundary(half), text.ceil_char_boundary(text.len() - half));
    format!("{}\n[..]\n{}", &text[..begin], &text[end..]).into()
}

/// A [`Printer`] as the interpreter knows it.
struct Callback<'a>(&'a mut dyn Printer);

impl PrintWriterCallback for Callback<'_> {
    fn stdout_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        self.0.print(&output);
        Ok(())
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        self.0.print(end.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn poll_flush(&mut self) -> Result<(), MontyException> {
        self.0.tick();
        Ok(())
    }
}
