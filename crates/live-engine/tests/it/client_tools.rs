//! Arbitrary servers, networks and functions against a session that runs its tools by itself, watched by an oracle that keeps its
//! own books: each call runs at most once, is answered at most once, and none is open when the session is told idle.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]
#![expect(clippy::disallowed_methods, reason = "a test begins somewhere")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use live_engine::*;
use live_proto::*;
use proptest::prelude::*;

const RUNNING_MAX: usize = 3;
const CALLS_MAX: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    /// The transport that is asked for opens; the server accepts the setup if `true`.
    Dialed(bool),
    Lost,
    /// A connection that we closed is gone.
    Gone,
    GoAway(u64),
    Handle,
    Retract,
    /// Calls by these ids, in one message; some are repeated.
    Call(Vec<u8>),
    /// One call, as a part of the answer.
    CallAsPart(u8),
    Cancel(Vec<u8>),
    Words,
    TurnComplete,
    /// What the oldest, or another, of the runs says.
    Tell(usize, Word),
    /// A run says something though it is over.
    Late(u64),
    HostAnswers(u8),
    HostSpeaks,
    Functions(bool),
    Close,
    Wait(u64),
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Piece,
    Answer,
    End,
    Fail,
    Flood,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || 0u8..24;
    let word = prop_oneof![
        2 => Just(Word::Piece),
        4 => Just(Word::Answer),
        1 => Just(Word::End),
        1 => Just(Word::Fail),
        1 => Just(Word::Flood),
    ];
    let step = prop_oneof![
        12 => prop::bool::weighted(0.9).prop_map(Step::Dialed),
        4 => Just(Step::Lost),
        4 => Just(Step::Gone),
        2 => (0u64..90).prop_map(Step::GoAway),
        5 => Just(Step::Handle),
        2 => Just(Step::Retract),
        14 => prop::collection::vec(id(), 1..4).prop_map(Step::Call),
        3 => id().prop_map(Step::CallAsPart),
        3 => prop::collection::vec(id(), 1..3).prop_map(Step::Cancel),
        3 => Just(Step::Words),
        6 => Just(Step::TurnComplete),
        24 => (0usize..4, word).prop_map(|(nth, word)| Step::Tell(nth, word)),
        1 => (0u64..10).prop_map(Step::Late),
        1 => id().prop_map(Step::HostAnswers),
        2 => Just(Step::HostSpeaks),
        1 => any::<bool>().prop_map(Step::Functions),
        1 => prop::bool::weighted(0.3).prop_map(|closes| if closes { Step::Close } else { Step::HostSpeaks }),
        6 => (0u64..40).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..150)
}

/// Four kinds of functions, and one that is the host's.
fn name(id: u8) -> &'static str {
    ["blocking", "quick", "going_on", "generator", "hosts"][usize::from(id % 5)]
}

fn functions(with_quick: bool) -> Vec<Function> {
    let function = |id: u8| {
        let mut function =
            Function::new(FunctionDeclaration { name: name(id).into(), ..FunctionDeclaration::default() });
        function.is_generator = name(id) == "generator";
        if name(id) == "going_on" {
            function.declaration.behavior = Behavior::NonBlocking;
            function.scheduling = Some(Scheduling::Silent);
        }
        function.time_limit = (name(id) != "blocking").then_some(Duration::from_secs(30));
        function
    };
    [0, 1, 2, 3].into_iter().filter(|id| with_quick || name(*id) != "quick").map(function).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Running(u64),
    /// It has its answer, which may not be sent yet.
    Finished,
    Answered,
    Aborted,
}

struct World {
    session: ClientSession,
    now: Instant,
    dialling: Option<LinkId>,
    links: BTreeSet<u64>,
    open: Option<u64>,
    handles: u64,
    /// By id; in the order of the first call of each.
    calls: Vec<String>,
    /// The connection over which each was made last.
    links_of: BTreeMap<String, u64>,
    fates: BTreeMap<String, Fate>,
    /// Ids that the host was told of.
    hosts: BTreeSet<String>,
    cancelled: BTreeSet<String>,
    told_in_words: BTreeSet<String>,
    told: BTreeSet<String>,
    /// Their results name them.
    named: BTreeSet<String>,
    runs: BTreeMap<u64, String>,
    executed: u64,
    is_over: bool,
}

