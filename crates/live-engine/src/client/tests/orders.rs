//! Every order in which a server can say things, and every way to put them into frames: six frames, explored state by state.
//!
//! The oracle knows the rules of docs/engine.md and nothing of the turn table. What becomes of the same orders when the
//! connection breaks or has to go is asked in the room of the sessions.

use std::collections::BTreeSet;

use super::*;

/// What a server can say at once, and what our host answers in between.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Content(Frame),
    /// `toolCall` with calls of these ids.
    Calls(&'static [&'static str]),
    /// `toolCallCancellation` of these ids.
    Cancels(&'static [&'static str]),
    /// Our host answers this call, if it waits.
    Answer(&'static str),
}

/// One `serverContent`.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    parts: &'static [Piece],
    input: bool,
    output: bool,
    interrupted: bool,
    generation_complete: bool,
    turn_complete: bool,
}

/// One part of `modelTurn`.
#[derive(Clone, Copy, Debug)]
enum Piece {
    Sound,
    Call(&'static str),
}

/// Sounds, and calls in the second shape; two different calls, for one may be answered while the other waits.
const PARTS: [&[Piece]; 9] = {
    use Piece::{Call, Sound};
    [
        &[],
        &[Sound],
        &[Call("a")],
        &[Sound, Call("a")],
        &[Call("a"), Sound],
        &[Call("b")],
        &[Sound, Call("b")],
        &[Call("b"), Sound],
        &[Call("a"), Call("b")],
    ]
};

/// Every frame: `serverContent` with every combination of its fields, and the frames that hold calls or take them back.
pub(crate) fn frames() -> Vec<Step> {
    let mut frames = Vec::new();
    for parts in PARTS {
        for flags in 0..1u8 << 5 {
            let has = |bit: u8| flags >> bit & 1 == 1;
            frames.push(Step::Content(Frame {
                parts,
                input: has(0),
                output: has(1),
                interrupted: has(2),
                generation_complete: has(3),
                turn_complete: has(4),
            }));
        }
    }
    for ids in [&["a"][..], &["b"], &["a", "b"]] {
        frames.push(Step::Calls(ids));
        frames.push(Step::Cancels(ids));
    }
    frames
}

pub(crate) const ANSWERS: [Step; 2] = [Step::Answer("a"), Step::Answer("b")];

impl Frame {
    fn message(&self) -> ServerMessage {
        let parts: Vec<Part> = self
            .parts
            .iter()
            .map(|piece| match piece {
                Piece::Sound => Part::inline(Blob::pcm24k(vec![0; 2])),
                Piece::Call(id) => Part::function_call(call(&format!("f#{id}"))),
            })
            .collect();
        let transcription = |is_there: bool| is_there.then(|| Transcription::new("x").into());
        ServerMessage::from(ServerContent {
            model_turn: (!parts.is_empty()).then(|| Content::unsigned(parts)),
            input_transcription: transcription(self.input),
            output_transcription: transcription(self.output),
            interrupted: self.interrupted,
            generation_complete: self.generation_complete,
            turn_complete: self.turn_complete,
            ..ServerContent::default()
        })
    }
}

impl Step {
    /// What the server sends; `None` for our host's.
    pub(crate) fn message(&self) -> Option<ServerMessage> {
        match self {
            Self::Content(frame) => Some(frame.message()),
            Self::Calls(ids) => Some(ServerMessage::tool_call(ids.iter().map(|id| call(&format!("f#{id}"))).collect())),
            Self::Cancels(ids) => {
                Some(ServerMessage::tool_call_cancellation(ids.iter().map(|&id| id.into()).collect()))
            }
            Self::Answer(_) => None,
        }
    }

    /// What our host sends; `None` for the server's.
    pub(crate) fn command(&self) -> Option<ClientCommand> {
        let Self::Answer(id) = self else { return None };
        let response = FunctionResponse::new(*id, "f", Struct::new());
        Some(ClientCommand::Send(ClientMessage::tool_response(vec![response])))
    }
}

/// What our host hears, as far as orders bear on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Input,
    Output(u64),
    Sound(u64),
    Interrupted(u64),
    GenerationComplete(u64),
    TurnComplete(u64),
    ToolCall(String),
    Cancelled,
    Idle,
}

