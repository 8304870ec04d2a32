//! What the embedded model answers: one pure function from a prompt to a [`Plan`]; how it is said lives in `speaker`.
//!
//! The rules and their numbers are those of docs/embedded-model.md.

use live_engine::Prompt;
use live_proto::{FunctionCall, FunctionDeclaration, FunctionResponse, PartData};

use super::code::{self, Program};
use super::count::{Count, counts};
use super::found::wants;
use super::heard::{Entry, Heard, recent};
use super::hint::Hints;
use super::look::{self, Look};
use super::media::listed;
use super::mention::{Mention, Object, mentions, objects, words};
use super::piece::excerpt;
use super::thought::thoughts;
use super::{args, schema, told};

/// Characters of a prompt that a reply quotes.
const QUOTE_CHARS_MAX: usize = 160;
/// Earlier turns that are recalled, the latest of them.
const RECALLED_MAX: usize = 5;
/// Characters of each turn that is recalled.
const RECALLED_CHARS_MAX: usize = 80;
/// Characters of the system instruction that are repeated.
const INSTRUCTION_CHARS_MAX: usize = 400;

/// Questions about the conversation, word by word.
const RECALL: [&str; 11] = [
    "what did i ask",
    "what did i say",
    "what did i tell",
    "what have i asked",
    "what have i said",
    "what have i told",
    "what was my question",
    "what was the question",
    "what were my questions",
    "repeat my question",
    "what i asked",
];
/// Questions about the system instruction.
const INSTRUCTION: [&str; 6] = [
    "what are your instructions",
    "what is your instruction",
    "what is your system instruction",
    "what is your system prompt",
    "repeat your instructions",
    "repeat your system instruction",
];
/// Words that may stand in the middle of a question without changing it.
const FILLERS: [&str; 6] = ["just", "last", "previous", "first", "before", "previously"];

/// An answer, decided but not said yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is thought before, whether the client is shown it or not.
    pub thoughts: Vec<String>,
    /// What is said, in order; empty only if functions are called.
    pub say: Vec<Say>,
    /// The functions that are called, after all is said.
    pub calls: Vec<FunctionCall>,
}

/// Something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// Words, as fast as they are made.
    Text(String),
    /// Numbers, no faster than they are spoken.
    Count(Count),
    /// A program, what it gave, and words that tell it.
    Run(Program),
    /// What is found, in quotations.
    Look(Look),
}

/// Decides the answer to a prompt. Same prompt, same plan.
pub fn plan(prompt: &Prompt) -> Plan {
    let heard = Heard::read(prompt.unanswered());
    let told = told_once(prompt, &heard);
    let mut say: Vec<Say> = Vec::new();
    if !told.is_empty() {
        say.push(Say::Text(told.join(" ")));
    }
    let (thought, calls) = if let Some(calls) = calls(prompt, &heard) {
        let names: Vec<String> = calls.iter().map(|call| call.name.clone()).collect();
        (format!("The prompt names {}, so I call it.", listed(&names)), calls)
    } else if let Some(program) = program(prompt, &heard) {
        let thought = match program.is_arithmetic {
            true => "I am asked to compute, so I write code for it.",
            false => "I am asked to run code, so I run it.",
        };
        say.push(Say::Run(program));
        (thought.to_owned(), Vec::new())
    } else if let Some(look) = asked_to_look(prompt, heard.recent()) {
        let thought = wants(&look).to_owned();
        say.push(Say::Look(look));
        (thought, Vec::new())
    } else if asks(heard.recent(), &INSTRUCTION) {
        say.push(Say::Text(instruction(prompt)));
        ("I am asked for my instructions, so I repeat them.".to_owned(), Vec::new())
    } else if let Some(recalled) = recalled(prompt, &heard) {
        say.push(Say::Text(recalled));
        ("I am asked what was said before, so I look it up.".to_owned(), Vec::new())
    } else if let counts @ [_, ..] = counts(heard.recent()).as_slice() {
        say.extend(counts.iter().copied().map(Say::Count));
        ("I am asked to count, so I count.".to_owned(), Vec::new())
    } else if let Some(question) = look::question(heard.recent()).filter(|_| has_search(prompt)) {
        let look = Look::Answer { question, otherwise: quoted(&heard) };
        let thought = wants(&look).to_owned();
        say.push(Say::Look(look));
        (thought, Vec::new())
    } else if told.is_empty() || !heard.text.is_empty() || !heard.media.is_empty() {
        say.push(Say::Text(quoted(&heard)));
        ("No rule of mine fits the prompt, so I quote it.".to_owned(), Vec::new())
    } else {
        ("A function has answered, so I say what it said.".to_owned(), Vec::new())
    };
    assert!(!say.is_empty() || !calls.is_empty(), "every turn is answered");
    Plan { thoughts: thoughts(prompt, thought, &heard), say, calls }
}

