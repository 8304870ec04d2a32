//! What users and their programs do: speak, write, show, answer calls, hang up. And what they do at the end of a world to
//! find out whether all of it has arrived.
//!
//! A program keeps to the rules, now and then with a slip that a server has to refuse. What comes of it is the oracle's.

use std::time::{Duration, Instant};

use live_engine::{ClientEvent, Why};
use live_proto::{
    Blob, ClientMessage, Content, ContextUpdate, FunctionCall, FunctionResponse, Scheduling, ToolResponse,
};

use crate::entropy::Entropy;
use crate::function::Running;
use crate::oracle::Kind;
use crate::stamp::{self, Said};
use crate::world::World;

/// The program of one user.
#[derive(Debug)]
pub(crate) struct App {
    number: u8,
    /// The number of the last thing said.
    said: u32,
    /// Between `activityStart` and `activityEnd`.
    in_activity: bool,
    /// Sound was sent and the stream was not ended.
    is_streaming: bool,
    answers: Vec<Answer>,
    /// What runs for the session.
    pub(crate) running: Vec<Running>,
    pub(crate) end: Ending,
}

/// A function that runs.
#[derive(Debug)]
struct Answer {
    call: FunctionCall,
    at: Instant,
    will_continue: bool,
    scheduling: Option<Scheduling>,
}

/// How far the end of the world has come for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is not in sight.
    Not,
    /// The last question is asked then.
    AskAt(Instant),
    /// It was asked, by this number, and is to be answered by then.
    Asked { number: u32, by: Instant },
    /// It was answered, and the session is being closed.
    Closing,
    /// The session is over.
    Over,
}

impl App {
    pub(crate) fn new(number: u8) -> Self {
        Self {
            number,
            said: 0,
            in_activity: false,
            is_streaming: false,
            answers: Vec::new(),
            running: Vec::new(),
            end: Ending::Not,
        }
    }

    /// When something of its own is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let end = match self.end {
            Ending::AskAt(at) | Ending::Asked { by: at, .. } => Some(at),
            Ending::Not | Ending::Closing | Ending::Over => None,
        };
        if self.end == Ending::Over {
            return None;
        }
        let running = self.running.iter().filter_map(|running| running.at);
        self.answers.iter().map(|answer| answer.at).chain(running).chain(end).min()
    }

    fn next(&self) -> Said {
        Said { session: self.number, number: self.said + 1 }
    }

    /// The number of a result, which counts as said whether it is sent or not.
    pub(crate) fn take_number(&mut self) -> Said {
        self.said += 1;
        Said { session: self.number, number: self.said }
    }
}

