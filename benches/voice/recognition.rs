//! What is understood: speech over a real WebSocket to a whole server with pocketsphinx as its ears, word by word.
//!
//! The same sound is also given to the recogniser without a server, so that what detection costs can be told from what the
//! recogniser cannot.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use futures_util::StreamExt as _;
use live_client::{Client, Modality, Pcm, PcmFormat, Setup, TurnEnd};
use live_engine::TurnCompletePacing;
use live_model::embedded::EmbeddedConfig;
use live_model::exec::ListeningProgram;
use live_model::exec::preset::{Preset, Role};
use live_model::{Cascade, Embedded, EmbeddedVoice, Recogniser, Utterance};
use live_server::Server;
use tokio::sync::oneshot;

use crate::noise::Noise;
use crate::scene::{self, SnrDb};
use crate::speech::{RATE_HZ, SENTENCES, Speaker};
use crate::table::{Table, percent};

/// Prints the table, if the recogniser is here.
pub(crate) async fn report(speakers: &[Speaker]) -> Result<()> {
    let preset = Preset::find("pocketsphinx", Role::Listens).expect("it is known");
    if preset.installed().is_none() {
        println!("### Recognition\n\nNot measured: {} is not installed (Debian: {}).\n", preset.name, preset.packages);
        return Ok(());
    }
    let recogniser = ListeningProgram::new(preset.config().0)?;
    let answerer = Embedded::new(EmbeddedConfig { pieces_per_second: 0, ..EmbeddedConfig::default() });
    let model = Cascade::new(answerer, EmbeddedVoice).recogniser(recogniser.clone());
    let server = Server::builder()
        .listen("127.0.0.1:0".parse()?)
        .model(model)
        .pacing(TurnCompletePacing::Immediate)
        .bind()
        .await?;
    // A recogniser that fails closes the connection, and shall be told of.
    let client =
        Client::gemini("any key").base_url(format!("http://{}", server.endpoints()[0].address)).without_reconnect();
    let (stop, stopped) = oneshot::channel::<()>();
    let measure = async {
        let table = measure(speakers, &client, &recogniser).await;
        drop(stop);
        table
    };
    let (table, _) = tokio::join!(measure, server.serve_until(async { _ = stopped.await }));
    table?.print(
        "Recognition",
        "Word error rates of pocketsphinx. Server: sent by live-client over a WebSocket, detected with the defaults of the Gemini API, \
         read from `inputTranscription`. Alone: the same sound, whole. Turns: how many each sentence became, 1 if all is well.",
    );
    Ok(())
}

async fn measure(speakers: &[Speaker], client: &Client, recogniser: &ListeningProgram) -> Result<Table> {
    let mut table = Table::new(&["speaker", "noise", "SNR", "words", "server", "alone", "turns"]);
    for of in speakers.chunk_by(|one, other| one.engine == other.engine) {
        for speaker in of.iter().take(SPEAKERS_OF_ENGINE) {
            for (noise, snr_db) in CONDITIONS {
                let (mut words, mut served, mut alone, mut turns) = (0, 0, 0, 0);
                for (seed, sentence) in (1..).zip(&SENTENCES[..SENTENCES_OF_SPEAKER]) {
                    let clip = speaker.say(sentence).await?;
                    let pause = vec![0.0; RATE_HZ as usize];
                    let clean = [&pause[..], &clip.samples, &pause].concat();
                    let samples = scene::mix(&clean, noise, snr_db, &[], seed);
                    let said = words_of(sentence);
                    words += said.len();
                    let (transcript, taken) = ask(client, &samples)
                        .await
                        .with_context(|| format!("{} says {sentence:?} in {noise:?}", speaker.name))?;
                    served += errors(&said, &words_of(&transcript));
                    turns += taken;
                    alone += errors(&said, &words_of(&recognise(recogniser, samples).await?));
                }
                let mut row = vec![format!("{} {}", speaker.engine, speaker.name)];
                row.extend(scene::cells(noise, snr_db));
                row.extend([
                    words.to_string(),
                    percent(served, words),
                    percent(alone, words),
                    format!("{:.2}", turns as f64 / SENTENCES_OF_SPEAKER as f64),
                ]);
                table.row(&row);
            }
        }
    }
    Ok(table)
}

/// Says something in a session of its own and waits for the answer: what was understood, and how many turns it took.
async fn ask(client: &Client, samples: &[i16]) -> Result<(String, usize)> {
    let setup = Setup::new("gemini-live-2.5-flash-preview").with_modality(Modality::Text);
    let mut session = client.connect(setup.with_input_transcription()).await?;
    for piece in samples.chunks(PIECE_SAMPLES) {
        session.send_audio(Pcm::from_samples(PcmFormat::INPUT, piece))?;
    }
    session.send_audio_stream_end()?;
    let (mut transcript, mut turns) = (String::new(), 0);
    loop {
        let turn = tokio::time::timeout(PATIENCE, session.turn()).await.context("nothing was heard")?;
        turns += 1;
        transcript = format!("{transcript} {}", turn.input_transcript);
        match turn.end {
            // What interrupted it is on its way.
            TurnEnd::Complete if turn.interrupted => {}
            TurnEnd::Complete => break,
            end @ (TurnEnd::Because(_) | TurnEnd::ToolCalls | TurnEnd::AnswerLost | TurnEnd::Closed(_)) => {
                bail!("the turn ended with {end:?}")
            }
        }
    }
    session.close().await;
    Ok((transcript, turns))
}

async fn recognise(recogniser: &ListeningProgram, samples: Vec<i16>) -> Result<String> {
    let mut text = String::new();
    let mut pieces = recogniser.recognise(Utterance { samples, language: None });
    while let Some(piece) = pieces.next().await {
        text += &piece.map_err(|fault| anyhow!("{fault}"))?;
    }
    Ok(text)
}

fn words_of(text: &str) -> Vec<String> {
    let plain: String = text.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace() || *c == '\'').collect();
    plain.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

/// Words to be changed, added or taken away until the one is the other.
fn errors(said: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (at, word) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (other_at, other) in heard.iter().enumerate() {
            let changed = diagonal + usize::from(word != other);
            diagonal = row[other_at + 1];
            row[other_at + 1] = changed.min(diagonal + 1).min(row[other_at] + 1);
        }
    }
    row[heard.len()]
}

const CONDITIONS: [(Noise, SnrDb); 2] = [(Noise::Silence, None), (Noise::Pink, Some(20.0))];
const SPEAKERS_OF_ENGINE: usize = 2;
const SENTENCES_OF_SPEAKER: usize = 6;
/// Half a second.
const PIECE_SAMPLES: usize = RATE_HZ as usize / 2;
/// A recogniser that takes longer is no help to anybody.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_the_fewest_changes() {
        let count = |said: &str, heard: &str| errors(&words_of(said), &words_of(heard));
        assert_eq!(count("Stop it, please.", "stop it please"), 0);
        assert_eq!(count("go forward ten meters", "go for ten meters now"), 2);
        assert_eq!(count("one two three", ""), 3);
        assert_eq!(count("", "one"), 1);
    }
}