impl World {
    fn new(policy: ReconnectPolicy) -> Self {
        let now = Instant::now();
        let mut setup = Setup::new("models/m");
        setup.session_resumption = Some(SessionResumptionConfig::default());
        let limits = Limits {
            running_tools_max: RUNNING_MAX,
            tool_calls_max: CALLS_MAX,
            tool_response_bytes_max: 200,
            ..Limits::default()
        };
        let config = ClientSessionConfig {
            functions: functions(true),
            limits,
            reconnect: Some(policy),
            ..ClientSessionConfig::new(setup)
        };
        let mut world = Self {
            session: ClientSession::new(config, now),
            now,
            dialling: None,
            links: BTreeSet::new(),
            open: None,
            handles: 0,
            calls: Vec::new(),
            links_of: BTreeMap::new(),
            fates: BTreeMap::new(),
            hosts: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            told_in_words: BTreeSet::new(),
            told: BTreeSet::new(),
            named: BTreeSet::new(),
            runs: BTreeMap::new(),
            executed: 0,
            is_over: false,
        };
        world.look();
        world.take(Step::Dialed(true));
        world
    }

    fn server(&mut self, message: impl Into<ServerMessage>) {
        if let Some(open) = self.open {
            self.session.handle_message(LinkId(open), message.into(), self.now);
        }
    }

    fn running(&self) -> Vec<u64> {
        self.fates.values().filter_map(|fate| if let Fate::Running(run) = fate { Some(*run) } else { None }).collect()
    }