/// The code that the prompt asks for, where there is something to run it.
fn program(prompt: &Prompt, heard: &Heard<'_>) -> Option<Program> {
    let may_run = prompt.session.tools.iter().any(|tool| tool.code_execution.is_some());
    let text = heard.recent();
    may_run.then(|| code::written(text).or_else(|| code::arithmetic(text)))?
}

/// The answers of functions that nobody has told yet, a sentence each.
fn told_once(prompt: &Prompt, heard: &Heard<'_>) -> Vec<String> {
    // In a conversation that a client brings along, the model's words after an answer have told it.
    let told_until = heard.entries.iter().rposition(|entry| entry.is_model && !entry.text.is_empty());
    let entries = &heard.entries[told_until.map_or(0, |last| last + 1)..];
    let responses: Vec<_> = entries.iter().flat_map(|entry| &entry.responses).collect();
    let is_alone = heard.text.is_empty() && heard.media.is_empty() && responses.iter().all(|one| told::is_silent(one));
    let telling = responses.into_iter().filter(|one| is_alone || !told::is_silent(one));
    telling.map(|one| told::told(function_name(prompt, one).unwrap_or("A function"), one)).collect()
}

/// The function that answered: a client may leave the name out where the id tells it.
fn function_name<'p>(prompt: &'p Prompt, response: &'p FunctionResponse) -> Option<&'p str> {
    if !response.name.is_empty() {
        return Some(&response.name);
    }
    let parts = prompt.history.iter().rev().flat_map(|content| &content.parts);
    parts.into_iter().find_map(|part| match &part.data {
        Some(PartData::FunctionCall(call)) if !call.id.is_empty() && call.id == response.id => Some(call.name.as_str()),
        _ => None,
    })
}

/// The calls of the functions that the prompt names; none names none.
fn calls(prompt: &Prompt, heard: &Heard<'_>) -> Option<Vec<FunctionCall>> {
    let text = heard.recent();
    let declared: Vec<&FunctionDeclaration> = prompt.session.functions().collect();
    let names: Vec<&str> = declared.iter().map(|declaration| declaration.name.as_str()).collect();
    let objects = objects(text);
    let mut mentions = mentions(text, &names, &objects);
    let places = heard.entries.iter().enumerate();
    let responses = places.flat_map(|(place, entry)| entry.responses.iter().map(move |response| (place, *response)));
    let answered: Vec<(usize, Option<&str>)> =
        responses.map(|(place, response)| (place, function_name(prompt, response))).collect();
    // Words that an answer of the function follows have been acted upon.
    mentions.retain(|mention| {
        let said = heard.entry_at(mention.at.start);
        !answered.iter().any(|(place, name)| *place >= said && *name == Some(names[mention.name]))
    });
    if mentions.is_empty() {
        return None;
    }
    let words = without(text, &mentions, &objects);
    let all_hints = Hints::read(&words);
    let calls = mentions.iter().enumerate().map(|(index, mention)| {
        let declaration = declared[mention.name];
        let args = match own_object(&mentions, index, &objects) {
            Some(object) => object.fields.clone(),
            None => {
                let own = own_hints(&words, &mentions, index);
                let mut hints = if own.is_empty() { all_hints.clone() } else { own };
                args::fill(&schema::parameters(declaration), &mut hints)
            }
        };
        let args = Some(schema::fields_to_proto(args));
        FunctionCall { name: declaration.name.clone(), args, ..FunctionCall::default() }
    });
    Some(calls.collect())
}

