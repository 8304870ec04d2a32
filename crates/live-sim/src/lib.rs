//! Worlds in virtual time: clients, servers, a model, a store and a bad network, and an oracle that watches all of it.
//!
//! A world is drawn from bytes, so that a fuzzer, a shrinker and a seed all mean the same thing: [`run`]. The same bytes give
//! the same world, to the last line of its [`Trace`]. Nothing here is shipped; docs/testing.md tells how it is used.

mod client;
mod day;
mod end;
mod entropy;
mod everything;
mod fault;
mod function;
mod model;
mod net;
mod oracle;
mod plan;
mod report;
mod server;
mod stamp;
mod trace;
mod words;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

pub use day::{Day, day};
pub use entropy::bytes_of_seed;
pub use report::{Failure, Fault, Figures, Rule};
pub use trace::Trace;

use crate::world::World;

/// Lives one world to its end and tells what it has been through, and the first thing that was wrong.
pub fn run(bytes: &[u8], trace: &mut Trace) -> (Figures, Option<Failure>) {
    let lived = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(bytes, Instant::now(), trace);
        world.run();
        let (steps, now) = (world.steps, world.now);
        world.oracle.note_end(steps, now);
        world.oracle.take_verdict()
    }));
    lived.unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().cloned();
        let what = what.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        (Figures::default(), Some(Failure { rule: None, what }))
    })
}