impl Told {
    pub(crate) fn of(event: ClientEvent) -> Self {
        match event {
            ClientEvent::InputTranscription(_) => Self::Input,
            ClientEvent::OutputTranscription { generation, .. } => Self::Output(generation.0),
            ClientEvent::Audio { generation, .. } => Self::Sound(generation.0),
            ClientEvent::Interrupted { generation } => Self::Interrupted(generation.0),
            ClientEvent::GenerationComplete { generation } => Self::GenerationComplete(generation.0),
            ClientEvent::TurnComplete { generation, .. } => Self::TurnComplete(generation.0),
            ClientEvent::ToolCall(call) => Self::ToolCall(call.id),
            ClientEvent::ToolCallCancellation(_) => Self::Cancelled,
            ClientEvent::Idle => Self::Idle,
            other => panic!("no frame leads to {other:?}"),
        }
    }
}

/// What our host has to hear, by rule:
///
/// * Everything a server says is told once, in the frame it came in; but not the parts of a frame with `interrupted`, which are
///   the tail of what was cut, and no call that was told before.
/// * Whatever is said while no turn is open opens one, under the next number. `interrupted` and `turnComplete` end it. A
///   `turnComplete` right behind an interruption belongs to what was cut.
/// * A turn that called functions before it was fully generated goes on under the next number, once nothing waits any more
///   and the model speaks.
/// * The session is idle with a `turnComplete` behind which no call waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Oracle {
    /// The number of the latest generation.
    pub(crate) latest: u64,
    /// The turn that is open.
    open: Option<OpenTurn>,
    /// The latest turn was cut short, and has not been completed since.
    is_cut: bool,
    waiting: BTreeSet<String>,
    known: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct OpenTurn {
    is_generated: bool,
    stands_still: bool,
}

impl Oracle {
    fn turn(&mut self) -> &mut OpenTurn {
        if self.open.is_none() {
            self.latest += 1;
            self.is_cut = false;
        }
        self.open.get_or_insert(OpenTurn { is_generated: false, stands_still: false })
    }

    fn speak(&mut self) -> u64 {
        let nothing_waits = self.waiting.is_empty();
        let turn = self.turn();
        if turn.stands_still && nothing_waits {
            turn.stands_still = false;
            self.latest += 1;
        }
        self.latest
    }

    fn call(&mut self, id: &str, told: &mut Vec<Told>) {
        if self.known.insert(id.into()) {
            let turn = self.turn();
            turn.stands_still |= !turn.is_generated;
            self.waiting.insert(id.into());
            told.push(Told::ToolCall(id.into()));
        }
    }

    /// What is to be told of a step; `None` if our host may not take it.
    pub(crate) fn expect(&mut self, step: &Step) -> Option<Vec<Told>> {
        let mut told = Vec::new();
        match step {
            Step::Answer(id) if !self.waiting.remove(*id) => return None,
            Step::Answer(_) => {}
            Step::Calls(ids) => ids.iter().for_each(|id| self.call(id, &mut told)),
            Step::Cancels(ids) => {
                ids.iter().for_each(|id| {
                    self.waiting.remove(*id);
                });
                told.push(Told::Cancelled);
            }
            Step::Content(frame) => self.expect_content(frame, &mut told),
        }
        Some(told)
    }

    fn expect_content(&mut self, frame: &Frame, told: &mut Vec<Told>) {
        let Frame { parts, input, output, interrupted, generation_complete, turn_complete } = frame;
        if *input {
            told.push(Told::Input);
        }
        if !interrupted {
            for piece in *parts {
                let generation = self.speak();
                match piece {
                    Piece::Sound => told.push(Told::Sound(generation)),
                    Piece::Call(id) => self.call(id, told),
                }
            }
        }
        if *output {
            told.push(Told::Output(self.speak()));
        }
        if *interrupted {
            self.turn();
            told.push(Told::Interrupted(self.latest));
            (self.open, self.is_cut) = (None, true);
        }
        if *generation_complete {
            let turn = self.turn();
            turn.is_generated |= !turn.stands_still;
            told.push(Told::GenerationComplete(self.latest));
        }
        if *turn_complete {
            if !self.is_cut {
                self.turn();
            }
            told.push(Told::TurnComplete(self.latest));
            (self.open, self.is_cut) = (None, false);
            if self.waiting.is_empty() {
                told.push(Told::Idle);
            }
        }
    }