    fn take(&mut self, step: Step) {
        let now = self.now;
        let call = |id: &u8| FunctionCall { id: format!("id{id}"), name: name(*id).into(), ..FunctionCall::default() };
        match step {
            Step::Dialed(accepts) => {
                let Some(link) = self.dialling.take() else { return };
                self.session.handle_dialed(link, now);
                self.look();
                if accepts {
                    self.links.insert(link.0);
                    self.open = Some(link.0);
                    self.session.handle_message(link, ServerPayload::from(SetupComplete::default()).into(), now);
                } else {
                    self.session.handle_disconnect(link, Disconnect::Eof, now);
                }
            }
            Step::Lost => {
                let Some(link) = self.open.take() else { return };
                self.links.remove(&link);
                self.session.handle_disconnect(LinkId(link), Disconnect::Lost("reset".into()), now);
            }
            Step::Gone => {
                let gone: Vec<u64> = self.links.iter().copied().filter(|link| Some(*link) != self.open).collect();
                for link in gone {
                    self.links.remove(&link);
                    self.session.handle_disconnect(LinkId(link), Disconnect::Eof, now);
                }
            }
            Step::GoAway(seconds) => {
                let time_left = Some(Duration::from_secs(seconds).into());
                self.server(ServerPayload::from(GoAway { time_left }));
            }
            Step::Handle => {
                self.handles += 1;
                let new_handle = format!("h{}", self.handles);
                let update = SessionResumptionUpdate { new_handle, resumable: true, ..Default::default() };
                self.server(ServerPayload::from(update));
            }
            Step::Retract => self.server(ServerPayload::from(SessionResumptionUpdate::default())),
            Step::Call(ids) => {
                self.note_calls(&ids);
                self.server(ServerMessage::tool_call(ids.iter().map(call).collect()));
            }
            Step::CallAsPart(id) => {
                self.note_calls(&[id]);
                let content = Content::unsigned(Part::function_call(call(&id)));
                self.server(ServerContent { model_turn: Some(content), ..ServerContent::default() });
            }
            Step::Cancel(ids) => {
                let ids: Vec<String> = ids.iter().map(|id| format!("id{id}")).collect();
                if self.open.is_some() {
                    self.cancelled.extend(ids.iter().filter(|id| self.fates.contains_key(*id)).cloned());
                }
                self.server(ServerMessage::tool_call_cancellation(ids));
            }
            Step::Words => {
                let content = Content::unsigned(Part::text("x"));
                self.server(ServerContent { model_turn: Some(content), ..ServerContent::default() });
            }
            Step::TurnComplete => self.server(ServerContent { turn_complete: true, ..ServerContent::default() }),
            Step::Tell(nth, word) => {
                let running = self.running();
                let Some(run) = running.get(nth).or(running.first()) else { return };
                let is_piece = matches!(word, Word::Piece);
                if is_piece && !self.session.takes_piece(RunId(*run)) {
                    return;
                }
                let result = |text: String| [("output", text)].into_iter().collect::<Struct>();
                let answer = result(format!("<{}>", self.runs[run]));
                let output = match word {
                    Word::Piece => ToolOutput::Piece(result("piece".into())),
                    Word::Answer => ToolOutput::Answer(answer),
                    Word::End => ToolOutput::End,
                    Word::Fail => ToolOutput::Failed(format!("<{}>", self.runs[run])),
                    Word::Flood => ToolOutput::Answer(result("x".repeat(500))),
                };
                if matches!(word, Word::Answer | Word::Fail) {
                    self.named.insert(self.runs[run].clone());
                }
                self.session.handle_tool_output(RunId(*run), output, now);
            }
            Step::Late(run) => {
                if !self.running().contains(&run) {
                    self.session.handle_tool_output(RunId(run), ToolOutput::Answer(Struct::new()), now);
                    assert_eq!(self.session.poll_output(), None, "a run that is over has nothing to say");
                }
            }
            Step::HostAnswers(id) => {
                let response = FunctionResponse::new(format!("id{id}"), name(id), Struct::new());
                let command = ClientCommand::Send(ClientMessage::tool_response(vec![response]));
                let accepted = self.session.handle_command(command, now).is_ok();
                assert!(!accepted || self.hosts.contains(&format!("id{id}")), "the host answers what it was told");
            }
            Step::HostSpeaks => {
                let _ = self.session.handle_command(ClientCommand::Send(ClientMessage::text_turn("hi")), now);
            }
            Step::Functions(with_quick) => {
                let _ = self.session.set_functions(functions(with_quick), now);
            }
            Step::Close => {
                let _ = self.session.handle_command(ClientCommand::Close, now);
            }
            Step::Wait(seconds) => {
                let until = now + Duration::from_secs(seconds);
                while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until) {
                    self.now = at.max(self.now);
                    self.session.handle_timeout(self.now);
                    self.look();
                }
                self.now = until;
            }
        }
        self.look();
    }

    fn note_calls(&mut self, ids: &[u8]) {
        let Some(open) = self.open else { return };
        for id in ids {
            let id = format!("id{id}");
            self.links_of.insert(id.clone(), open);
            if !self.calls.contains(&id) {
                self.calls.push(id);
            }
        }
    }

    fn look(&mut self) {
        while let Some(output) = self.session.poll_output() {
            assert!(!self.is_over || matches!(output, SessionOutput::Close(..)), "nothing follows the end: {output:?}");
            match output {
                SessionOutput::Dial { link, .. } => self.dialling = Some(link),
                SessionOutput::Close(link, _) => {
                    self.open = self.open.filter(|open| *open != link.0);
                    self.dialling = self.dialling.filter(|dialling| *dialling != link);
                }
                SessionOutput::Send(link, ClientMessage::ToolResponse(response)) => {
                    assert!(self.links.contains(&link.0), "an answer goes to a connection that is there");
                    self.answers(&response.function_responses);
                }
                SessionOutput::Send(_, ClientMessage::ClientContent(content)) => {
                    let text: String = content.turns.iter().map(Content::text).collect();
                    let told: Vec<String> =
                        self.calls.iter().filter(|id| text.contains(&format!("<{id}>"))).cloned().collect();
                    for id in told {
                        // What was said in words is said again like any words.
                        if self.told_in_words.insert(id.clone()) {
                            self.is_answered(&id);
                        }
                    }
                }
                SessionOutput::Send(..) => {}
                SessionOutput::RunTool { run, call } => {
                    self.executed += 1;
                    assert!(self.calls.contains(&call.id), "somebody called it");
                    let former = self.fates.insert(call.id.clone(), Fate::Running(run.0));
                    assert_eq!(former, None, "{} runs once", call.id);
                    assert_eq!(self.runs.insert(run.0, call.id), None);
                    assert!(self.running().len() <= RUNNING_MAX);
                }
                SessionOutput::AbortTool(run) => {
                    let id = self.runs[&run.0].clone();
                    assert!(matches!(self.fates[&id], Fate::Running(_)), "{id} is aborted amid its run");
                    self.fates.insert(id, Fate::Aborted);
                }
                SessionOutput::Event(event) => self.hears(event),
            }
        }
    }

    fn answers(&mut self, responses: &[FunctionResponse]) {
        let position = |id: &String| self.calls.iter().position(|known| known == id).expect("somebody called");
        let in_order: Vec<usize> =
            responses.iter().map(|it| &it.id).filter(|id| is_ordered(id)).map(position).collect();
        assert!(in_order.is_sorted(), "{responses:?} after {:?}", self.calls);
        for response in responses {
            let id = &response.id;
            if self.hosts.contains(id) {
                continue;
            }
            if response.will_continue {
                assert!(matches!(self.fates[id], Fate::Running(_) | Fate::Finished | Fate::Aborted), "{id}");
                continue;
            }
            if is_ordered(id) {
                // Those before it have their answers, or will never have any. What another connection called is told in words.
                let link = self.links_of[id];
                let before = self.calls.iter().take_while(|known| *known != id);
                let before = before.filter(|known| is_ordered(known) && self.links_of[*known] == link);
                for earlier in before.filter(|earlier| self.is_open(earlier)) {
                    assert!(responses.iter().any(|response| response.id == *earlier), "{id} overtakes {earlier}");
                }
            }
            self.is_answered(id);
        }
    }

    /// A result that does not name its call cannot be told apart when words are all that the server gets of it.
    fn is_open(&self, id: &str) -> bool {
        match self.fates.get(id) {
            Some(Fate::Running(_)) => true,
            Some(Fate::Finished) => self.named.contains(id),
            Some(Fate::Answered | Fate::Aborted) | None => false,
        }
    }

    fn is_answered(&mut self, id: &str) {
        assert!(!self.cancelled.contains(id), "{id} was withdrawn");
        let former = self.fates.insert(id.to_owned(), Fate::Answered);
        assert!(
            !matches!(former, Some(Fate::Answered | Fate::Running(_))),
            "{id} is answered once, when it has run: {former:?}"
        );
    }

    fn hears(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::ToolCall(call) => assert!(self.hosts.insert(call.id), "the host is told once"),
            ClientEvent::ToolRun { id, step, .. } => match step {
                ToolStep::Called { .. } => assert!(self.told.insert(id.clone()), "{id} comes once"),
                ToolStep::Finished => {
                    let former = self.fates.insert(id.clone(), Fate::Finished);
                    assert!(matches!(former, Some(Fate::Running(_))), "{id}: {former:?}");
                }
                // It may have been refused, or stopped.
                ToolStep::Failed(_) => {
                    let former = self.fates.insert(id.clone(), Fate::Finished);
                    assert!(matches!(former, None | Some(Fate::Running(_) | Fate::Aborted)), "{id}: {former:?}");
                }
                ToolStep::Aborted => {
                    let former = self.fates.insert(id.clone(), Fate::Aborted);
                    assert!(!matches!(former, Some(Fate::Answered | Fate::Running(_))), "{id}: {former:?}");
                }
            },
            ClientEvent::Idle => {
                let open: Vec<&String> = self.fates.keys().filter(|id| self.is_open(id)).collect();
                assert!(open.is_empty(), "idle while {open:?} are open");
            }
            ClientEvent::Closed(_) | ClientEvent::Lost(_) => {
                self.is_over = true;
                assert_eq!(self.running(), [0; 0], "everything is aborted by then");
            }
            _ => {}
        }
    }
}

