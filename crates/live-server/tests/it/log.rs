//! Everything that the server of any test logs, at the finest level.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

/// Begins to gather, once a process: scoped subscribers do not see call sites that another thread reached first.
pub(crate) fn gather() {
    static GATHER: Once = Once::new();
    GATHER.call_once(|| {
        let writer = || Writer;
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(writer).init();
    });
}

/// What was logged until now.
pub(crate) fn text() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// The only line that was logged until now of what holds `of` and says `what`.
#[track_caller]
pub(crate) fn line(of: &str, what: &str) -> String {
    let text = text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(of) && line.contains(what)).collect();
    let [line] = lines[..] else { panic!("{} lines of {of:?} and {what:?}: {lines:?}", lines.len()) };
    line.to_owned()
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
