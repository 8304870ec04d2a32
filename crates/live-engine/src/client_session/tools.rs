//! Functions that a session runs by itself: what a host registers, what it is asked to run, and what it tells of a run.
//!
//! Which of them run and when an answer goes out is decided in [`super::runs`].

use std::fmt;
use std::time::Duration;

use live_proto::{Behavior, FunctionDeclaration, Scheduling, Struct, Tool};

/// A function that the session runs by itself when the model calls it.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// What the model is told of it. Where the setup's own tools declare the name too, theirs is sent.
    ///
    /// With [`Behavior::NonBlocking`], said here or the default of the model, its answer waits for no other. Otherwise answers go
    /// out in the order of the calls.
    pub declaration: FunctionDeclaration,
    /// When the model is to hear the answer. Only models that go on meanwhile ask.
    pub scheduling: Option<Scheduling>,
    /// It answers in pieces, with `willContinue`, and is declared NON_BLOCKING because no other may.
    pub is_generator: bool,
    /// The longest it may run. `None` leaves the model waiting for as long as it takes.
    pub time_limit: Option<Duration>,
}

impl Function {
    /// A function as the model's default has it, with [`TIME_LIMIT`].
    pub fn new(declaration: FunctionDeclaration) -> Self {
        Self { declaration, scheduling: None, is_generator: false, time_limit: Some(TIME_LIMIT) }
    }
}

/// Number of a run. Rises by one, never reused in a session: calls may come without an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}", self.0)
    }
}

/// What a host tells of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolOutput {
    /// A piece of the answer: more follows. Of a function that is no generator it is the answer.
    Piece(Struct),
    /// The answer.
    Answer(Struct),
    /// A generator has said everything.
    End,
    /// It failed, or panicked, or the arguments are not what it takes. The model is told these words as `error`.
    Failed(String),
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolStep {
    /// The call came. It runs as soon as there is room.
    Called {
        /// The model stands still for it, as far as the declaration says.
        blocking: bool,
    },
    /// It has its answer, which is sent in its turn.
    Finished,
    /// The model is told of a failure, in these words.
    Failed(String),
    /// It ended without an answer: the server withdrew the call, the session began anew, or it is over.
    Aborted,
}

/// The tools of a setup: the host's own, and the functions that they do not declare.
pub(super) fn with_functions(own: &[Tool], functions: &[Function]) -> Vec<Tool> {
    let mut tools = own.to_vec();
    let declarations: Vec<FunctionDeclaration> = functions
        .iter()
        .filter(|function| declared(own, &function.declaration.name).is_none())
        .map(|function| function.declaration.clone())
        .collect();
    if declarations.is_empty() {
        return tools;
    }
    // Models were seen to refuse several tools beside each other, but one tool may be all kinds at once.
    match tools.iter_mut().find(|tool| !tool.function_declarations.is_empty()) {
        Some(tool) => tool.function_declarations.extend(declarations),
        None => tools.push(Tool { function_declarations: declarations, ..Tool::default() }),
    }
    tools
}

pub(super) fn declared<'a>(own: &'a [Tool], name: &str) -> Option<&'a FunctionDeclaration> {
    own.iter().flat_map(|tool| &tool.function_declarations).find(|declaration| declaration.name == name)
}

/// A generator that is not declared so could answer only once.
pub(super) fn normalise(mut functions: Vec<Function>) -> Vec<Function> {
    for function in &mut functions {
        if function.is_generator {
            function.declaration.behavior = Behavior::NonBlocking;
        }
    }
    functions
}

/// The default of [`Function::time_limit`]. 60 s: longer than that, nobody who speaks waits.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);