/// Whether its answer waits for those before it.
fn is_ordered(id: &str) -> bool {
    let number: u8 = id.trim_start_matches("id").parse().expect("ids are numbered");
    matches!(name(number), "blocking" | "quick")
}

fn policies() -> impl Strategy<Value = ReconnectPolicy> {
    let overlap = prop_oneof![Just(Overlap::CloseFirst), Just(Overlap::DialFirst)];
    let fresh = prop_oneof![Just(Fresh::Empty), Just(Fresh::Reseed)];
    let retracted = prop_oneof![Just(Retracted::Forget), Just(Retracted::FallBack)];
    let late_answers = prop_oneof![Just(LateAnswers::AsText), Just(LateAnswers::AsCall)];
    (overlap, fresh, retracted, late_answers).prop_map(|(overlap, fresh, retracted, late_answers)| ReconnectPolicy {
        overlap,
        fresh,
        retracted,
        late_answers,
        dials_max: 50,
        ..ReconnectPolicy::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(500), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_call_runs_once_and_is_answered_once(policy in policies(), steps in steps()) {
        let mut world = World::new(policy);
        for step in steps {
            world.take(step);
        }
        // A server that stays hears of every call in the end.
        for _ in 0..40 {
            world.take(Step::Gone);
            world.take(Step::Wait(21));
            world.take(Step::Dialed(true));
            while let Some(run) = world.running().first().copied() {
                let answer = [("output", format!("<{}>", world.runs[&run]))].into_iter().collect();
                world.session.handle_tool_output(RunId(run), ToolOutput::Answer(answer), world.now);
                world.look();
            }
        }
        let open: Vec<&String> = world.fates.keys().filter(|id| world.is_open(id)).collect();
        assert!(world.is_over || open.iter().all(|id| world.fates[*id] == Fate::Finished), "{open:?}");
        assert_eq!(world.executed, world.runs.len() as u64);
    }
}
