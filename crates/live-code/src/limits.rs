//! What a program may take, and how many may run; who holds them to it is in `rlimit`, `python` and `workers`.

use std::time::Duration;

/// What a program may take, and how many run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest a program runs, by the clock and by the processor.
    pub time: Duration,
    /// Bytes of memory it may use, beyond what the interpreter takes for itself.
    pub memory_bytes_max: u64,
    /// Calls within each other.
    pub recursion_max: u32,
    /// Bytes of its output; what it says beyond them ends it.
    pub output_bytes_max: u32,
    /// Bytes of the program itself.
    pub code_bytes_max: u32,
    /// Programs that run at once, in all sessions together.
    pub runs_max: usize,
    /// Programs that wait for their turn behind them; a further one is told so at once.
    pub waiting_max: usize,
}

impl Default for Limits {
    /// 30 s, as the service has it; 256 MiB; 500 calls; 64 KiB of output and 256 KiB of program; 4 programs at once and 64 behind them.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory_bytes_max: 256 << 20,
            recursion_max: 500,
            output_bytes_max: 64 << 10,
            code_bytes_max: 256 << 10,
            runs_max: 4,
            waiting_max: 64,
        }
    }
}