impl World<'_> {
    /// One thing that a user does.
    pub(crate) fn user_acts(&mut self, c: usize) {
        if self.clients[c].app.end == Ending::Over {
            return;
        }
        self.wake(c);
        let is_manual = self.clients[c].plan.is_manual;
        match self.entropy.below(16) {
            0..=3 => self.speak_up(c),
            4 | 5 => self.write_turn(c, true),
            6 => self.write_text(c),
            7 => self.write_turn(c, false),
            8 if is_manual => self.mark(c, false),
            9 if is_manual => self.mark(c, true),
            8 | 9 => self.end_stream(c),
            10 => {
                let update = Content::user(stamp::words(self.clients[c].app.next(), 0).as_str());
                let update = ContextUpdate { system_instruction: Some(Box::new(update)), tools: None };
                self.utter(c, ClientMessage::ContextUpdate(Box::new(update)), Kind::Update);
            }
            11 => {
                let number = self.clients[c].app.next();
                let picture = Blob::jpeg(stamp::sound(number, 0));
                self.utter(c, ClientMessage::video(picture), Kind::Picture);
            }
            12 => {
                // How clients stop the model.
                self.utter(c, ClientMessage::turns(Vec::new(), false), Kind::Mark);
            }
            13 if self.entropy.one_in(8) => {
                self.note(format_args!("client {c} hangs up"));
                self.clients[c].app.end = Ending::Closing;
                self.oracle.wants_to_close(c);
                self.part(c);
            }
            14 => {
                // A burst.
                for _ in 0..self.entropy.pick(&[3, 8, 40]) {
                    self.speak_up(c);
                }
            }
            _ => self.write_turn(c, true),
        }
        self.pump_client(c);
    }

    fn speak_up(&mut self, c: usize) {
        let client = &mut self.clients[c];
        if client.plan.is_manual && !client.app.in_activity {
            self.mark(c, false);
        }
        self.say_sound(c, self.clients[c].plan.sound_bytes);
    }

    pub(crate) fn say_sound(&mut self, c: usize, bytes: usize) -> bool {
        let sound = stamp::sound(self.clients[c].app.next(), bytes);
        let is_taken = self.utter(c, ClientMessage::audio(Blob::pcm16k(sound)), Kind::Sound);
        self.clients[c].app.is_streaming |= is_taken;
        is_taken
    }

    fn write_turn(&mut self, c: usize, is_complete: bool) {
        let client = &self.clients[c];
        let words = stamp::words(client.app.next(), client.plan.text_bytes);
        self.utter(c, ClientMessage::turns(vec![Content::user(words)], is_complete), Kind::Turn);
    }

    fn write_text(&mut self, c: usize) {
        let words = stamp::words(self.clients[c].app.next(), 0);
        self.utter(c, ClientMessage::text(words), Kind::Text);
    }

    /// Begins or ends an activity; one that is ended has begun.
    fn mark(&mut self, c: usize, is_end: bool) {
        let in_activity = self.clients[c].app.in_activity;
        if is_end && !in_activity && !self.entropy.one_in(16) {
            return;
        }
        let message = if is_end { ClientMessage::activity_end() } else { ClientMessage::activity_start() };
        if self.utter(c, message, Kind::Mark) {
            self.clients[c].app.in_activity = !is_end;
        }
    }

    pub(crate) fn end_stream(&mut self, c: usize) {
        if self.utter(c, ClientMessage::audio_stream_end(), Kind::Mark) {
            self.clients[c].app.is_streaming = false;
        }
    }

    /// Says something; true if the session took it.
    fn utter(&mut self, c: usize, message: ClientMessage, kind: Kind) -> bool {
        let number = self.clients[c].app.next();
        let words = if self.trace.is_on() { crate::words::of_client(&message) } else { String::new() };
        let result = self.say(c, message);
        self.note(format_args!("client {c} says {words}{}", if result.is_ok() { "" } else { ": refused" }));
        match result {
            Ok(()) => {
                self.clients[c].app.said += 1;
                self.oracle.said(c, number, kind);
                true
            }
            Err(why) => {
                self.oracle.refused(c, why);
                false
            }
        }
    }

    /// A program hears an event.
    pub(crate) fn tell_app(&mut self, c: usize, event: ClientEvent) {
        let now = self.now;
        let app = &mut self.clients[c].app;
        if let ClientEvent::ToolCall(call) = event {
            let delay = self.entropy.millis(&[100, 0, 1_000, 15_000]);
            let will_continue = self.entropy.one_in(8);
            let scheduling = self.entropy.pick(&[None, None, Some(0), Some(1), Some(2)]).map(|kind| match kind {
                0 => Scheduling::WhenIdle,
                1 => Scheduling::Interrupt,
                _ => Scheduling::Silent,
            });
            // A function may fail without a word.
            let is_lost = self.entropy.one_in(10);
            let app = &mut self.clients[c].app;
            if !is_lost {
                app.answers.push(Answer { call, at: now + delay, will_continue, scheduling });
            }
        } else if let ClientEvent::ToolCallCancellation(ids) = &event {
            app.answers.retain(|answer| !ids.contains(&answer.call.id));
        } else if matches!(event, ClientEvent::Closed(_) | ClientEvent::Lost(_)) {
            app.end = Ending::Over;
            app.answers.clear();
            app.running.clear();
        } else if matches!(event, ClientEvent::Resumed { answer_lost: true, .. } | ClientEvent::Dropped(_))
            && matches!(app.end, Ending::Asked { .. })
        {
            app.end = Ending::AskAt(now + Duration::from_secs(1));
        } else if let (Ending::Asked { number, .. }, ClientEvent::TurnComplete { .. }) = (app.end, &event)
            && self.oracle.is_answered(c, number)
        {
            app.end = Ending::Closing;
            self.note(format_args!("client {c} has its answer"));
            self.oracle.wants_to_close(c);
            self.hang_up.push(c);
        }
    }

    /// Does what is due in a program.
    pub(crate) fn tick_app(&mut self, c: usize) {
        let now = self.now;
        let app = &mut self.clients[c].app;
        if let Some(nth) = app.answers.iter().position(|answer| answer.at <= now) {
            let answer = app.answers.remove(nth);
            self.answer_call(c, answer);
        } else if let Some(nth) = app.running.iter().position(|it| it.at.is_some_and(|at| at <= now)) {
            self.function_speaks(c, nth);
        } else {
            match app.end {
                Ending::AskAt(at) if at <= now => self.ask_last(c),
                Ending::Asked { number, by } if by <= now => self.oracle.never_answered(c, number),
                Ending::AskAt(_) | Ending::Asked { .. } | Ending::Not | Ending::Closing | Ending::Over => {}
            }
        }
        self.pump_client(c);
    }

    fn answer_call(&mut self, c: usize, answer: Answer) {
        let Answer { call, will_continue, scheduling, .. } = answer;
        let said = self.clients[c].app.next();
        let mut response = FunctionResponse::new(call.id.clone(), call.name.clone(), stamp::result(said));
        response.scheduling = scheduling;
        response.will_continue = will_continue;
        let message = ClientMessage::ToolResponse(ToolResponse { function_responses: vec![response] });
        match self.say(c, message) {
            Ok(()) => {
                self.note(format_args!("client {c} answers a call with <{}.{}>", said.session, said.number));
                self.clients[c].app.said += 1;
                self.oracle.said(c, said, Kind::Answer);
                self.oracle.answered_call(c, &call, will_continue);
                if will_continue {
                    let at = self.now + Duration::from_millis(500);
                    let app = &mut self.clients[c].app;
                    app.answers.push(Answer { call, at, will_continue: false, scheduling: None });
                }
            }
            Err(Why::Full) => {
                let at = self.now + Duration::from_millis(500);
                let app = &mut self.clients[c].app;
                app.answers.push(Answer { call, at, will_continue, scheduling: None });
            }
            Err(why) => self.oracle.answer_refused(c, &call, why),
        }
    }

    /// All is calm from now on: a user comes to an end of what they were saying, and will ask a last question.
    pub(crate) fn settle_app(&mut self, c: usize) {
        let app = &self.clients[c].app;
        if !matches!(app.end, Ending::Not) {
            return;
        }
        if app.in_activity {
            self.mark(c, true);
        } else if app.is_streaming && !self.clients[c].plan.is_manual {
            self.end_stream(c);
        }
        self.clients[c].app.end = Ending::AskAt(self.now + BEFORE_LAST);
        self.pump_client(c);
    }

    fn ask_last(&mut self, c: usize) {
        let app = &self.clients[c].app;
        if app.in_activity {
            self.mark(c, true);
        }
        let number = self.clients[c].app.next();
        let words = stamp::words(number, 0);
        let message = ClientMessage::turns(vec![Content::user(words)], true);
        let by = self.now + ANSWER_MAX;
        // The answer may come at once.
        if self.utter(c, message, Kind::Turn) {
            self.clients[c].app.end = Ending::Asked { number: number.number, by };
        } else if self.clients[c].app.end != Ending::Over {
            self.clients[c].app.end = Ending::AskAt(self.now + Duration::from_secs(1));
        }
    }
}

/// What a client says that keeps no ledger: answers twice, under another name, or to what was answered long ago.
pub(crate) fn answer_carelessly(message: &mut ToolResponse, rumours: &mut Vec<String>, entropy: &mut Entropy<'_>) {
    let Some(first) = message.function_responses.first().cloned() else { return };
    match entropy.below(8) {
        1 => {
            let again = FunctionResponse { response: None, will_continue: false, ..first.clone() };
            message.function_responses.push(again);
        }
        2 => {
            let nth = usize::from(entropy.byte());
            let rumour = rumours.get(nth % rumours.len().max(1)).cloned();
            let again = rumour.map(|id| FunctionResponse { id, response: None, ..first.clone() });
            message.function_responses.extend(again);
        }
        3 => message.function_responses[0].name = "anything".into(),
        _ => {}
    }
    if rumours.len() < RUMOURS_MAX {
        rumours.push(first.id);
    }
}

const RUMOURS_MAX: usize = 16;
/// Time for what is under way to come to its end, functions that run and answers that are spoken among it.
const BEFORE_LAST: Duration = Duration::from_secs(60);
/// The longest that the last question may wait: a whole budget of dials with the longest waits between them.
const ANSWER_MAX: Duration = Duration::from_secs(20 * 60);
