//! The microphone and the loudspeaker of this machine, as the system's defaults have them.
//!
//! Echo is not cancelled: a loudspeaker that the microphone hears interrupts the model with its own words. Headphones do
//! not.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{Device, FromSample, Sample as _, SampleFormat, SizedSample, Stream, SupportedStreamConfig};
use live_client::audio::{Feed, Playout};
use live_client::{Pcm, PcmFormat, WavChannels};
use tokio::sync::mpsc;

use super::loudspeaker::Loudspeaker;

/// Opens both.
#[expect(clippy::wildcard_enum_match_arm, reason = "sound cards give and take one of four kinds of samples by default")]
pub(super) fn open() -> anyhow::Result<(mpsc::Receiver<Pcm>, Loudspeaker)> {
    let host = cpal::default_host();
    let microphone = host.default_input_device().context("this machine has no microphone")?;
    let speaker = host.default_output_device().context("this machine has no loudspeaker")?;
    let heard = microphone.default_input_config().context("the microphone does not say how it hears")?;
    let played = speaker.default_output_config().context("the loudspeaker does not say how it plays")?;

    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    let input = match heard.sample_format() {
        SampleFormat::I16 => listen::<i16>(&microphone, &heard, sender),
        SampleFormat::I32 => listen::<i32>(&microphone, &heard, sender),
        SampleFormat::U16 => listen::<u16>(&microphone, &heard, sender),
        SampleFormat::F32 => listen::<f32>(&microphone, &heard, sender),
        other => bail!("the microphone gives {other} samples, which are not read here"),
    }
    .context("the microphone cannot be opened")?;

    let playout = Arc::new(Mutex::new(Playout::new(played.sample_rate())));
    let output = match played.sample_format() {
        SampleFormat::I16 => play::<i16>(&speaker, &played, Arc::clone(&playout)),
        SampleFormat::I32 => play::<i32>(&speaker, &played, Arc::clone(&playout)),
        SampleFormat::U16 => play::<u16>(&speaker, &played, Arc::clone(&playout)),
        SampleFormat::F32 => play::<f32>(&speaker, &played, Arc::clone(&playout)),
        other => bail!("the loudspeaker takes {other} samples, which are not made here"),
    }
    .context("the loudspeaker cannot be opened")?;

    input.play().context("the microphone does not start")?;
    output.play().context("the loudspeaker does not start")?;
    Ok((pieces, Loudspeaker::card(playout, Box::new((input, output)))))
}

fn listen<T: SizedSample>(
    device: &Device,
    config: &SupportedStreamConfig,
    pieces: mpsc::Sender<Pcm>,
) -> anyhow::Result<Stream>
where
    i16: FromSample<T>,
{
    let channels = usize::from(config.channels().max(1));
    let mut feed = Feed::new(PcmFormat::new(config.sample_rate())?, WavChannels::Mono);
    let mut mono = Vec::new();
    let take = move |samples: &[T], _: &cpal::InputCallbackInfo| {
        mono.clear();
        mono.extend(samples.chunks_exact(channels).map(|frame| {
            let sum: i32 = frame.iter().map(|sample| i32::from(i16::from_sample(*sample))).sum();
            // A mean is no larger than the largest.
            i16::try_from(sum / channels as i32).unwrap_or_default()
        }));
        for piece in feed.push(&mono) {
            // Who does not keep up with the microphone hears gaps, not the past.
            _ = pieces.try_send(piece);
        }
    };
    Ok(device.build_input_stream(config.config(), take, complain, None)?)
}

fn play<T: SizedSample + FromSample<i16>>(
    device: &Device,
    config: &SupportedStreamConfig,
    playout: Arc<Mutex<Playout>>,
) -> anyhow::Result<Stream> {
    let channels = usize::from(config.channels().max(1));
    let mut mono = Vec::new();
    let give = move |samples: &mut [T], _: &cpal::OutputCallbackInfo| {
        mono.resize(samples.len() / channels, 0);
        playout.lock().unwrap_or_else(PoisonError::into_inner).pull(&mut mono);
        for (frame, sample) in samples.chunks_mut(channels).zip(&mono) {
            frame.fill(T::from_sample(*sample));
        }
    };
    Ok(device.build_output_stream(config.config(), give, complain, None)?)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of a callback")]
fn complain(error: cpal::Error) {
    eprintln!("(the sound card: {error})");
}

/// Pieces of 20 ms that wait to be sent: 2 s.
const PIECES_MAX: usize = 100;
