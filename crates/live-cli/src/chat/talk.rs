//! The conversation: says the next thing when its time has come, and passes on what is heard.
//!
//! What is said comes from [`super::script`] and [`super::voice`]; how a session survives its connections is `live-client`'s.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use live_client::audio::Recording;
use live_client::{Event, Reconnect, Session, Step, TurnId};
use tokio::time::Instant;

use super::loudspeaker::Loudspeaker;
use super::screen::{Screen, Who};
use super::script::{Line, Lines, What};
use super::voice::{Spoken, Voice};
use crate::serve::Signals;

/// How a conversation is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    /// Somebody types: lines are said at once. Those of a script wait for the end of the answer.
    pub(super) is_interactive: bool,
    /// What cannot be said ends the conversation, as it was asked for when the command was given.
    pub(super) is_strict: bool,
    /// How long an answer may take to begin.
    pub(super) patience: Duration,
}

pub(super) struct Talk {
    session: Session,
    lines: Lines,
    voice: Voice,
    loudspeaker: Loudspeaker,
    screen: Screen,
    manners: Manners,
    /// The line that is said next; nothing behind the last one.
    next: Option<Line>,
    has_lines: bool,
    asked: Option<Asked>,
    /// The generation that is being heard.
    answering: Option<TurnId>,
    /// It is in text.
    is_read: bool,
    /// The last generation that began, and the last one that was cut short.
    begun: TurnId,
    cut: Option<TurnId>,
    turns: u64,
}

/// Something was said, and is not answered to the end.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// The last generation that had begun before.
    after: TurnId,
    /// Something was answered since.
    is_answered: bool,
    /// Then no answer is waited for any longer; never while the recording is being spoken, or the answer heard.
    until: Option<Instant>,
}

/// Why the conversation goes on or ends.
#[derive(PartialEq)]
enum Flow {
    On,
    End,
}

impl Talk {
    pub(super) fn new(
        session: Session,
        lines: Lines,
        voice: Voice,
        loudspeaker: Loudspeaker,
        screen: Screen,
        manners: Manners,
    ) -> Self {
        Self {
            session,
            lines,
            voice,
            loudspeaker,
            screen,
            manners,
            next: None,
            has_lines: true,
            asked: None,
            answering: None,
            is_read: false,
            begun: TurnId::default(),
            cut: None,
            turns: 0,
        }
    }

    /// Talks until the last line is answered, the user ends it, or the session does.
    pub(super) async fn hold(mut self, mut signals: Signals) -> anyhow::Result<()> {
        let mut failure = None;
        loop {
            if self.is_time_for_next()
                && let Some(line) = self.next.take()
            {
                match self.say(line) {
                    Ok(Flow::On) => {}
                    Ok(Flow::End) => break,
                    Err(error) if self.manners.is_strict => {
                        failure = Some(error);
                        break;
                    }
                    Err(error) => self.screen.note(&format!("{error:#}")),
                }
                continue;
            }
            if self.is_over() {
                break;
            }
            let play = self.loudspeaker.due();
            let give_up = self.asked.and_then(|asked| asked.until);
            tokio::select! {
                biased;
                () = signals.next() => break,
                () = sleep_until(play) => self.loudspeaker.play()?,
                step = self.session.next_or(&mut self.voice) => match step {
                    Step::Event(event) => self.hear(event.context("the session is over")?)?,
                    Step::Item(Some(spoken)) => self.speak(spoken)?,
                    Step::Item(None) => unreachable!("a voice does not end"),
                },
                line = self.lines.next(), if self.has_lines && self.next.is_none() => {
                    self.has_lines = line.is_some();
                    self.next = line;
                }
                () = sleep_until(give_up) => self.give_up(),
            }
        }
        self.end(signals).await?;
        failure.map_or(Ok(()), Err)
    }