    /// What is to be told when the connection is gone: the end of the turn that was open.
    pub(crate) fn expect_break(&mut self) -> Vec<Told> {
        self.is_cut = false;
        match self.open.take() {
            None => Vec::new(),
            Some(OpenTurn { is_generated: true, .. }) => vec![Told::TurnComplete(self.latest)],
            Some(OpenTurn { is_generated: false, .. }) => vec![Told::Interrupted(self.latest)],
        }
    }

    /// Whether nothing would be lost with the connection.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.open.is_none() && !self.is_cut && self.waiting.is_empty()
    }
}

/// A player that stops at an interruption and plays whatever is of a later generation. It judges by what it hears alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Player {
    /// The latest number it has heard.
    latest: u64,
    /// It plays nothing up to this.
    cut: u64,
}

impl Player {
    /// Hears what came of one frame, which held so many sounds that are to be played.
    pub(crate) fn hear(&mut self, told: &[Told], sounds: usize) -> Result<(), &'static str> {
        let mut played = 0;
        for event in told {
            let (generation, is_said) = match event {
                Told::Sound(generation) => {
                    played += usize::from(*generation > self.cut);
                    (*generation, true)
                }
                Told::Output(generation) | Told::GenerationComplete(generation) => (*generation, true),
                Told::TurnComplete(generation) => (*generation, false),
                Told::Interrupted(generation) => {
                    if *generation <= self.cut {
                        return Err("a generation is cut once");
                    }
                    self.cut = *generation;
                    (*generation, false)
                }
                Told::Input | Told::ToolCall(_) | Told::Cancelled | Told::Idle => continue,
            };
            if is_said && generation <= self.cut {
                return Err("nothing of a generation follows its interruption");
            }
            if generation < self.latest {
                return Err("numbers never go back, so a cut silences everything before it");
            }
            self.latest = generation;
        }
        if played == sounds { Ok(()) } else { Err("no sound is lost that was not cut") }
    }
}

/// Sounds of a step that are to be played.
pub(crate) fn sounds(step: &Step) -> usize {
    let Step::Content(frame) = step else { return 0 };
    let sounds = frame.parts.iter().filter(|piece| matches!(piece, Piece::Sound)).count();
    if frame.interrupted { 0 } else { sounds }
}

/// One state that an order leads to.
pub(crate) struct State {
    session: Session,
    pub(crate) oracle: Oracle,
    pub(crate) player: Player,
    /// The shortest order that leads to it: the state before, and a step.
    from: Option<(usize, Step)>,
}

impl State {
    /// The same for two states that differ only in the number of generations before them.
    fn kind(&self) -> (String, Oracle) {
        let session = format!("{:?}", self.session).replace(&format!("{:?}", self.session.generation()), "latest");
        (session, Oracle { latest: 0, ..self.oracle.clone() })
    }
}

/// All states that six frames lead to.
pub(crate) struct Explored {
    pub(crate) states: Vec<State>,
    /// How many kinds of them there were after each number of frames.
    kinds: Vec<usize>,
    /// Frames and answers that were taken.
    steps: usize,
}

impl Explored {
    /// The shortest order that leads to a state.
    pub(crate) fn path(&self, mut at: usize) -> Vec<Step> {
        let mut path = Vec::new();
        while let Some((before, step)) = &self.states[at].from {
            path.push(step.clone());
            at = *before;
        }
        path.reverse();
        path
    }

    /// One state of each kind, the first that was reached.
    pub(crate) fn one_of_each_kind(&self) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        (0..self.states.len()).filter(|&at| seen.insert(self.states[at].kind())).collect()
    }
}

