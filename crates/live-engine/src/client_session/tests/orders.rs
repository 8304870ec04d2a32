//! Every order in which a server can say things, with the connection breaking, or having to go, wherever it can.
//!
//! The orders and their oracle are those of one connection: [`crate::client::tests::orders`].

use std::time::Duration;

use super::*;
use crate::client::tests::orders::{ANSWERS, Oracle, Player, Step, Told, explore, frames, sounds};

/// A session over successive links, and what has to be heard of it.
struct Watched {
    session: ClientSession,
    now: Instant,
    oracle: Oracle,
    player: Player,
    /// The link that talks.
    link: LinkId,
    /// A link that was asked for and is not open.
    dialled: Option<LinkId>,
    /// Our host answered a call when this was the latest generation: another is owed.
    owed_after: Option<u64>,
    /// The steps, for the message of a failure.
    steps: Vec<Step>,
}

impl Watched {
    /// Open for a minute, so that what was before is forgotten, and behind these steps.
    #[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
    fn behind(steps: &[Step], overlap: Overlap) -> Self {
        let config = with_policy(ClientSessionConfig::new(Setup::new("models/m")), |policy| policy.overlap = overlap);
        let now = Instant::now();
        let session = ClientSession::new(config, now);
        let (oracle, player) = (Oracle::default(), Player::default());
        let mut watched =
            Self { session, now, oracle, player, link: LinkId(1), dialled: None, owed_after: None, steps: Vec::new() };
        watched.drain(&[], 0);
        watched.open();
        watched.now += Duration::from_secs(60);
        for step in steps {
            watched.take(step);
        }
        watched
    }

    /// Opens the link that was asked for.
    fn open(&mut self) {
        let link = self.dialled.take().unwrap_or_else(|| panic!("nothing was dialled: {:#?}", self.steps));
        self.session.handle_dialed(link, self.now);
        self.session.handle_message(link, server("ready"), self.now);
        let expected = if self.link == link { Vec::new() } else { self.oracle.expect_break() };
        (self.link, self.owed_after) = (link, None);
        self.drain(&expected, 0);
    }

    fn take(&mut self, step: &Step) {
        self.steps.push(step.clone());
        let latest = self.oracle.latest;
        let expected = self.oracle.expect(step);
        if let Some(message) = step.message() {
            self.session.handle_message(self.link, message, self.now);
        } else {
            let command = step.command().expect("a step is one or the other");
            let is_taken = self.session.handle_command(command, self.now).is_ok();
            assert_eq!(is_taken, expected.is_some(), "{:#?}", self.steps);
            if is_taken {
                self.owed_after = Some(latest);
            }
        }
        self.owed_after = self.owed_after.filter(|after| *after >= self.oracle.latest);
        // A session that leaves at once says first how the turn ends, if one is open.
        self.drain(&expected.unwrap_or_default(), sounds(step));
    }

    /// Takes all outputs, and compares what was told with what has to be.
    fn drain(&mut self, expected: &[Told], sounds: usize) {
        let mut told = Vec::new();
        while let Some(output) = self.session.poll_output() {
            match output {
                SessionOutput::Dial { link, .. } => assert_eq!(self.dialled.replace(link), None),
                SessionOutput::Event(ClientEvent::GoAway { .. } | ClientEvent::Ready { .. }) => {}
                SessionOutput::Event(ClientEvent::Reconnecting { .. } | ClientEvent::Resumed { .. }) => {}
                SessionOutput::Event(event) => told.push(Told::of(event)),
                SessionOutput::Send(..) | SessionOutput::Close(..) => {}
                SessionOutput::RunTool { .. } | SessionOutput::AbortTool(_) => {
                    unreachable!("no function is registered")
                }
            }
        }
        assert_eq!(told, expected, "{:#?}", self.steps);
        self.player.hear(&told, sounds).unwrap_or_else(|rule| panic!("{rule}: {told:?} {:#?}", self.steps));
    }

    fn break_link(&mut self) {
        self.session.handle_disconnect(self.link, Disconnect::Lost("reset".into()), self.now);
        let expected = self.oracle.expect_break();
        self.drain(&expected, 0);
    }

    fn say_go_away(&mut self) {
        self.session.handle_message(self.link, frame("goaway 60"), self.now);
        self.drain(&[], 0);
    }

    /// Whether the session is leaving its link, or has asked for the next.
    fn is_moving(&self) -> bool {
        !self.session.is_open()
    }

    fn is_good_moment(&self) -> bool {
        self.oracle.is_at_rest() && self.owed_after.is_none()
    }
}

#[test]
fn a_link_that_breaks_in_any_order_plays_nothing_twice_and_mutes_nothing() {
    let explored = explore(FRAMES_MAX);
    let mut sessions = 0;
    for at in explored.one_of_each_kind() {
        for step in frames().iter().chain(&ANSWERS) {
            let mut watched = Watched::behind(&explored.path(at), Overlap::CloseFirst);
            watched.break_link();
            watched.open();
            watched.take(step);
            sessions += 1;
        }
    }
    assert_eq!(sessions, 18944, "docs/testing.md says so of all three");
}

#[test]
fn a_session_that_has_to_go_leaves_between_turns_or_in_time() {
    let explored = explore(FRAMES_MAX);
    let mut sessions = 0;
    for at in explored.one_of_each_kind() {
        for step in frames().iter().chain(&ANSWERS) {
            let mut watched = Watched::behind(&explored.path(at), Overlap::CloseFirst);
            watched.say_go_away();
            assert_eq!(watched.is_moving(), watched.is_good_moment(), "{:#?}", watched.steps);
            if watched.is_moving() {
                continue;
            }
            watched.take(step);
            assert_eq!(watched.is_moving(), watched.is_good_moment(), "{:#?}", watched.steps);
            if !watched.is_moving() {
                // Nothing more is heard: it leaves with five of the sixty seconds to spare.
                let by = watched.now + Duration::from_secs(55);
                watched.session.handle_timeout(by - Duration::from_millis(1));
                assert!(!watched.is_moving(), "{:#?}", watched.steps);
                assert_eq!(watched.session.poll_timeout(), Some(by), "{:#?}", watched.steps);
                watched.now = by;
                watched.session.handle_timeout(by);
                assert!(watched.is_moving(), "{:#?}", watched.steps);
                let expected = watched.oracle.expect_break();
                watched.drain(&expected, 0);
            }
            sessions += 1;
        }
    }
    assert_eq!(sessions, 17760, "docs/testing.md says so of all three");
}

#[test]
fn a_link_that_is_heard_while_the_next_is_dialled_plays_nothing_twice_and_mutes_nothing() {
    let explored = explore(FRAMES_MAX);
    let mut sessions = 0;
    for at in explored.one_of_each_kind() {
        for step in frames() {
            let mut watched = Watched::behind(&explored.path(at), Overlap::DialFirst);
            watched.say_go_away();
            if !watched.is_moving() {
                break;
            }
            watched.take(&step);
            watched.open();
            watched.take(&step);
            sessions += 1;
        }
    }
    assert_eq!(sessions, 1176, "docs/testing.md says so of all three");
}

/// Three frames lead to every kind of state there is.
const FRAMES_MAX: usize = 3;
