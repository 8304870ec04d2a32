//! What a run has been through, in numbers, and how it failed if it did.

use std::fmt;
use std::ops::AddAssign;

/// Declares an enum with a name and a line for each variant.
macro_rules! table {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $what:literal])+ $variant:ident = $shown:literal,)+ }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[doc = $what])+ $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// A short name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $shown,)+
                }
            }

            /// What it is.
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($what),+).trim_ascii(),)+
                }
            }
        }
    };
}

table! {
    /// What goes wrong.
    Fault {
        /// One direction of a connection delivers nothing for a while.
        Stall = "stall",
        /// A connection breaks, for one side at once and for the other later; messages are torn.
        Cut = "cut",
        /// One direction of a connection ends.
        HalfClose = "half-close",
        /// A server is told to send a client away.
        GoAway = "go-away",
        /// One direction of a connection becomes slow.
        Latency = "latency",
        /// A server takes no new connections for a while.
        Refuse = "refuse",
        /// A server does not answer dials for a while.
        Hang = "hang",
        /// A server dies and comes back; its store is kept, what was being saved may be lost.
        Crash = "crash",
        /// A server shuts down in good order and comes back.
        Shutdown = "shutdown",
        /// A server drops a connection.
        Drop = "drop",
        /// The clock jumps ahead.
        Jump = "jump",
        /// A client's program takes no events for a while.
        Busy = "busy",
        /// The store can neither save nor find for a while.
        Store = "store",
        /// Bytes that are no message.
        Garbage = "garbage",
        /// A project's quota is reached.
        Quota = "quota",
    }
}

table! {
    /// What must hold, whatever happens.
    Rule {
        /// A client's first message is setup, once for each connection; a server's first is setupComplete.
        SetupFirst = "setup-first",
        /// A session's first event is Ready, Closed or Lost.
        ReadyFirst = "ready-first",
        /// A server says nothing of a generation that it has interrupted or completed.
        ServerCuts = "server-cuts",
        /// A client's host hears nothing of a generation after it was told that it is interrupted or its turn complete.
        ClientCuts = "client-cuts",
        /// Pieces of an answer are heard in order, without gaps or repetitions.
        PiecesInOrder = "pieces-in-order",
        /// What is heard was said over the connection that is open.
        OwnConnection = "own-connection",
        /// Two calls never have one id.
        CallIds = "call-ids",
        /// A call that is made over the open connection is told to the client's host.
        CallTold = "call-told",
        /// No call is told twice.
        CallOnce = "call-once",
        /// An answer to a call that was told and not withdrawn is taken.
        AnswerTaken = "answer-taken",
        /// An answer that a server took in is in its next prompt.
        AnswerHeard = "answer-heard",
        /// When all calls that a model stands still for are answered or withdrawn, and not before, it is asked again.
        GoesOn = "goes-on",
        /// Every call is pending, answered or cancelled, and never comes back; answers that come late, twice or to nothing are taken for what they are, on the next connection too.
        CallState = "call-state",
        /// A call that reaches the client is one that is declared, with the arguments that it requires.
        CallFits = "call-fits",
        /// A model stands still for its functions no longer than it may, and is asked again then.
        CallDeadline = "call-deadline",
        /// Behind a call that holds the model, 2.x completes the turn and nothing comes between; 3.x does not before it is answered.
        CallOrder = "call-order",
        /// While the model speaks, an answer interrupts it, waits for the end of the turn or is silent, as its scheduling says.
        Scheduling = "scheduling",
        /// A call of a registered function is told once, and runs at most once over all connections.
        RunOnce = "run-once",
        /// A call that a session runs is answered at most once, but for what is said again over another connection.
        RunAnswered = "run-answered",
        /// Answers that a model stands still for go out in the order of their calls, those of one message together.
        RunOrder = "run-order",
        /// An answer goes out as soon as there is a connection and no call before it is in its way.
        RunSent = "run-sent",
        /// A call that the server withdrew is not answered.
        RunWithdrawn = "run-withdrawn",
        /// What a run says that was aborted is not sent.
        RunAborted = "run-aborted",
        /// A session is not idle while a function runs for it, or an answer waits to be sent.
        RunIdle = "run-idle",
        /// A function runs no longer than it may, and none is left behind by its session.
        RunEnds = "run-ends",
        /// A spoken turn is complete when it is played, unless it is cut short or calls.
        PlayedOut = "played-out",
        /// A prompt holds nothing twice and nothing of another session, in the order in which it was said.
        PromptOnce = "prompt-once",
        /// A prompt holds nothing of another project.
        Isolation = "isolation",
        /// A transparent snapshot holds exactly the messages that it says it holds.
        SnapshotExact = "snapshot-exact",
        /// Where nothing may be lost, the last prompt holds all that was said and not counted as dropped.
        NothingLost = "nothing-lost",
        /// A connection that takes a handle is not told the history.
        ResumeXorReseed = "resume-xor-reseed",
        /// A handle is used only as it was last given.
        LatestHandle = "latest-handle",
        /// A handle that is offered is in the store, for its project.
        HandleKept = "handle-kept",
        /// A client that may believe it can resume is told otherwise before the model's first word.
        Retracted = "retracted",
        /// A server ends a lifetime only after goAway, and not before the time that it gave.
        GoAwayFirst = "go-away-first",
        /// No connection lasts longer than it may, or than its client was told.
        Lifetime = "lifetime",
        /// A prompt is below the trigger of compression, unless only its last turn is left, and begins with a user.
        Compressed = "compressed",
        /// The instruction that is in force comes with every prompt.
        Instruction = "instruction",
        /// Usage never falls, and adds up.
        Usage = "usage",
        /// What is held is within its bounds.
        Bounds = "bounds",
        /// Dials are apart in time, few, and one at a time unless the policy says otherwise.
        Dials = "dials",
        /// A timer that was served is not due again at once.
        Timers = "timers",
        /// A session that is over says nothing more, and its last event is the only one of its kind.
        Absorbing = "absorbing",
        /// A model that is asked again was told that its former answer is not heard any more, or had given all of it.
        OneGeneration = "one-generation",
        /// A model's piece that crosses the end of its generation does no harm.
        Crossing = "crossing",
        /// What was dropped is counted and told.
        DroppedTold = "dropped-told",
        /// When all is well the last question is answered and everything comes to its end.
        Ends = "ends",
    }
}