/// Takes every step in every state that `frames_max` frames lead to. What becomes of a session depends on its state alone, so
/// of all orders that lead to the same state one is gone on with. Answers are no frames: they may come anywhere between.
pub(crate) fn explore(frames_max: usize) -> Explored {
    let mut world = World::new(ClientConfig::new(Setup::new("models/m")));
    world.engine.handle_message(server("ready"), world.now);
    while world.engine.poll_output().is_some() {}
    let blank = format!("{:?}", world.engine);

    let frames = frames();
    let begin = State { session: Session::default(), oracle: Oracle::default(), player: Player::default(), from: None };
    let mut known = BTreeSet::from([(format!("{:?}", begin.session), begin.oracle.clone(), begin.player)]);
    let mut kinds = BTreeSet::from([begin.kind()]);
    let mut explored = Explored { states: vec![begin], kinds: vec![1], steps: 0 };
    let mut layer = vec![0];
    for _ in 0..frames_max {
        let mut next = Vec::new();
        // First what answers lead to without another frame, so that every state is known by the fewest frames it takes.
        for steps in [&ANSWERS[..], &frames] {
            let mut nth = 0;
            while let Some(&at) = layer.get(nth) {
                nth += 1;
                for step in steps {
                    let Some(state) = take(step, at, &mut world, &explored) else { continue };
                    explored.steps += 1;
                    if known.insert((format!("{:?}", state.session), state.oracle.clone(), state.player)) {
                        kinds.insert(state.kind());
                        let reached = if matches!(step, Step::Answer(_)) { &mut layer } else { &mut next };
                        reached.push(explored.states.len());
                        explored.states.push(state);
                    }
                }
            }
        }
        explored.kinds.push(kinds.len());
        layer = next;
    }
    world.engine.take_session();
    assert_eq!(format!("{:?}", world.engine), blank, "nothing but the session changes while it is open");
    explored
}

/// Takes one step, if it can be taken, and compares what comes of it with what has to.
fn take(step: &Step, at: usize, world: &mut World, explored: &Explored) -> Option<State> {
    let State { session, oracle, player, from: _ } = &explored.states[at];
    let (mut oracle, mut player) = (oracle.clone(), *player);
    let expected = oracle.expect(step);
    world.engine.adopt(session.clone());
    let is_taken = match (step.message(), step.command()) {
        (Some(message), _) => {
            world.engine.handle_message(message, world.now);
            true
        }
        (None, command) => world.engine.handle_command(command.expect("a step is one or the other"), world.now).is_ok(),
    };
    let mut told = Vec::new();
    while let Some(output) = world.engine.poll_output() {
        match output {
            Output::Event(event) => told.push(Told::of(event)),
            Output::Send(_) => {}
            Output::Close(close) => panic!("no order closes a session: {close:?}"),
        }
    }
    let order = || format!("{:?} behind {:#?}", step, explored.path(at));
    assert_eq!(expected, is_taken.then(|| told.clone()), "{}", order());
    expected?;
    player.hear(&told, sounds(step)).unwrap_or_else(|rule| panic!("{rule}: {told:?}, {}", order()));
    let session = world.engine.session().clone();
    Some(State { session, oracle, player, from: Some((at, step.clone())) })
}

#[test]
fn no_order_of_six_frames_plays_what_was_cut_or_mutes_what_was_not() {
    const FRAMES_MAX: usize = 6;
    let explored = explore(FRAMES_MAX);
    let count = format!(
        "{} frames, {:.1e} sequences of {FRAMES_MAX} of them, {} states, {} steps; kinds after 0 and more frames: {:?}",
        frames().len(),
        (frames().len() as f64).powi(FRAMES_MAX as i32),
        explored.states.len(),
        explored.steps,
        explored.kinds,
    );
    println!("{count}");
    // As docs/testing.md says.
    expect!["294 frames, 6.5e14 sequences of 6 of them, 3151 states, 681078 steps; kinds after 0 and more frames: [1, 10, 60, 64, 64, 64, 64]"].assert_eq(&count);
    assert_eq!(explored.kinds[FRAMES_MAX - 1], explored.kinds[FRAMES_MAX], "longer sequences lead to nothing new");
}
