//! `live-sim`: worlds by their seeds, many at once or one with its trace. `cargo xtask sim` runs it.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use live_sim::{Failure, Figures, Trace, bytes_of_seed, run};

/// Runs worlds in virtual time and judges them.
#[derive(Parser)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Threads; one for each core if it is not said.
    #[arg(long)]
    jobs: Option<usize>,
    /// Runs this one and prints its trace.
    #[arg(long)]
    seed: Option<u64>,
    /// Lives a session of 24 hours.
    #[arg(long)]
    day: bool,
    /// Goes on after a failure, up to so many.
    #[arg(long, default_value_t = 1)]
    failures: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let is_clean = match args.seed {
        _ if args.day => live_a_day(args.seed.unwrap_or(0)),
        Some(seed) => show(seed),
        None => run_all(&args),
    };
    if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One session of 24 hours, twice: it is the same both times.
fn live_a_day(seed: u64) -> bool {
    let began = Instant::now();
    let (day, failure) = live_sim::day(seed, &mut Trace::off());
    let seconds = began.elapsed().as_secs_f64();
    println!("{day}");
    println!("24 hours in {seconds:.1} s");
    let is_in_time = seconds < DAY_SECONDS_MAX;
    let is_same = live_sim::day(seed, &mut Trace::off()).0 == day;
    if let Some(failure) = &failure {
        println!("the day of seed {seed}: {failure}");
    }
    if !is_same {
        println!("the day of seed {seed} is another the second time");
    }
    if !is_in_time {
        println!("a day takes at most {DAY_SECONDS_MAX} s");
    }
    let is_clean = failure.is_none() && is_same && is_in_time;
    println!("{} worlds passed, {} failed", u8::from(is_clean), u8::from(!is_clean));
    is_clean
}

/// The longest that a day may take, on one core.
const DAY_SECONDS_MAX: f64 = 60.0;

/// One world with all that happens in it.
fn show(seed: u64) -> bool {
    let mut trace = Trace::on();
    let (figures, failure) = run(&bytes_of_seed(seed), &mut trace);
    print!("{}", trace.text());
    println!("{figures}");
    match &failure {
        None => println!("seed {seed}: all is well"),
        Some(failure) => println!("seed {seed}: {failure}"),
    }
    failure.is_none()
}

fn run_all(args: &Args) -> bool {
    let began = Instant::now();
    let jobs = args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    let next = AtomicU64::new(args.from);
    let end = args.from.saturating_add(args.seeds);
    let total = Mutex::new(Total { figures: Figures::default(), failures: Vec::new(), reported: began });
    // A panic is a failure as any other, and told with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| work(&next, end, args.failures, &total));
        }
    });
    let Total { figures, mut failures, .. } = total.into_inner().expect("no thread panicked");
    let seconds = began.elapsed().as_secs_f64();
    println!("{figures}");
    println!(
        "seeds {}..{} in {seconds:.1} s, {:.3} ms a world and core",
        args.from,
        args.from + figures.worlds,
        seconds * 1_000.0 * jobs as f64 / figures.worlds.max(1) as f64
    );
    failures.sort_by_key(|(seed, _)| *seed);
    for (seed, failure) in &failures {
        println!("seed {seed}: {failure}\n  see `cargo xtask sim --seed {seed}`");
    }
    let untested: Vec<_> = figures.untested().map(live_sim::Rule::name).collect();
    if args.seeds >= 1_000 && !untested.is_empty() && failures.is_empty() {
        println!("rules that nothing put to the test: {}", untested.join(", "));
        return false;
    }
    println!("{} worlds passed, {} failed", figures.worlds, failures.len());
    failures.is_empty()
}

/// What all threads have come to.
struct Total {
    figures: Figures,
    failures: Vec<(u64, Failure)>,
    reported: Instant,
}

fn work(next: &AtomicU64, end: u64, failures_max: usize, total: &Mutex<Total>) {
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= end {
            return;
        }
        let mut sum = Figures::default();
        let mut failed = Vec::new();
        for seed in from..end.min(from + BATCH) {
            let (figures, failure) = run(&bytes_of_seed(seed), &mut Trace::off());
            match failure {
                None => sum += &figures,
                Some(failure) => {
                    eprintln!("seed {seed}: {failure}");
                    failed.push((seed, failure));
                }
            }
        }
        let mut total = total.lock().expect("no thread panicked");
        total.figures += &sum;
        total.failures.append(&mut failed);
        if total.reported.elapsed() > REPORT_EVERY {
            total.reported = Instant::now();
            eprintln!("{} worlds passed, {} failed", total.figures.worlds, total.failures.len());
        }
        if total.failures.len() >= failures_max {
            next.store(end, Ordering::Relaxed);
            return;
        }
    }
}

/// Seeds that a thread takes at once.
const BATCH: u64 = 50;
const REPORT_EVERY: Duration = Duration::from_secs(60);