    /// Closes the session, unless another signal comes, and sums up.
    async fn end(self, mut signals: Signals) -> anyhow::Result<()> {
        let Self { session, loudspeaker, mut screen, turns, .. } = self;
        screen.end_line();
        let counters = session.counters();
        tokio::select! {
            _ = session.close() => {}
            () = signals.next() => {}
        }
        let (played, file) = loudspeaker.finish()?;
        let mut summary = count(turns, "answer");
        if counters.dials > 1 {
            let resumed = count(counters.restored, "resumption");
            summary += &format!("; {}, {resumed}", count(counters.dials, "dial"));
        }
        if counters.dropped.messages > 0 {
            summary += &format!("; dropped {}", count(counters.dropped.messages, "message"));
        }
        if played.underruns > 0 {
            summary += &format!("; {} amid answers", count(played.underruns, "gap"));
        }
        if let Some(file) = file {
            summary += &format!("; what was heard of them is in {}", file.display());
        }
        screen.note(&summary);
        Ok(())
    }

    fn is_time_for_next(&self) -> bool {
        let Some(line) = &self.next else { return false };
        // A recording is spoken to its end; its user may quit, or stop the answer to what was said before.
        if self.voice.is_speaking() && !self.manners.is_interactive {
            return false;
        }
        let is_quiet = self.asked.is_none() && !self.loudspeaker.is_playing();
        self.manners.is_interactive || is_quiet || line.interrupts && self.is_answer_heard()
    }

    /// Whether enough of an answer was heard, or read, to be interrupted.
    fn is_answer_heard(&self) -> bool {
        let Some(answering) = self.answering else { return false };
        let heard = self.loudspeaker.playout().heard();
        self.is_read || heard.is_some_and(|(generation, heard)| generation == answering && heard >= HEARD_MIN)
    }

    fn is_over(&self) -> bool {
        let has_more = self.has_lines || self.next.is_some() || self.voice.is_speaking();
        let waits = self.asked.is_some() || self.loudspeaker.is_playing();
        // Who has a microphone ends it by hand.
        !has_more && !waits && !self.voice.has_microphone()
    }

    /// Says or does what a line says.
    fn say(&mut self, line: Line) -> anyhow::Result<Flow> {
        match line.what {
            What::Words(words) => {
                self.screen.typed(&words);
                // Models of every generation take typed words so, in any order with sound.
                self.session.send_realtime_text(&words)?;
                self.ask(Some(Instant::now() + self.manners.patience));
            }
            What::Recording(file) => {
                let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
                let recording =
                    Recording::from_wav(&bytes).with_context(|| format!("cannot speak {}", file.display()))?;
                self.screen.note(&format!("speaking {}, {:.1} s", file.display(), recording.duration().as_secs_f64()));
                self.voice.speak(recording);
                self.ask(None);
            }
            What::Stop => {
                self.session.send_turns(Vec::new(), false)?;
                self.asked = None;
            }
            What::Quit => return Ok(Flow::End),
            What::Unknown(line) => {
                self.screen.note(&format!("no such command: {line}; there are /say FILE, /stop and /quit"));
            }
        }
        Ok(Flow::On)
    }

    fn ask(&mut self, until: Option<Instant>) {
        self.asked = Some(Asked { after: self.begun, is_answered: false, until });
    }

