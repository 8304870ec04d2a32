//! The functions of a host with whatever runs them, as they are registered one by one.
//!
//! What runs them is the host's: a future, or a closure on a thread.

use std::collections::BTreeMap;
use std::time::Duration;

use live_engine::Function;
use live_proto::{Behavior, FunctionDeclaration, Scheduling};

/// Functions and what runs each. Mistakes are kept until the functions are used, so that registering them reads as one sentence.
#[derive(Clone, Debug)]
pub struct Registry<B> {
    functions: Vec<Function>,
    bodies: BTreeMap<String, B>,
    error: Option<ToolError>,
}

impl<B> Default for Registry<B> {
    fn default() -> Self {
        Self { functions: Vec::new(), bodies: BTreeMap::new(), error: None }
    }
}

/// A function that cannot be registered as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// No server would take the name.
    #[error("the name {name:?} of a function {rule}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// Two functions of one name.
    #[error("the function {name} is registered twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// The arguments of a function are named, so that their type is a struct.
    #[error("the arguments of {name} are {found}, and have to be a struct with a field for each")]
    Arguments {
        /// The function.
        name: String,
        /// What they are instead.
        found: String,
    },
    /// A generator answers in pieces while the model goes on.
    #[error("{name} is a generator, which no model can stand still for")]
    GeneratorBlocks {
        /// The function.
        name: String,
    },
    /// Vertex AI has no field for an answer that comes in pieces.
    #[error("{name} is a generator, and Vertex AI has no willContinue; register it as a function")]
    GeneratorOnVertex {
        /// The function.
        name: String,
    },
    /// What was said of a function was said of none.
    #[error("{what} is said before there is a function")]
    NoFunction {
        /// What was said.
        what: &'static str,
    },
}

impl<B> Registry<B> {
    /// Adds a function with what runs it, or notes why it cannot be declared.
    #[must_use]
    pub fn with(mut self, declaration: Result<FunctionDeclaration, ToolError>, is_generator: bool, body: B) -> Self {
        let checked = declaration.and_then(|declaration| {
            let name = &declaration.name;
            match rule_of(name) {
                Some(rule) => Err(ToolError::Name { name: name.clone(), rule }),
                None if self.bodies.contains_key(name) => Err(ToolError::Twice { name: name.clone() }),
                None => Ok(declaration),
            }
        });
        match checked {
            Err(error) => self.note(error),
            Ok(mut declaration) => {
                if is_generator {
                    declaration.behavior = Behavior::NonBlocking;
                }
                self.bodies.insert(declaration.name.clone(), body);
                self.functions.push(Function { is_generator, ..Function::new(declaration) });
            }
        }
        self
    }

    /// Says of the last function that the model goes on meanwhile, and when it is to hear the answer.
    #[must_use]
    pub fn non_blocking(self, scheduling: Scheduling) -> Self {
        self.change("non_blocking", |function| {
            function.declaration.behavior = Behavior::NonBlocking;
            function.scheduling = Some(scheduling);
            None
        })
    }

    /// Says of the last function that the model stands still for it, where its own default is another.
    #[must_use]
    pub fn blocking(self) -> Self {
        self.change("blocking", |function| {
            let name = function.declaration.name.clone();
            if function.is_generator {
                return Some(ToolError::GeneratorBlocks { name });
            }
            function.declaration.behavior = Behavior::Blocking;
            None
        })
    }

    /// Says how long the last function may run; `None` for as long as it takes.
    #[must_use]
    pub fn time_limit(self, limit: Option<Duration>) -> Self {
        self.change("time_limit", |function| {
            function.time_limit = limit;
            None
        })
    }

    /// The functions, and what runs them by name.
    ///
    /// # Errors
    /// The first mistake that was made.
    pub fn finish(self) -> Result<(Vec<Function>, BTreeMap<String, B>), ToolError> {
        self.error.map_or(Ok((self.functions, self.bodies)), Err)
    }

    /// True if there is no function.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.error.is_none()
    }

    fn change(mut self, what: &'static str, change: impl FnOnce(&mut Function) -> Option<ToolError>) -> Self {
        let error = match self.functions.last_mut() {
            Some(function) => change(function),
            None => Some(ToolError::NoFunction { what }),
        };
        error.into_iter().for_each(|error| self.note(error));
        self
    }

    /// The first mistake explains those that follow from it.
    fn note(&mut self, error: ToolError) {
        self.error.get_or_insert(error);
    }
}

/// What is wrong with a name. Google documents these characters, and 128 of them.
fn rule_of(name: &str) -> Option<&'static str> {
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    let may = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    match name.as_bytes() {
        [] => Some("is empty"),
        [first, ..] if !begins(first) => Some("does not begin with a letter or an underscore"),
        bytes if !bytes.iter().copied().all(may) => Some("has other characters than letters, digits, and _ . : -"),
        bytes if bytes.len() > NAME_BYTES_MAX => Some("has more than 128 characters"),
        _ => None,
    }
}

const NAME_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn declaration(name: &str) -> Result<FunctionDeclaration, ToolError> {
        Ok(FunctionDeclaration { name: name.into(), ..FunctionDeclaration::default() })
    }

    #[test]
    fn what_is_said_is_said_of_the_last_function() {
        let registry = Registry::default()
            .with(declaration("f"), false, 1)
            .with(declaration("g"), false, 2)
            .non_blocking(Scheduling::Silent)
            .time_limit(None)
            .with(declaration("h"), true, 3);
        let (functions, bodies) = registry.finish().unwrap();
        let said = functions.iter().map(|function| {
            let Function { declaration, scheduling, is_generator, time_limit } = function;
            (declaration.behavior.clone(), scheduling.clone(), *is_generator, time_limit.is_some())
        });
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                (Behavior::Unspecified, None, false, true),
                (Behavior::NonBlocking, Some(Scheduling::Silent), false, false),
                (Behavior::NonBlocking, None, true, true),
            ]
        );
        assert_eq!(bodies.into_iter().collect::<Vec<_>>(), [("f".into(), 1), ("g".into(), 2), ("h".into(), 3)]);
    }

    #[test]
    fn mistakes_are_told_at_the_end_and_the_first_of_them() {
        let told = |registry: Registry<()>| registry.finish().unwrap_err().to_string();
        let new = Registry::default;
        let named = |name: &str| told(new().with(declaration(name), false, ()));
        assert_eq!(named(""), r#"the name "" of a function is empty"#);
        assert_eq!(named("1st"), r#"the name "1st" of a function does not begin with a letter or an underscore"#);
        assert_eq!(
            named("a b"),
            r#"the name "a b" of a function has other characters than letters, digits, and _ . : -"#
        );
        assert!(named(&"x".repeat(129)).ends_with("has more than 128 characters"));
        assert!(new().with(declaration(&"x".repeat(128)), false, ()).finish().is_ok());
        let twice = new().with(declaration("f"), false, ()).with(declaration("f"), false, ());
        assert_eq!(told(twice.time_limit(None)), "the function f is registered twice");
        assert_eq!(told(new().time_limit(None)), "time_limit is said before there is a function");
        let generator = new().with(declaration("g"), true, ()).blocking();
        assert_eq!(told(generator), "g is a generator, which no model can stand still for");
    }
}
