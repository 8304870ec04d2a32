//! A command line with places for what differs from call to call; there is no shell.

use std::collections::BTreeMap;
use std::fmt;

/// What stands in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Voice,
    Language,
    Rate,
    Text,
}

/// An argument, cut at its places.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Place(Place),
}

/// The program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    arguments: Vec<Vec<Piece>>,
}

/// What the places of one call hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Values<'a> {
    pub(super) voice: &'a str,
    pub(super) language: &'a str,
    pub(super) rate_hz: u32,
    pub(super) text: &'a str,
}

impl Template {
    pub(super) fn parse(command: &[String], places: &[Place]) -> Result<Self, TemplateError> {
        let Some(program) = command.first().filter(|program| !program.is_empty()) else {
            return Err(TemplateError::Empty);
        };
        if program.contains('{') {
            return Err(TemplateError::ProgramVaries(program.clone()));
        }
        let arguments: Vec<_> = command.iter().map(|argument| parse(argument, places)).collect::<Result<_, _>>()?;
        Ok(Self { arguments })
    }

    /// The name of the program, as it was given.
    pub(super) fn program(&self) -> &str {
        match self.arguments.first().map(Vec::as_slice) {
            Some([Piece::Literal(program)]) => program,
            _ => unreachable!("a program's name has no places"),
        }
    }

    pub(super) fn has(&self, place: Place) -> bool {
        self.arguments.iter().flatten().any(|piece| *piece == Piece::Place(place))
    }

    /// The arguments behind the program's name.
    pub(super) fn arguments(&self, values: &Values<'_>) -> Vec<String> {
        let fill = |pieces: &Vec<Piece>| {
            let mut out = String::new();
            for piece in pieces {
                match piece {
                    Piece::Literal(text) => out.push_str(text),
                    Piece::Place(Place::Voice) => out.push_str(values.voice),
                    Piece::Place(Place::Language) => out.push_str(values.language),
                    Piece::Place(Place::Rate) => out.push_str(&values.rate_hz.to_string()),
                    Piece::Place(Place::Text) => {
                        // What a model says must not be taken for an option; and no argument holds a NUL.
                        if out.is_empty() && values.text.starts_with('-') {
                            out.push(' ');
                        }
                        out.push_str(&values.text.replace('\0', " "));
                    }
                }
            }
            out
        };
        self.arguments.iter().skip(1).map(fill).collect()
    }
}

fn parse(argument: &str, places: &[Place]) -> Result<Vec<Piece>, TemplateError> {
    let names: BTreeMap<&str, Place> = places.iter().map(|place| (place.name(), *place)).collect();
    let mut pieces = Vec::new();
    let mut rest = argument;
    while let Some((literal, after)) = rest.split_once('{') {
        if let Some(brace) = after.strip_prefix('{') {
            pieces.push(Piece::Literal(format!("{literal}{{")));
            rest = brace;
            continue;
        }
        let unknown = || TemplateError::UnknownPlace {
            argument: argument.to_owned(),
            known: names.keys().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", "),
        };
        let (name, after) = after.split_once('}').ok_or_else(unknown)?;
        let place = names.get(name).ok_or_else(unknown)?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        pieces.push(Piece::Place(*place));
        rest = after;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Language => "language",
            Self::Rate => "rate",
            Self::Text => "text",
        }
    }
}

/// Why a command line cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// It names no program.
    Empty,
    /// The program itself differs from call to call.
    ProgramVaries(String),
    /// Braces around what stands for nothing here.
    UnknownPlace {
        /// The argument.
        argument: String,
        /// What may stand in braces.
        known: String,
    },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it begins with the name of a program; write the program first"),
            Self::ProgramVaries(program) => {
                write!(f, "the program is always the same, found {program:?}; put places into its arguments only")
            }
            Self::UnknownPlace { argument, known } => {
                write!(f, "braces hold one of {known}, found {argument:?}; write {{{{ for a brace itself")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Place] = &[Place::Voice, Place::Language, Place::Rate, Place::Text];

    fn filled(argument: &str, text: &str) -> String {
        let template = Template::parse(&["say".to_owned(), argument.to_owned()], ALL).expect("a good template");
        assert_eq!(template.program(), "say");
        let values = Values { voice: "en+f3", language: "en-US", rate_hz: 22_050, text };
        template.arguments(&values).remove(0)
    }

    #[test]
    fn places_are_filled_wherever_they_stand() {
        assert_eq!(filled("--voice={voice}/{language}@{rate}", ""), "--voice=en+f3/en-US@22050");
        assert_eq!(filled("{{rate}", ""), "{rate}");
        assert_eq!(filled("", ""), "");
        assert_eq!(filled("plain }", ""), "plain }");
    }

    #[test]
    fn no_text_becomes_an_option_or_anything_else_than_an_argument() {
        assert_eq!(filled("{text}", "--output=/etc/passwd"), " --output=/etc/passwd");
        assert_eq!(filled("{text}", "$(id); `id` \"'\0{voice}"), "$(id); `id` \"' {voice}");
        assert_eq!(filled("--text={text}", "-5 degrees"), "--text=-5 degrees");
    }

    #[test]
    fn bad_templates_are_told_what_is_expected() {
        for (command, places, says) in [
            (vec![], ALL, "name of a program"),
            (vec![""], ALL, "name of a program"),
            (vec!["{voice}"], ALL, "always the same"),
            (vec!["say", "{speed}"], ALL, "{language}, {rate}, {text}, {voice}"),
            (vec!["say", "{voice"], ALL, "{{ for a brace itself"),
            (vec!["hear", "{text}"], &ALL[1..3], "{language}, {rate}, found"),
        ] {
            let command: Vec<String> = command.into_iter().map(str::to_owned).collect();
            let error = Template::parse(&command, places).expect_err("refused").to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
