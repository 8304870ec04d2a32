//! Arbitrary networks and servers against one session over many connections, watched by an oracle that keeps its own books.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]
#![expect(clippy::disallowed_methods, reason = "a test begins somewhere")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use live_engine::client_session::SPACING;
use live_engine::*;
use live_proto::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Open the transport that is asked for; the server accepts the setup if `true`.
    Dialed(bool),
    Refused(Cause),
    /// The connection that is open, or about to be, ends so.
    Ends(Option<(u16, &'static str)>),
    /// A connection that we closed is gone.
    Gone,
    GoAway(Option<u64>),
    /// A handle for everything but the last so many messages.
    Handle(u64),
    Retract,
    /// `resumable` without a handle.
    EmptyUpdate,
    Malformed,
    Server(Box<ServerMessage>),
    Word,
    Sound(usize),
    Answer(u8),
    Wait(u64),
}

fn steps(ends: BoxedStrategy<Step>) -> impl Strategy<Value = Vec<Step>> {
    let call = |id: u8| FunctionCall { id: id.to_string(), name: "f".into(), ..FunctionCall::default() };
    let content = |change: fn(&mut ServerContent)| {
        let mut content = ServerContent::default();
        change(&mut content);
        Step::Server(Box::new(content.into()))
    };
    let step = prop_oneof![
        20 => prop::bool::weighted(0.9).prop_map(Step::Dialed),
        2 => prop_oneof![Just(Cause::Lost), Just(Cause::Unavailable), Just(Cause::Quota)].prop_map(Step::Refused),
        6 => ends,
        6 => Just(Step::Gone),
        4 => prop::option::of(prop_oneof![Just(0u64), Just(1_500), 0u64..300_000]).prop_map(Step::GoAway),
        8 => (0u64..4).prop_map(Step::Handle),
        1 => Just(Step::Retract),
        1 => Just(Step::EmptyUpdate),
        1 => Just(Step::Malformed),
        4 => Just(content(|content| content.model_turn = Some(Content::unsigned(Part::text("x"))))),
        3 => Just(content(|content| content.turn_complete = true)),
        1 => Just(content(|content| content.interrupted = true)),
        2 => (0u8..4).prop_map(move |id| Step::Server(Box::new(ServerMessage::tool_call(vec![call(id)])))),
        8 => Just(Step::Word),
        12 => (1usize..700).prop_map(Step::Sound),
        2 => (0u8..4).prop_map(Step::Answer),
        8 => (0u64..30_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..120)
}

/// Ends that leave hope, and never for the message's sake.
fn cuts() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => Just(Step::Ends(None)),
        1 => Just(Step::Ends(Some((1001, "")))),
        1 => Just(Step::Ends(Some((1008, "The operation was aborted.")))),
    ]
    .boxed()
}

fn any_end() -> BoxedStrategy<Step> {
    let texts = prop_oneof![
        Just((1000, "")),
        Just((1007, "Request contains an invalid argument.")),
        Just((1008, "BidiGenerateContent session not found")),
        Just((1008, "Operation is not implemented, or supported, or enabled.")),
        Just((1011, "Internal error encountered.")),
        Just((1011, "You exceeded your current quota, please check your plan and billing details.")),
    ];
    prop_oneof![3 => cuts(), 3 => texts.prop_map(|told| Step::Ends(Some(told)))].boxed()
}

fn policies() -> impl Strategy<Value = ReconnectPolicy> {
    let overlap = prop_oneof![Just(Overlap::CloseFirst), Just(Overlap::DialFirst)];
    let fresh = prop_oneof![Just(Fresh::End), Just(Fresh::Empty), Just(Fresh::Reseed)];
    let replay = prop_oneof![Just(Replay::Nothing), Just(Replay::Words), Just(Replay::Everything)];
    let late_answers = prop_oneof![Just(LateAnswers::AsText), Just(LateAnswers::AsCall)];
    let held = prop_oneof![Just(1usize << 20), Just(3_000)];
    let fresh = (fresh, prop_oneof![Just(Retracted::Forget), Just(Retracted::FallBack)]);
    (overlap, fresh, replay, late_answers, held, 0u32..10).prop_map(
        |(overlap, (fresh, retracted), replay, late_answers, held_media_bytes_max, dials_max)| ReconnectPolicy {
            overlap,
            retracted,
            fresh,
            replay,
            late_answers,
            held_media_bytes_max,
            dials_max,
            ..ReconnectPolicy::default()
        },
    )
}

/// What a server has of a session: the numbers of the messages it consumed, in order.
type Snapshot = Vec<u64>;