    /// Sends what is spoken.
    fn speak(&mut self, spoken: Spoken) -> anyhow::Result<()> {
        match spoken {
            Spoken::Piece(pcm) => self.session.send_audio(pcm)?,
            Spoken::End => {
                self.session.send_audio_stream_end()?;
                if let Some(asked) = &mut self.asked {
                    // What was spoken last may have been answered already, or nothing may have been understood.
                    let wait = if asked.is_answered { AFTERTHOUGHT } else { self.manners.patience };
                    asked.until = self.answering.is_none().then(|| Instant::now() + wait);
                }
            }
        }
        Ok(())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what this terminal asks for is listed, what else servers say is not"
    )]
    fn hear(&mut self, event: Event) -> anyhow::Result<()> {
        self.loudspeaker.playout().handle_event(&event).context("the answer cannot be played")?;
        match event {
            Event::Text { generation, text } => {
                self.begin(generation);
                self.is_read = true;
                self.screen.words(Who::Model, &text);
            }
            Event::Thought { generation, text } => {
                self.begin(generation);
                self.screen.words(Who::Thoughts, &text);
            }
            Event::Audio { generation, .. } => self.begin(generation),
            Event::OutputTranscription { generation, transcription } => {
                self.begin(generation);
                self.screen.words(Who::Model, &transcription.text);
            }
            Event::InputTranscription(transcription) => self.screen.words(Who::User, &transcription.text),
            Event::Interrupted { generation } => {
                self.cut = self.cut.max(Some(generation));
                if self.answering.take_if(|answering| *answering <= generation).is_some() {
                    self.screen.interrupted();
                }
            }
            Event::TurnComplete { generation, reason } => {
                self.screen.end_line();
                self.loudspeaker.pause();
                if !matches!(reason, live_proto::TurnCompleteReason::Unspecified) {
                    self.screen.note(&format!("the turn ended: {reason:?}"));
                }
                self.complete(generation);
            }
            Event::ToolCall(call) => {
                self.screen.note(&format!("the model calls {}, which nobody here can run", call.name))
            }
            Event::GoAway { time_left } => {
                self.screen.note(&format!("the server will close in {} s", time_left.as_secs()))
            }
            Event::Reconnecting { attempt, why } => {
                let why = match why {
                    Reconnect::GoAway => "the server asked for it".to_owned(),
                    Reconnect::Ended(cause) => cause.to_string(),
                };
                self.screen.note(&format!("reconnecting, attempt {attempt}: {why}"));
            }
            Event::Resumed { restored, replayed, answer_lost } => self.resume(restored, replayed, answer_lost),
            Event::Dropped(dropped) => {
                self.screen.note(&format!("no server has kept {}", count(dropped.messages, "message")));
            }
            Event::Malformed(error) => self.screen.note(&format!("the server sent what is no message: {error}")),
            Event::Lost(loss) => {
                return Err(anyhow!("{}", loss.cause).context("the session was lost"));
            }
            Event::Closed(cause) => bail!("the server ended the session: {cause}"),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, generation: TurnId) {
        if self.answering.is_none_or(|answering| answering < generation) {
            self.answering = Some(generation);
            self.is_read = false;
            self.begun = self.begun.max(generation);
        }
        if let Some(asked) = &mut self.asked {
            asked.until = None;
        }
    }

    fn complete(&mut self, generation: TurnId) {
        self.answering.take_if(|answering| *answering <= generation);
        let was_cut = self.cut.is_some_and(|cut| generation <= cut);
        self.turns += u64::from(!was_cut);
        let Some(asked) = &mut self.asked else { return };
        if was_cut {
            // The answer to what cut it short is still to come.
            asked.until = Some(Instant::now() + self.manners.patience);
        } else if self.voice.is_speaking() {
            asked.is_answered = true;
        } else if asked.after < generation {
            self.asked = None;
        } else {
            // It was over before the server heard what should have cut it short.
            asked.until = Some(Instant::now() + self.manners.patience);
        }
    }

    fn resume(&mut self, restored: bool, replayed: usize, answer_lost: bool) {
        let how = if restored { "resumed where it was" } else { "began anew" };
        let again =
            if replayed > 0 { format!("; sent again: {}", count(replayed as u64, "message")) } else { String::new() };
        self.screen.note(&format!("the session {how}{again}"));
        if answer_lost {
            self.screen.note("the answer was lost; ask again");
            self.asked = None;
        } else if let Some(asked) = &mut self.asked
            && !self.voice.is_speaking()
        {
            asked.until = Some(Instant::now() + self.manners.patience);
        }
    }

    /// No answer came.
    fn give_up(&mut self) {
        let was_answered = self.asked.take().is_some_and(|asked| asked.is_answered);
        if !was_answered {
            self.screen.note("no answer came");
        }
    }
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Sleeps until then; for ever if there is no such time.
async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => pin!(tokio::time::sleep_until(time)).await,
        None => std::future::pending().await,
    }
}

/// How much of a spoken answer is heard before a line of a script interrupts it.
const HEARD_MIN: Duration = Duration::from_millis(500);

/// How long an answer to the rest of a recording may take to begin, when all of it may have been answered: longer than the silence
/// that ends speech.
const AFTERTHOUGHT: Duration = Duration::from_secs(3);
