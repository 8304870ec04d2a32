//! Programs in workers: hostile ones, ordinary ones, and many at once.

mod bench;
mod hostile;
mod ordinary;
mod pool;