#[derive(Default)]
struct Link {
    handle: Option<String>,
    is_setup: bool,
    is_ready: bool,
    /// We closed it, or it ended.
    is_over: bool,
    /// What it began with.
    base: Snapshot,
    received: Snapshot,
    /// How many of its messages the latest handle stands for.
    consumed: usize,
    /// `None` for what is no message of the host.
    messages: Vec<Option<u64>>,
}

struct World {
    session: ClientSession,
    policy: ReconnectPolicy,
    now: Instant,
    links: BTreeMap<u64, Link>,
    /// The dial that is to be answered.
    dialling: Option<u64>,
    dialled_at: Option<Instant>,
    dials: u32,
    ready_at: Option<Instant>,
    open: Option<u64>,
    snapshots: BTreeMap<String, Snapshot>,
    handle: Option<String>,
    /// Messages that the session took, by number; their numbers are in their text or bytes.
    accepted: u64,
    sent: BTreeSet<u64>,
    dropped: u64,
    unsent: u64,
    calls: BTreeSet<String>,
    renewed: bool,
    is_over: bool,
}

impl World {
    fn new(policy: ReconnectPolicy, transparent: bool, seed: u64) -> Self {
        let now = Instant::now();
        let mut setup = Setup::new("models/m");
        setup.session_resumption = Some(SessionResumptionConfig { transparent, handle: None });
        let reconnect = Some(policy.clone());
        let config = ClientSessionConfig { reconnect, seed, ..ClientSessionConfig::new(setup) };
        let mut world = Self {
            session: ClientSession::new(config, now),
            policy,
            now,
            links: BTreeMap::new(),
            dialling: None,
            dialled_at: None,
            dials: 0,
            ready_at: None,
            open: None,
            snapshots: BTreeMap::new(),
            handle: None,
            accepted: 0,
            sent: BTreeSet::new(),
            dropped: 0,
            unsent: 0,
            calls: BTreeSet::new(),
            renewed: false,
            is_over: false,
        };
        world.look();
        // The first connection is tried once; what follows is about those after it.
        world.take(Step::Dialed(true));
        world
    }

