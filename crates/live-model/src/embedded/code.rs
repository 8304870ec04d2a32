//! Code that a prompt asks to run, and what is said of what it gave; the run itself is the executor's ([`crate::tool`]).

use live_proto::{CodeExecutionResult, Outcome};

use super::arithmetic::expressions;
use super::media::listed;
use super::mention::words;
use super::piece::excerpt;

/// Expressions that are computed at once.
const EXPRESSIONS_MAX: usize = 8;
/// Characters of what a program put out that are said.
const TOLD_CHARS_MAX: usize = 400;

/// Python that a prompt asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What is run.
    pub code: String,
    /// Whether it was made for arithmetic, so that what it puts out is the answer itself.
    pub(super) is_arithmetic: bool,
}

/// The program that the prompt holds and wants to be run.
pub(super) fn written(text: &str) -> Option<Program> {
    let code = match marked(text) {
        // The fence may stand behind the mark.
        Some(rest) => fenced(rest).unwrap_or_else(|| rest.trim_start_matches([' ', '\t'])),
        None if words(text).any(|(_, word)| is_any(word, &["run", "execute"])) => fenced(text)?,
        None => return None,
    };
    let code = code.trim_matches(['\n', '\r']).trim_end();
    (!code.trim().is_empty()).then(|| Program { code: code.to_owned(), is_arithmetic: false })
}

/// The program that computes what the prompt asks for.
pub(super) fn arithmetic(text: &str) -> Option<Program> {
    let lines: Vec<String> =
        expressions(text, EXPRESSIONS_MAX).iter().map(|expression| format!("print({expression})")).collect();
    (!lines.is_empty()).then(|| Program { code: lines.join("\n"), is_arithmetic: true })
}

/// What stands behind the first `run:`.
fn marked(text: &str) -> Option<&str> {
    let mut runs = words(text).filter(|(_, word)| is_any(word, &["run", "execute"]));
    runs.find_map(|(at, word)| text[at + word.len()..].trim_start().strip_prefix(':'))
}

/// What stands in the first fence, if it is for Python.
fn fenced(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```")?;
    let (language, code) = rest.split_once('\n')?;
    let is_python = is_any(language.trim(), &["", "python", "py", "python3"]);
    is_python.then(|| code.split_once("```").map_or(code, |(code, _)| code))
}

fn is_any(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// What is said of a result.
pub(super) fn told(program: &Program, result: &CodeExecutionResult) -> String {
    let output = result.output.trim();
    let lines: Vec<String> = output.lines().map(str::to_owned).collect();
    let sentence = match &result.outcome {
        Outcome::Ok if output.is_empty() => "The code has run, and put out nothing".to_owned(),
        Outcome::Ok if program.is_arithmetic && lines.len() > 1 => format!("The results are {}", listed(&lines)),
        Outcome::Ok if program.is_arithmetic => format!("The result is {output}"),
        Outcome::Ok => format!("The code says: {output}"),
        Outcome::DeadlineExceeded => "The code took too long, and was stopped".to_owned(),
        // The last line of a traceback says what it is about.
        Outcome::Failed | Outcome::Unspecified | Outcome::Unrecognized(_) => match lines.last() {
            Some(last) => format!("The code failed: {last}"),
            None => "The code failed".to_owned(),
        },
    };
    let sentence = excerpt(&sentence, TOLD_CHARS_MAX);
    if sentence.ends_with(['.', '!', '?', '…']) { sentence } else { format!("{sentence}.") }
}