/// How a world failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule that was broken; `None` for a panic.
    pub rule: Option<Rule>,
    /// How.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.rule.map_or("panic", Rule::name);
        write!(f, "{name}: {}", self.what)?;
        if let Some(rule) = self.rule { write!(f, "\n  the rule: {}", rule.what()) } else { Ok(()) }
    }
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Worlds.
    pub worlds: u64,
    /// Things that were done, one after the other.
    pub steps: u64,
    /// Virtual time, in seconds.
    pub seconds: u64,
    /// Messages that servers took in.
    pub messages_up: u64,
    /// Messages that servers sent.
    pub messages_down: u64,
    /// Sessions of clients.
    pub sessions: u64,
    /// Of them, those that were lost for good.
    pub lost: u64,
    /// Connections that servers accepted.
    pub connections: u64,
    /// Connections that went on by a handle.
    pub restored: u64,
    /// Connections that began anew.
    pub renewed: u64,
    /// Messages that were sent again.
    pub replayed: u64,
    /// Messages that were counted as dropped.
    pub dropped: u64,
    /// Turns that servers finished.
    pub turns: u64,
    /// Of them, those that were cut short.
    pub interrupted: u64,
    /// Calls that clients were told.
    pub calls: u64,
    /// Functions that sessions ran.
    pub runs: u64,
    /// Of them, those that were aborted.
    pub aborted: u64,
    /// Times that a context was cut to fit its window.
    pub compressions: u64,
    /// Times that a full engine gave a piece back.
    pub given_back: u64,
    /// By fault.
    pub faults: Vec<u64>,
    /// How often each rule was looked at.
    pub rules: Vec<u64>,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            worlds: 0,
            steps: 0,
            seconds: 0,
            messages_up: 0,
            messages_down: 0,
            sessions: 0,
            lost: 0,
            connections: 0,
            restored: 0,
            renewed: 0,
            replayed: 0,
            dropped: 0,
            turns: 0,
            interrupted: 0,
            calls: 0,
            runs: 0,
            aborted: 0,
            compressions: 0,
            given_back: 0,
            faults: vec![0; Fault::ALL.len()],
            rules: vec![0; Rule::ALL.len()],
        }
    }
}

impl AddAssign<&Self> for Figures {
    fn add_assign(&mut self, other: &Self) {
        let Self {
            worlds,
            steps,
            seconds,
            messages_up,
            messages_down,
            sessions,
            lost,
            connections,
            restored,
            renewed,
            replayed,
            dropped,
            turns,
            interrupted,
            calls,
            runs,
            aborted,
            compressions,
            given_back,
            faults,
            rules,
        } = other;
        for (sum, more) in [
            (&mut self.worlds, worlds),
            (&mut self.steps, steps),
            (&mut self.seconds, seconds),
            (&mut self.messages_up, messages_up),
            (&mut self.messages_down, messages_down),
            (&mut self.sessions, sessions),
            (&mut self.lost, lost),
            (&mut self.connections, connections),
            (&mut self.restored, restored),
            (&mut self.renewed, renewed),
            (&mut self.replayed, replayed),
            (&mut self.dropped, dropped),
            (&mut self.turns, turns),
            (&mut self.interrupted, interrupted),
            (&mut self.calls, calls),
            (&mut self.runs, runs),
            (&mut self.aborted, aborted),
            (&mut self.compressions, compressions),
            (&mut self.given_back, given_back),
        ] {
            *sum += more;
        }
        for (sum, more) in self.faults.iter_mut().zip(faults).chain(self.rules.iter_mut().zip(rules)) {
            *sum += more;
        }
    }
}

impl Figures {
    /// Rules that nothing put to the test.
    pub fn untested(&self) -> impl Iterator<Item = Rule> {
        Rule::ALL.iter().copied().filter(|rule| self.rules[*rule as usize] == 0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            worlds,
            steps,
            seconds,
            messages_up,
            messages_down,
            sessions,
            lost,
            connections,
            restored,
            renewed,
            replayed,
            dropped,
            turns,
            interrupted,
            calls,
            runs,
            aborted,
            compressions,
            given_back,
            faults,
            rules,
        } = self;
        writeln!(f, "{worlds} worlds, {steps} steps, {} hours of virtual time", seconds / 3_600)?;
        writeln!(
            f,
            "{sessions} sessions ({lost} lost), {connections} connections ({restored} by a handle, {renewed} anew)"
        )?;
        writeln!(
            f,
            "{messages_up} messages up, {messages_down} down; {replayed} sent again, {dropped} counted as dropped"
        )?;
        writeln!(
            f,
            "{turns} turns ({interrupted} cut short), {calls} calls told, {runs} run ({aborted} aborted), {compressions} compressions, {given_back} pieces given back"
        )?;
        let list = |counts: &[u64], names: &[&str]| -> String {
            let each: Vec<String> = names.iter().zip(counts).map(|(name, count)| format!("{name} {count}")).collect();
            each.join(", ")
        };
        let fault_names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        let rule_names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        writeln!(f, "faults: {}", list(faults, &fault_names))?;
        write!(f, "rules: {}", list(rules, &rule_names))
    }
}
