//! A program that is a worker and nothing else, for hosts that do not run themselves as one.

fn main() {
    live_code::run_worker()
}