    fn take(&mut self, step: Step) {
        let now = self.now;
        // The server is whoever was dialled last, except that the open connection goes on beside it.
        let link = self.open.or(self.dialling);
        match step {
            Step::Dialed(accepts) => {
                let Some(link) = self.dialling else { return };
                self.session.handle_dialed(LinkId(link), now);
                self.look();
                if accepts && !self.links[&link].is_over {
                    self.dialling = None;
                    self.session.handle_message(
                        LinkId(link),
                        ServerPayload::from(SetupComplete::default()).into(),
                        now,
                    );
                }
            }
            Step::Refused(cause) => {
                let Some(link) = self.dialling.filter(|link| !self.links[link].is_setup) else { return };
                self.dialling = None;
                self.session.handle_dial_failed(LinkId(link), cause, "refused".into(), now);
            }
            Step::Ends(how) => {
                let Some(link) = link.filter(|link| self.links[link].is_setup) else { return };
                if self.dialling == Some(link) {
                    self.dialling = None;
                }
                self.links.get_mut(&link).expect("links are dialled").is_over = true;
                let why = how.map_or(Disconnect::Eof, |(code, reason)| Disconnect::Closed {
                    code: Some(code),
                    reason: reason.into(),
                });
                self.session.handle_disconnect(LinkId(link), why, now);
            }
            Step::Gone => {
                for link in self.links.iter().filter(|(_, link)| link.is_over).map(|(link, _)| *link) {
                    self.session.handle_disconnect(LinkId(link), Disconnect::Eof, now);
                }
            }
            Step::GoAway(time_left) => {
                let time_left = time_left.map(|millis| Duration::from_millis(millis).into());
                self.say(ServerPayload::from(GoAway { time_left }).into());
            }
            Step::Handle(behind) => {
                let Some(open) = self.open else { return };
                let link = self.links.get_mut(&open).expect("links are dialled");
                // No server unlearns what it consumed.
                link.consumed = link.consumed.max(link.messages.len().saturating_sub(behind as usize));
                let consumed = link.consumed;
                let mut snapshot = link.base.clone();
                snapshot.extend(link.messages[..consumed].iter().flatten());
                let handle = format!("h{}", self.snapshots.len());
                self.snapshots.insert(handle.clone(), snapshot);
                self.handle = Some(handle.clone());
                self.update(&handle, true, consumed as i64);
            }
            Step::Retract => {
                if self.open.is_some() && self.policy.retracted == Retracted::Forget {
                    self.handle = None;
                }
                self.update("", false, 0);
            }
            Step::EmptyUpdate => self.update("", true, 7),
            Step::Malformed => {
                if let Some(open) = self.open {
                    let kind = DecodeErrorKind::Syntax { offset: 0, expected: "an object" };
                    self.session.handle_malformed(LinkId(open), DecodeError { path: JsonPath::default(), kind }, now);
                }
            }
            Step::Server(message) => self.say(*message),
            Step::Word => self.host(ClientMessage::text_turn(self.accepted.to_string())),
            Step::Sound(bytes) => {
                // The number is in the length of the name, which nobody looks at.
                let blob = Blob { display_name: self.accepted.to_string(), ..Blob::pcm16k(vec![0; bytes]) };
                self.host(ClientMessage::audio(blob));
            }
            Step::Answer(id) => {
                let response = FunctionResponse::new(id.to_string(), "f", Struct::default());
                let _ =
                    self.session.handle_command(ClientCommand::Send(ClientMessage::tool_response(vec![response])), now);
            }
            Step::Wait(millis) => {
                let until = now + Duration::from_millis(millis);
                while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until) {
                    assert!(at >= self.now);
                    self.now = at;
                    self.session.handle_timeout(at);
                    self.look();
                    assert!(self.session.poll_timeout().is_none_or(|next| next > at), "what was due is done");
                }
                self.now = until;
            }
        }
        self.look();
    }

    fn say(&mut self, message: ServerMessage) {
        if let Some(open) = self.open {
            self.session.handle_message(LinkId(open), message, self.now);
        }
    }

    fn update(&mut self, new_handle: &str, resumable: bool, last_consumed_client_message_index: i64) {
        let new_handle = new_handle.into();
        self.say(
            ServerPayload::from(SessionResumptionUpdate { new_handle, resumable, last_consumed_client_message_index })
                .into(),
        );
    }

    fn host(&mut self, message: ClientMessage) {
        if self.session.handle_command(ClientCommand::Send(message), self.now).is_ok() {
            self.accepted += 1;
        }
    }

    fn look(&mut self) {
        while let Some(output) = self.session.poll_output() {
            assert!(!self.is_over || matches!(output, SessionOutput::Close(..)), "nothing follows the end: {output:?}");
            match output {
                SessionOutput::Dial { link, attempt, setup } => self.sees_dial(link.0, attempt, &setup),
                SessionOutput::Send(link, message) => self.sees_message(link.0, message),
                SessionOutput::Close(link, _) => {
                    self.links.get_mut(&link.0).expect("links are dialled").is_over = true;
                    self.open = self.open.filter(|open| *open != link.0);
                    self.dialling = self.dialling.filter(|dialling| *dialling != link.0);
                }
                SessionOutput::Event(event) => self.hears(event),
                SessionOutput::RunTool { .. } | SessionOutput::AbortTool(_) => {
                    unreachable!("no function is registered")
                }
            }
        }
        if let Some(open) = self.open
            && self.links[&open].is_over
        {
            (self.open, self.ready_at) = (None, None);
        }
    }

    fn sees_dial(&mut self, link: u64, attempt: u32, setup: &Setup) {
        assert!(self.dialled_at.is_none_or(|at| self.now >= at + SPACING), "dials are apart");
        self.dialled_at = Some(self.now);
        assert_eq!(self.dialling, None, "one dial at a time");
        let beside = self.open.is_some_and(|open| !self.links[&open].is_over);
        assert!(!beside || self.policy.overlap == Overlap::DialFirst, "the old connection is closed first");
        if !beside {
            self.ready_at = None;
        }
        self.dials += 1;
        assert_eq!(attempt, self.dials, "attempts are counted");
        assert!(link == 1 || self.dials <= self.policy.dials_max, "no more dials than there may be");
        let handle = setup.session_resumption.as_ref().expect("every setup asks for it").handle.clone();
        assert!(handle.is_none() || handle == self.handle, "only the last handle is used, and not if it was retracted");
        let base = handle.as_ref().map(|handle| self.snapshots[handle].clone()).unwrap_or_default();
        self.links.insert(link, Link { handle, base, ..Link::default() });
        self.dialling = Some(link);
    }

    fn sees_message(&mut self, link: u64, message: ClientMessage) {
        let state = self.links.get_mut(&link).expect("links are dialled");
        assert!(!state.is_over, "nothing is sent over a connection that is over");
        if let ClientMessage::Setup(setup) = &message {
            assert!(!std::mem::replace(&mut state.is_setup, true), "one setup a connection");
            assert_eq!(setup.session_resumption.as_ref().expect("every setup asks for it").handle, state.handle);
            return;
        }
        assert!(state.is_ready, "nothing is sent before the server is ready");
        let number = match &message {
            ClientMessage::ClientContent(content) => {
                let is_late_answer = content.turns[0].text().starts_with("The function");
                if !content.turn_complete {
                    assert_eq!(state.handle, None, "either the handle or the history");
                    assert_eq!(self.policy.fresh, Fresh::Reseed);
                    self.renewed = true;
                }
                (!is_late_answer && content.turn_complete).then(|| content.turns[0].text())
            }
            ClientMessage::RealtimeInput(input) => input.audio.as_ref().map(|blob| blob.display_name.clone()),
            _ => None,
        };
        let number = number.map(|number| number.parse::<u64>().expect("messages are numbers"));
        state.messages.push(number);
        if let Some(number) = number {
            self.sent.insert(number);
            state.received.push(number);
        }
    }

    fn hears(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Ready { .. } | ClientEvent::Resumed { .. } => {
                let link = self.session.link().expect("a connection is open").0;
                self.links.get_mut(&link).expect("links are dialled").is_ready = true;
                if let ClientEvent::Resumed { restored, .. } = event {
                    assert_eq!(restored, self.links[&link].handle.is_some());
                    self.renewed |= !restored;
                }
                // What the former connection said while this one was dialled is not of this one.
                self.handle.clone_from(&self.links[&link].handle);
                self.open = Some(link);
                self.ready_at = Some(self.now);
            }
            ClientEvent::Reconnecting { attempt, .. } => {
                if self.ready_at.is_some_and(|at| self.now - at >= self.policy.stable_after) {
                    self.dials = 0;
                }
                assert_eq!(attempt, self.dials + 1);
            }
            ClientEvent::ToolCall(call) => assert!(self.calls.insert(call.id), "no call is told twice"),
            ClientEvent::Dropped(dropped) => self.dropped += dropped.messages,
            ClientEvent::Lost(loss) => {
                self.is_over = true;
                let is_ours = |message: &&ClientMessage| !matches!(message, ClientMessage::ToolResponse(_));
                self.unsent = loss.unsent.iter().filter(is_ours).count() as u64;
            }
            ClientEvent::Closed(_) => self.is_over = true,
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    /// The rest of the promises is in the oracle: spacing, budget, handle or history, one setup, calls once.
    #[test]
    fn every_message_is_sent_or_dropped_and_counted_or_given_back(
        policy in policies(), transparent: bool, seed: u64, steps in steps(any_end()),
    ) {
        let mut world = World::new(policy, transparent, seed);
        for step in steps {
            world.take(step);
        }
        if !world.is_over {
            world.session.handle_command(ClientCommand::Close, world.now).unwrap();
            world.look();
        }
        prop_assert!(world.is_over && world.session.is_closed());
        prop_assert_eq!(world.session.poll_timeout(), None);
        let never_sent = world.accepted - world.sent.len() as u64;
        prop_assert!(never_sent <= world.dropped + world.unsent, "{} of {} were dropped or given back", never_sent, world.accepted);
        if never_sent < world.unsent {
            return Err(TestCaseError::fail("what was sent is not given back"));
        }
    }

    #[test]
    fn replay_neither_loses_nor_doubles_in_transparent_mode(
        seed: u64, overlap: bool, falls_back: bool, steps in steps(cuts()),
    ) {
        let overlap = if overlap { Overlap::DialFirst } else { Overlap::CloseFirst };
        let retracted = if falls_back { Retracted::FallBack } else { Retracted::Forget };
        let policy = ReconnectPolicy { overlap, retracted, dials_max: 1_000, ..ReconnectPolicy::default() };
        let mut world = World::new(policy, true, seed);
        for step in steps {
            world.take(step);
            let Some(open) = world.open.filter(|_| !world.renewed) else { continue };
            // While a connection is open, its server has, or is being told, everything that is not held.
            let link = &world.links[&open];
            let all: Vec<u64> = link.base.iter().chain(&link.received).copied().collect();
            if world.session.is_open() {
                prop_assert_eq!(&all, &(0..world.accepted).collect::<Vec<_>>());
            }
            prop_assert_eq!(world.dropped, 0);
        }
    }

    #[test]
    fn a_network_that_never_comes_back_is_given_up_in_time(policy in policies(), seed: u64) {
        let mut world = World::new(policy, false, seed);
        world.take(Step::Wait(20_000));
        world.take(Step::Handle(0));
        world.take(Step::Ends(None));
        for _ in 0..1_000 {
            world.take(Step::Refused(Cause::Lost));
            world.take(Step::Wait(30_000));
        }
        prop_assert!(world.is_over);
        prop_assert_eq!(world.links.len() as u32, 1 + world.policy.dials_max);
    }
}