/// The first JSON object between the name and the next one; for the first name also one that stands before it.
fn own_object<'o>(mentions: &[Mention], index: usize, objects: &'o [Object]) -> Option<&'o Object> {
    let start = mentions[index].at.end;
    let end = mentions.get(index + 1).map_or(usize::MAX, |next| next.at.start);
    let after = objects.iter().find(|object| object.at.start >= start && object.at.start < end);
    let before = || objects.iter().find(|object| index == 0 && object.at.end <= start);
    after.or_else(before)
}

/// The text with spaces in place of names and objects: what is left may hold values.
fn without(text: &str, mentions: &[Mention], objects: &[Object]) -> String {
    let mut words = text.as_bytes().to_vec();
    for at in mentions.iter().map(|mention| &mention.at).chain(objects.iter().map(|object| &object.at)) {
        words[at.clone()].fill(b' ');
    }
    String::from_utf8(words).expect("names and objects are whole characters")
}

/// The values between the name and the next one.
fn own_hints<'t>(words: &'t str, mentions: &[Mention], index: usize) -> Hints<'t> {
    let end = mentions.get(index + 1).map_or(words.len(), |next| next.at.start);
    Hints::read(&words[mentions[index].at.end..end])
}

/// The system instruction, repeated.
fn instruction(prompt: &Prompt) -> String {
    let instruction = prompt.session.system_instruction.as_ref().map(|content| Entry::read(content).text);
    match instruction.as_deref().map(|text| excerpt(text, INSTRUCTION_CHARS_MAX)) {
        Some(text) if !text.is_empty() => format!("My instructions are: \"{text}\""),
        Some(_) | None => "I have no instructions.".to_owned(),
    }
}

/// What the user said before the question that asks for it.
fn recalled(prompt: &Prompt, heard: &Heard<'_>) -> Option<String> {
    let first = heard.entry_at(0);
    let question = first + heard.entries[first..].iter().rposition(|entry| asks(recent(&entry.text), &RECALL))?;
    let before = prompt.history.len() - heard.entries.len() + question;
    let mut turns: Vec<String> = Vec::new();
    for content in prompt.history[..before].iter().rev() {
        let entry = Entry::read(content);
        if turns.len() == RECALLED_MAX {
            break;
        }
        if entry.is_model {
            continue;
        }
        if !entry.text.is_empty() {
            turns.push(format!("\"{}\"", excerpt(&entry.text, RECALLED_CHARS_MAX)));
        } else if !entry.media.is_empty() {
            turns.push(listed(&entry.media.phrases()));
        }
    }
    turns.reverse();
    match turns.as_slice() {
        [] => Some("You have not asked me anything before.".to_owned()),
        turns => Some(format!("You asked: {}.", turns.join(", then "))),
    }
}

/// What a prompt wants to be looked up, by a tool that the session has.
fn asked_to_look(prompt: &Prompt, text: &str) -> Option<Look> {
    if prompt.session.tools.iter().any(|tool| tool.url_context.is_some()) {
        let (urls, about) = look::urls(text);
        if !urls.is_empty() {
            return Some(Look::Read { urls, about });
        }
    }
    look::wished(text).filter(|_| has_search(prompt)).map(Look::Search)
}

fn has_search(prompt: &Prompt) -> bool {
    prompt.session.tools.iter().any(|tool| tool.google_search.is_some())
}

/// The reply to everything else.
fn quoted(heard: &Heard<'_>) -> String {
    let text = excerpt(&heard.text, QUOTE_CHARS_MAX);
    let media = listed(&heard.media.phrases());
    match (text.is_empty(), media.is_empty()) {
        (true, true) => "I am listening.".to_owned(),
        (true, false) => format!("I received {media}."),
        (false, true) => format!("You said: \"{text}\""),
        (false, false) => format!("You said: \"{text}\" I also received {media}."),
    }
}

/// Whether `text` holds one of the questions, fillers and punctuation aside.
fn asks(text: &str, questions: &[&str]) -> bool {
    let words: Vec<String> = words(text)
        .map(|(_, word)| word.to_ascii_lowercase())
        .filter(|word| !FILLERS.contains(&word.as_str()))
        .collect();
    questions.iter().any(|question| {
        let question: Vec<&str> = question.split(' ').collect();
        words.windows(question.len()).any(|window| window == question)
    })
}
