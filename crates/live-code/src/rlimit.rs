//! The limits that the system holds a worker to, set by itself before it reads a program.
//!
//! Those that the interpreter keeps are in `python`, those that the host keeps in `workers`.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::wire::Orders;

/// Seconds of processor time beyond the time of a program; the host ends it before.
const CPU_SLACK_S: u64 = 2;

/// Puts the limits in force. What a process gives up so it never gets back.
pub(crate) fn set(orders: &Orders, stack_bytes: u64) -> io::Result<()> {
    let memory = own_bytes()?.saturating_add(stack_bytes).saturating_add(orders.memory_bytes_max);
    let cpu_s = orders.time.as_secs().saturating_add(CPU_SLACK_S);
    let limits = [
        (Resource::Core, 0),
        (Resource::Cpu, cpu_s),
        (Resource::As, memory),
        // No file grows, and none is opened: pipes that are open stay so, sockets and what a new program would load do not come to be.
        (Resource::Fsize, 0),
        (Resource::Nofile, 0),
    ];
    for (resource, limit) in limits {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}

/// Forbids further processes and threads, once all threads there are to be are there. The system does not hold root to it.
pub(crate) fn forbid_processes() -> io::Result<()> {
    Ok(setrlimit(Resource::Nproc, Rlimit { current: Some(0), maximum: Some(0) })?)
}

/// The address space that the worker takes for itself, its program above all. Where the system does not say, it does not keep the limit
/// either (macOS).
fn own_bytes() -> io::Result<u64> {
    if !cfg!(target_os = "linux") {
        return Ok(ELSEWHERE_BYTES);
    }
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages = pages.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("/proc/self/statm does not say how large the process is"))?;
    Ok(pages.saturating_mul(rustix::param::page_size() as u64))
}

const ELSEWHERE_BYTES: u64 = 1 << 30;
