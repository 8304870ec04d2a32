//! A user who talks through everything that happens to the connection, and checks what is told of it.

use std::time::Duration;

use live_client::{Counters, Event, Pcm, PcmFormat, Session, TurnId};

use crate::ledger::{Said, answer_to, sound};
use crate::world::World;

pub(crate) struct Speaker {
    pub(crate) session: Session,
    /// All that was said so far.
    pub(crate) said: Vec<Said>,
    /// Answers that were heard to the end.
    pub(crate) answers: Vec<String>,
    /// The answer that is being heard.
    answer: Option<(TurnId, String, Vec<u8>)>,
    /// Between `Reconnecting` and `Resumed`.
    is_reconnecting: bool,
    pub(crate) resumed: Vec<Resumed>,
    pub(crate) reconnecting: u64,
    next_number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resumed {
    pub(crate) restored: bool,
    pub(crate) replayed: usize,
    pub(crate) answer_lost: bool,
}

/// What of an answer was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Its first piece.
    Beginning,
    /// Everything, and it is being played.
    Generated,
    /// Everything, and it was played.
    Complete,
    Other,
}

impl Speaker {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            said: Vec::new(),
            answers: Vec::new(),
            answer: None,
            is_reconnecting: false,
            resumed: Vec::new(),
            reconnecting: 0,
            next_number: 0,
        }
    }

    pub(crate) fn say_sound(&mut self) {
        let numbers = self.next_number..self.next_number + NUMBERS;
        self.next_number = numbers.end;
        let pcm = Pcm::new(PcmFormat::INPUT, sound(numbers.clone())).expect("whole samples");
        self.session.send_audio(pcm).expect("the session goes on");
        self.said.extend(numbers.map(Said::Number));
    }

    pub(crate) fn say_words(&mut self, words: &str) {
        self.session.send_text(words).expect("the session goes on");
        self.said.push(Said::Words(words.to_owned()));
    }

    /// The answer that is due to all that was said.
    pub(crate) fn due(&self) -> String {
        answer_to(&self.said)
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.answers.last() == Some(&self.due())
    }

    pub(crate) fn counters(&self) -> Counters {
        self.session.counters()
    }

    /// Hears the next event, and lets the world's time pass while an answer is played.
    pub(crate) async fn hear(&mut self, world: &World) -> Heard {
        let event = tokio::time::timeout(SILENCE_MAX, self.session.next()).await.expect("something happens");
        let event = event.expect("the session goes on");
        let heard = self.note(event);
        if heard == Heard::Generated {
            world.advance("1s").await;
        }
        heard
    }

    /// Hears whatever comes in this time.
    pub(crate) async fn hear_for(&mut self, time: Duration, world: &World) {
        let end = tokio::time::Instant::now() + time;
        while tokio::time::timeout_at(end, self.hear(world)).await.is_ok() {}
    }

    /// Hears until all that was said is answered.
    pub(crate) async fn hear_answer(&mut self, world: &World) {
        while !self.is_answered() {
            self.hear(world).await;
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is neither words nor news of connections")]
    fn note(&mut self, event: Event) -> Heard {
        let is_between = self.is_reconnecting;
        let spoke = |is_spoken: bool| assert!(!(is_spoken && is_between), "words between two connections: {event:?}");
        match &event {
            Event::Audio { generation, blob } => {
                spoke(true);
                let is_first = self.answer_of(*generation).2.is_empty();
                self.answer_of(*generation).2.extend_from_slice(&blob.data);
                if is_first { Heard::Beginning } else { Heard::Other }
            }
            Event::OutputTranscription { generation, transcription } => {
                spoke(true);
                self.answer_of(*generation).1.push_str(&transcription.text);
                Heard::Other
            }
            Event::Text { generation, text } => {
                spoke(true);
                let is_first = self.answer_of(*generation).1.is_empty();
                self.answer_of(*generation).1.push_str(text);
                if is_first { Heard::Beginning } else { Heard::Other }
            }
            Event::Interrupted { generation } => {
                self.answer.take_if(|(answer, ..)| answer == generation);
                Heard::Other
            }
            Event::GenerationComplete { .. } => Heard::Generated,
            Event::TurnComplete { .. } => {
                let Some((_, text, pcm)) = self.answer.take() else { return Heard::Other };
                // A sample a character: nothing of the sound was lost or doubled that was not of the words.
                let spoken: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
                assert!(pcm.is_empty() || pcm == spoken, "{text}");
                self.answers.push(text);
                Heard::Complete
            }
            Event::Reconnecting { attempt, .. } => {
                assert!(*attempt >= 1, "it counts itself");
                self.is_reconnecting = true;
                self.reconnecting += 1;
                Heard::Other
            }
            Event::Resumed { restored, replayed, answer_lost } => {
                assert!(self.is_reconnecting, "resumed without a word before");
                self.is_reconnecting = false;
                let (restored, replayed, answer_lost) = (*restored, *replayed, *answer_lost);
                self.resumed.push(Resumed { restored, replayed, answer_lost });
                Heard::Other
            }
            Event::Lost(_) | Event::Closed(_) => panic!("{event:?}"),
            _ => Heard::Other,
        }
    }

    fn answer_of(&mut self, generation: TurnId) -> &mut (TurnId, String, Vec<u8>) {
        let answer = self.answer.get_or_insert_with(|| (generation, String::new(), Vec::new()));
        assert_eq!(answer.0, generation, "an answer begins before the former one was over");
        answer
    }
}

/// By the runtime's clock, which jumps.
const SILENCE_MAX: Duration = Duration::from_secs(600);

/// Numbers in a piece of sound: 2 ms.
const NUMBERS: u32 = 16;
