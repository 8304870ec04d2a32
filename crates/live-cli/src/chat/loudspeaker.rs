//! What is heard of the answers: by a sound card, or in real time by nobody but a file.
//!
//! What is played next, and what not any more, is `live-client`'s playout.

use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use live_audio::{WavChannels, WavLength, bytes_of, wav_header};
use live_client::PcmFormat;
use live_client::audio::{Playout, PlayoutCounters};
use tokio::time::Instant;

/// Plays answers.
pub(super) struct Loudspeaker {
    playout: Arc<Mutex<Playout>>,
    kind: Kind,
}

enum Kind {
    /// Plays by the clock, into a file if there is one.
    Paced { next: Option<Instant>, file: Option<WavFile> },
    /// Takes from the playout by itself; kept to keep it open.
    #[cfg(feature = "mic")]
    Card { _device: Box<dyn std::any::Any> },
}

impl Loudspeaker {
    /// One that nobody hears, and that writes to `file`, if there is one, what would have been heard.
    pub(super) fn paced(file: Option<&Path>) -> anyhow::Result<Self> {
        let file = file.map(WavFile::create).transpose()?;
        let playout = Arc::new(Mutex::new(Playout::new(PcmFormat::OUTPUT.rate_hz())));
        Ok(Self { playout, kind: Kind::Paced { next: None, file } })
    }

    /// One whose device takes samples out of `playout`.
    #[cfg(feature = "mic")]
    pub(super) fn card(playout: Arc<Mutex<Playout>>, device: Box<dyn std::any::Any>) -> Self {
        Self { playout, kind: Kind::Card { _device: device } }
    }

    pub(super) fn playout(&self) -> MutexGuard<'_, Playout> {
        // A callback that panicked left samples behind, and no half-done change.
        self.playout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something is still to be heard.
    pub(super) fn is_playing(&self) -> bool {
        !self.playout().waiting().is_zero()
    }

    /// When [`play`](Self::play) is due; `None` while there is nothing to play.
    pub(super) fn due(&mut self) -> Option<Instant> {
        let is_playing = self.is_playing();
        match &mut self.kind {
            Kind::Paced { next, .. } if is_playing => Some(*next.get_or_insert_with(Instant::now)),
            Kind::Paced { next, .. } => {
                *next = None;
                None
            }
            // Nothing is due; the end of what plays is looked for.
            #[cfg(feature = "mic")]
            Kind::Card { .. } => is_playing.then(|| Instant::now() + PERIOD),
        }
    }

    /// Plays one period.
    pub(super) fn play(&mut self) -> anyhow::Result<()> {
        match &mut self.kind {
            Kind::Paced { next, file } => {
                let mut samples = [0; PERIOD_SAMPLES];
                let heard = self.playout.lock().unwrap_or_else(PoisonError::into_inner).pull(&mut samples);
                if let Some(next) = next {
                    *next += PERIOD;
                }
                file.as_mut().map_or(Ok(()), |file| file.write(&samples[..heard]))
            }
            #[cfg(feature = "mic")]
            Kind::Card { .. } => Ok(()),
        }
    }

    /// Sets two answers apart.
    pub(super) fn pause(&mut self) {
        match &mut self.kind {
            Kind::Paced { file: Some(file), .. } => file.pauses = true,
            Kind::Paced { file: None, .. } => {}
            #[cfg(feature = "mic")]
            Kind::Card { .. } => {}
        }
    }

    /// Ends the file; tells where it is.
    pub(super) fn finish(self) -> anyhow::Result<(PlayoutCounters, Option<PathBuf>)> {
        let counters = self.playout().counters();
        match self.kind {
            Kind::Paced { file, .. } => Ok((counters, file.map(WavFile::finish).transpose()?)),
            #[cfg(feature = "mic")]
            Kind::Card { .. } => Ok((counters, None)),
        }
    }
}

/// A file that grows. It can be played before it is finished, too.
struct WavFile {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: usize,
    /// A pause is due before the next sound.
    pauses: bool,
}

impl WavFile {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut this = Self { path: path.to_owned(), file: BufWriter::new(file), bytes: 0, pauses: false };
        this.write_bytes(&header(WavLength::Streaming))?;
        Ok(this)
    }

    fn write(&mut self, samples: &[i16]) -> anyhow::Result<()> {
        let pause = if std::mem::take(&mut self.pauses) && self.bytes > 0 { PAUSE_SAMPLES } else { 0 };
        let mut bytes = vec![0; pause * 2];
        bytes_of(samples, &mut bytes);
        self.bytes += bytes.len();
        self.write_bytes(&bytes)
    }

    fn finish(mut self) -> anyhow::Result<PathBuf> {
        let length = WavLength::Bytes(self.bytes);
        self.file.seek(SeekFrom::Start(0)).with_context(|| format!("cannot write {}", self.path.display()))?;
        self.write_bytes(&header(length))?;
        self.file.flush().with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(self.path)
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.file.write_all(bytes).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn header(length: WavLength) -> [u8; live_audio::WAV_HEADER_BYTES] {
    wav_header(PcmFormat::OUTPUT.rate_hz(), WavChannels::Mono, length)
}

/// How often a paced loudspeaker plays.
const PERIOD: Duration = Duration::from_millis(20);

/// Samples in that at 24 kHz.
const PERIOD_SAMPLES: usize = 480;

/// Silence between two answers in a file: 0.4 s.
const PAUSE_SAMPLES: usize = 9_600;
