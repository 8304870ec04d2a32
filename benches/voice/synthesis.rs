//! How fast speech is made: seconds of work for a second of sound, and how long until the first piece of it.

use std::time::Instant;

use anyhow::{Result, anyhow};
use futures_util::StreamExt as _;
use live_model::voice::SAMPLE_RATE_HZ;

use crate::speech::{SENTENCES, Speaker};
use crate::table::{Table, spread};

/// Prints the table.
pub(crate) async fn report(speakers: &[Speaker]) -> Result<()> {
    let mut table = Table::new(&["engine", "sentences", "sound, s", "work / sound", "first piece after, ms"]);
    for of in speakers.chunk_by(|one, other| one.engine == other.engine) {
        let (mut seconds, mut factors, mut first_ms) = (0.0, Vec::new(), Vec::new());
        for (speaker, sentence) in of.iter().cycle().zip(SENTENCES.iter().cycle()).take(RUNS) {
            let began = Instant::now();
            let (mut samples, mut first) = (0, None);
            let mut sound = speaker.speak(sentence);
            while let Some(piece) = sound.next().await {
                samples += piece.map_err(|fault| anyhow!("{} failed: {fault}", speaker.engine))?.samples.len();
                first.get_or_insert_with(|| began.elapsed());
            }
            let (work, length) = (began.elapsed().as_secs_f64(), samples as f64 / f64::from(SAMPLE_RATE_HZ));
            seconds += length;
            factors.push(work / length);
            first_ms.extend(first.map(|first| 1_000.0 * first.as_secs_f64()));
        }
        table.row(&[
            of[0].engine.to_owned(),
            factors.len().to_string(),
            format!("{seconds:.0}"),
            spread(&factors, 4),
            spread(&first_ms, 1),
        ]);
    }
    table.print(
        "Synthesis",
        "Median / 95 % / most. One sentence at a time, programs with their start; wall-clock time of this machine.",
    );
    Ok(())
}

const RUNS: usize = 24;
