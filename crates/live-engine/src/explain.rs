//! What a close means: who is wrong, whether to try again, and which rules have such a text.
//!
//! Not here: what a client does about it ([`crate::client_session`]), and what a setup breaks before it is sent ([`crate::lint`]).

use crate::client::{Cause, Phase};
use crate::client_session::retry::{Plan, Step, Wait};
use crate::close::{CloseReason, Refusal};
use crate::server::{Cut, Lifetime};
use crate::violation::Rule;

/// What is known of a close.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// What it means for a client that wants to go on.
    pub cause: Cause,
    /// Who is wrong.
    pub culprit: Culprit,
    /// What happened.
    pub meaning: String,
    /// What to do.
    pub advice: String,
    /// Whether the same, tried again, may succeed, and how.
    pub retry: String,
    /// The rules that the server closes for with this text.
    pub rules: Vec<KnownRule>,
}

/// A reason for a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRule {
    /// Its name, which stays.
    pub id: &'static str,
    /// What it says, with `..` where a message would stand in it.
    pub sentence: String,
    /// What to do instead.
    pub fix: String,
}

/// Who is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// What was sent.
    Request,
    /// Who sent it: the key, the token, the project, the place.
    Credential,
    /// The server.
    Server,
    /// What lies between.
    Network,
    /// Nobody: it was meant to end.
    Nobody,
    /// That cannot be told.
    Unknown,
}

impl Culprit {
    /// Its name, for a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "the request",
            Self::Credential => "the caller: its key, token, project or place",
            Self::Server => "the server",
            Self::Network => "the network, or a program of this end",
            Self::Nobody => "nobody",
            Self::Unknown => "unknown",
        }
    }
}

/// Explains a close by its code and text, which may have been cut, and quoted as SDKs do. `phase` is how far the connection had come.
pub fn explain(code: Option<u16>, reason: &str, phase: Phase) -> Explained {
    let mut reason = whole(&plain(unquoted(reason)));
    let known: Vec<Template> = known_rules().filter(|known| found(&known.text, &reason).is_some()).collect();
    let told = |known: &Template| known.told(&found(&known.text, &reason).unwrap_or_default());
    let rules: Vec<KnownRule> = known.iter().map(told).collect();
    if let [only] = known.as_slice() {
        let text = filled(&only.text, &found(&only.text, &reason).unwrap_or_default());
        if text.len() > reason.len() {
            reason = text;
        }
    }
    // What only an open session can break says how far the connection had come.
    let phase =
        if !rules.is_empty() && rules.iter().all(|rule| is_of_open_session(rule.id)) { Phase::Open } else { phase };
    let cause = Cause::read(code, &reason, phase);
    let seen = SEEN.iter().find(|seen| seen.words.iter().all(|word| holds(&reason, word)));
    let (culprit, meaning, advice) = match (seen, rules.as_slice()) {
        (Some(seen), _) => (seen.culprit, seen.meaning.to_owned(), seen.advice.to_owned()),
        (None, [only]) => (culprit_of(only.id), only.sentence.clone(), only.fix.clone()),
        (None, [first, ..]) => (
            culprit_of(first.id),
            format!("the text stands for {} rules", rules.len()),
            "check the setup with live explain; in an open session look at the last message that was sent".into(),
        ),
        (None, []) => by_code(code, phase),
    };
    Explained { retry: retry(&cause, phase), cause, culprit, meaning, advice, rules }
}

/// A reason of ours to close, as templates: `{0}` and the like stand for what was found.
struct Template {
    text: String,
    id: &'static str,
    sentence: String,
    fix: String,
}

impl Template {
    /// The rule with what the text of a close says of it, and `..` for what it does not.
    fn told(&self, found: &[(usize, &str)]) -> KnownRule {
        KnownRule { id: self.id, sentence: filled(&self.sentence, found), fix: filled(&self.fix, found) }
    }
}

fn known_rules() -> impl Iterator<Item = Template> {
    let rules = Rule::ALL.iter().map(|rule| Template {
        text: plain(rule.text()),
        id: rule.id(),
        sentence: rule.sentence().to_owned(),
        fix: rule.fix().to_owned(),
    });
    let cuts = [Cut::Aborted, Cut::DeadlineExpired];
    let lifetimes = [Lifetime::Connection, Lifetime::Session, Lifetime::Video];
    let over = lifetimes.into_iter().flat_map(move |it| cuts.map(|cut| CloseReason::LifetimeOver(it, cut)));
    let others = Refusal::ALL.into_iter().map(CloseReason::Refused).chain(over);
    let others = others.chain([CloseReason::SetupTimeout, CloseReason::TakenOver]).map(|reason| {
        let id = reason.id().expect("all of these have one");
        let told = reason.explanation().expect("what has an id has an explanation");
        Template { text: plain(reason.told().text.as_str()), id, sentence: told.rule, fix: told.fix }
    });
    rules.chain(others)
}

fn filled(template: &str, found: &[(usize, &str)]) -> String {
    let (first, places) = parts(template);
    let mut out = first.to_owned();
    for (place, words) in places {
        out.push_str(found.iter().find(|(known, _)| *known == place).map_or("..", |(_, value)| value));
        out.push_str(words);
    }
    out
}

/// The words before the first place of a template, and each place with the words behind it.
fn parts(template: &str) -> (&str, Vec<(usize, &str)>) {
    let mut pieces = template.split('{');
    let first = pieces.next().unwrap_or_default();
    let places = pieces.map(|piece| {
        let (place, words) = piece.split_once('}').expect("a place is closed");
        (place.parse().expect("a place is a number"), words)
    });
    (first, places.collect())
}

fn culprit_of(id: &str) -> Culprit {
    match id.split('.').next() {
        Some("auth") if id != "auth.locked-by-token" => Culprit::Credential,
        Some("server") => Culprit::Server,
        _ => Culprit::Request,
    }
}

fn is_of_open_session(id: &str) -> bool {
    matches!(id.split('.').next(), Some("content" | "realtime" | "context" | "lifetime"))
}

/// What stands at the places of the template, if `reason` is what it makes, possibly cut at its end.
fn found<'a>(template: &str, reason: &'a str) -> Option<Vec<(usize, &'a str)>> {
    let (first, places) = parts(template);
    let Some(mut left) = reason.strip_prefix(first) else {
        return (reason.len() >= TELLING_BYTES_MIN && first.starts_with(reason)).then(Vec::new);
    };
    let (mut matched, mut found) = (first.len(), Vec::new());
    let last = places.len();
    for (nth, (place, words)) in places.into_iter().enumerate() {
        // What stands behind the last words of a text is the next sentence, which the service adds at times.
        let at = if nth + 1 == last && words.is_empty() { Some(left.len()) } else { left.find(words) };
        let Some(at) = at else {
            // The end of what is left is cut within these words.
            let cut = (0..=left.len()).find(|at| left.get(*at..).is_some_and(|tail| words.starts_with(tail)))?;
            found.push((place, &left[..cut]));
            return (matched + left.len() - cut >= TELLING_BYTES_MIN).then_some(found);
        };
        found.push((place, &left[..at]));
        left = &left[at + words.len()..];
        matched += words.len();
    }
    (matched >= TELLING_BYTES_MIN).then_some(found)
}

/// The text that `reason` is the beginning of, if that is a single one.
fn whole(reason: &str) -> String {
    let heads = known_rules().map(|known| parts(&known.text).0.to_owned());
    let heads = heads.chain(SEEN.iter().map(|seen| seen.words[0].to_owned()));
    let mut longer: Vec<String> = heads.filter(|head| head.len() > reason.len() && head.starts_with(reason)).collect();
    longer.sort();
    longer.dedup_by(|next, head| next.starts_with(&**head));
    match longer.as_slice() {
        [only] if reason.len() >= TELLING_BYTES_MIN => only.clone(),
        _ => reason.to_owned(),
    }
}

/// The text as the service sent it, of what the Python SDK and the library below it print.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix("google.genai.errors.").unwrap_or(text);
    if let Some((code, reason)) = text.strip_prefix("APIError: ").and_then(|it| it.split_once(" None. ")) {
        return if code.parse::<u16>().is_ok() { reason } else { text };
    }
    match text.strip_prefix("received ").and_then(|it| it.split_once(") ")) {
        Some((_, reason)) => reason.split("; then sent").next().unwrap_or(reason),
        None => text,
    }
}

/// A text without what differs in how people quote it.
fn plain(text: &str) -> String {
    let text = text.trim().replace('`', "").replace('\u{2019}', "'");
    text.trim_end_matches("...").trim_end_matches('…').to_owned()
}

fn holds(reason: &str, word: &str) -> bool {
    reason.to_ascii_lowercase().contains(&word.to_ascii_lowercase())
}

fn retry(cause: &Cause, phase: Phase) -> String {
    let Plan { steps, repeats, wait, because } = Plan::of(cause, phase);
    let how = match steps.first() {
        None => "no",
        Some(Step::Again) if repeats && wait == Wait::Soon => "yes, at once, with the handle if there is one",
        Some(Step::Again) if repeats && wait == Wait::Long => "yes, after a long wait that doubles",
        Some(Step::Again) if repeats => "yes, after a wait that doubles",
        Some(Step::Again) => "once, after a wait",
        Some(Step::Bare) => "once, with the handle and without what was sent",
        Some(Step::Anew) => "once, as a new session without the handle",
    };
    format!("{how}: {because}")
}

/// What a code says by itself.
fn by_code(code: Option<u16>, phase: Phase) -> (Culprit, String, String) {
    let (culprit, meaning, advice) = match (code, phase) {
        (Some(1000), Phase::Dial | Phase::Setup) => (
            Culprit::Request,
            "the service closes normally, and without a word, when it will not have the configuration of a native audio model",
            "check the setup with live explain; ask for AUDIO",
        ),
        (Some(1000 | 1001), _) => (Culprit::Nobody, "one end was done", "resume the session if it is to go on"),
        (Some(1005) | None, _) => (
            Culprit::Nobody,
            "the peer closed without a code, as the JavaScript SDK does when it is told to close",
            "resume the session if it is to go on",
        ),
        (Some(1006), _) => (
            Culprit::Network,
            "no close frame came: the network broke, or a proxy dropped an idle connection",
            "resume by the handle; behind a proxy send pings, and raise its idle time",
        ),
        (Some(1007), _) => (
            Culprit::Request,
            "the setup or a message was refused, with a text that is not known",
            "check the setup with live explain, and send nothing of it again unchanged",
        ),
        (Some(1008), _) => (
            Culprit::Request,
            "what was asked for is not there or not allowed, with a text that is not known",
            "check the model's name, the tools and the credential",
        ),
        (Some(1009), _) => {
            (Culprit::Request, "a message was too large", "send smaller messages; the Python SDK takes 1 MiB a frame")
        }
        (Some(1011..=1013), _) => (
            Culprit::Server,
            "the server failed or has no room",
            "try again after a wait, by the handle if there is one",
        ),
        (Some(1002), _) => (
            Culprit::Network,
            "what came is no WebSocket framing",
            "look at the library of the client, and at proxies in between",
        ),
        (Some(_), _) => (Culprit::Unknown, "the code and the text are not known", "look at what was sent last"),
    };
    (culprit, meaning.to_owned(), advice.to_owned())
}

/// Below this, pieces of a text say nothing.
const TELLING_BYTES_MIN: usize = 8;

/// A text of the service, or of others around it, that no rule of ours has, or that says less than is known of it.
struct Seen {
    /// All of them stand in it.
    words: &'static [&'static str],
    culprit: Culprit,
    meaning: &'static str,
    advice: &'static str,
}

const fn seen(words: &'static [&'static str], culprit: Culprit, meaning: &'static str, advice: &'static str) -> Seen {
    Seen { words, culprit, meaning, advice }
}

/// The more telling first.
const SEEN: &[Seen] = &[
    seen(
        &["Client closed session"],
        Culprit::Nobody,
        "the client closed, as Firebase's does",
        "open another session when it is needed",
    ),
    seen(
        &["keepalive ping timeout"],
        Culprit::Network,
        "the client's own library gave up waiting for a pong; a program that does not read for long also ends so",
        "read all the time, and allow pongs a minute",
    ),
    seen(
        &["Unknown name"],
        Culprit::Request,
        "a field that the service does not know, at the place that the text names in snake_case",
        "correct or remove the field; some exist in one version of the API or on one backend only",
    ),
    seen(
        &["application/json isn"],
        Culprit::Request,
        "inline data of a type that the model does not take",
        "send sound, pictures, video or text, with the type that it has",
    ),
    seen(
        &["ORIGINAL ERROR"],
        Culprit::Request,
        "Vertex refused an argument; what stands behind the trace id is cut off",
        "check the setup with live explain --backend vertex; ask the support with the trace id",
    ),
    seen(
        &["Request trace id"],
        Culprit::Request,
        "Vertex refused an argument",
        "check the setup with live explain --backend vertex; ask the support with the trace id",
    ),
    seen(
        &["Precondition check failed"],
        Culprit::Request,
        "the model, the region or the project does not fit the request",
        "try the model's plain name, another region, and a setup without tools",
    ),
    seen(
        &["is not supported in the live api"],
        Culprit::Request,
        "the model exists, and holds no live sessions",
        "name a live model: live explain --models lists them",
    ),
    seen(
        &["Publisher Model"],
        Culprit::Request,
        "Vertex does not have this model, or not in this region",
        "check the name and the location in setup.model",
    ),
    seen(
        &["token-based requests cannot use project-scoped features"],
        Culprit::Credential,
        "an ephemeral token was used for what only a project may",
        "use a key, or leave the tuned model or cached content out",
    ),
    seen(
        &["has not been used in project"],
        Culprit::Credential,
        "the API is not switched on for the project",
        "switch it on in the console, and wait some minutes",
    ),
    seen(
        &["Internal error"],
        Culprit::Server,
        "the service failed; at times it is what it says of a setup that it does not understand, or of a resumption while the older \
         connection is open",
        "close the older connection first, try again after a wait, and check the setup with live explain",
    ),
    seen(
        &["service is currently unavailable"],
        Culprit::Server,
        "the service has no room, or is being restarted",
        "try again after a wait, by the handle if there is one",
    ),
    seen(
        &["Failed to run inference"],
        Culprit::Server,
        "the model failed",
        "try again after a wait; if it fails each time, try another model",
    ),
    seen(
        &["Thread was cancelled"],
        Culprit::Server,
        "the service gave a generation up",
        "resume by the handle, and say it again",
    ),
    seen(
        &["OVERLOADED"],
        Culprit::Server,
        "too many attempts in a short time",
        "wait longer between attempts, and doubly so each time",
    ),
    seen(
        &["quota"],
        Culprit::Credential,
        "the project has used up what it may: sessions at once, tokens or requests a minute",
        "end sessions that nobody uses, wait a minute, or ask for more",
    ),
    seen(
        &["Resource has been exhausted"],
        Culprit::Credential,
        "the project has used up what it may: sessions at once, tokens or requests a minute",
        "end sessions that nobody uses, wait a minute, or ask for more",
    ),
    seen(
        &["credits are depleted"],
        Culprit::Credential,
        "the prepaid credit is used up",
        "buy more, or use another project",
    ),
    seen(
        &["Deadline expired"],
        Culprit::Nobody,
        "the connection reached its end after goAway, or the setup did not come in time",
        "resume by the handle as soon as goAway comes; send setup at once",
    ),
    seen(
        &["Connection aborted because the client failed to close"],
        Culprit::Request,
        "goAway had said when the connection would end, and the client stayed",
        "resume by the handle as soon as goAway comes",
    ),
    seen(
        &["operation was aborted"],
        Culprit::Nobody,
        "the connection reached its end, or its session was resumed by another connection",
        "resume by the handle; hold a session by one connection only",
    ),
    seen(
        &["Operation is not implemented"],
        Culprit::Request,
        "a feature that the model does not have, often a tool",
        "check the setup with live explain; while a function is waited for send no sound to models of 2.5",
    ),
    seen(
        &["CONTENT_TYPE_AUDIO"],
        Culprit::Request,
        "the model does not take sound, or not now: it was also seen while a function was waited for",
        "name a model that hears; answer the function first",
    ),
    seen(
        &["setup must be the first message"],
        Culprit::Request,
        "the first message was not a setup, or a later one was",
        "send setup once, and first; open another connection to change it, or send contextUpdate",
    ),
    seen(
        &["The requested combination of response modalities"],
        Culprit::Request,
        "the model does not answer in that, or not in both at once",
        "ask for one of TEXT and AUDIO; live explain --models says which a model has",
    ),
    seen(
        &["session not found"],
        Culprit::Request,
        "the handle names no session, or one that is too old",
        "start without a handle; resume within the time that handles are valid",
    ),
    seen(
        &["Text output is not supported for native audio output model"],
        Culprit::Request,
        "a model with native audio answers in AUDIO only",
        "ask for AUDIO and read setup.outputAudioTranscription",
    ),
    seen(
        &["Failed to parse WAV audio"],
        Culprit::Request,
        "the sound says that it is WAV, and cannot be read as such",
        "send audio/pcm;rate=16000",
    ),
    seen(
        &["Last chunk before turn_complete"],
        Culprit::Request,
        "the model answers a user, and the last of the turns was not a user's",
        "end the turns with one of role user",
    ),
    seen(
        &["Requested entity was not found"],
        Culprit::Request,
        "what a handle or a name stands for is not there, or belongs to another project",
        "use the credential that the session was opened with, or start without a handle; check the model's name",
    ),
    seen(
        &["API key not valid"],
        Culprit::Credential,
        "the key is unknown, or is no key of this API",
        "present a key that is whole and enabled; of a server of ours, one of --api-key or --access-file",
    ),
    seen(&["API key expired"], Culprit::Credential, "the key is past its end", "present a new one"),
    seen(
        &["location is not supported"],
        Culprit::Credential,
        "the service is not offered where the call came from",
        "call from elsewhere",
    ),
    seen(
        &["Method doesn't allow unregistered callers"],
        Culprit::Credential,
        "no key and no token came along",
        "present a key as ?key=, x-goog-api-key or Authorization: Bearer",
    ),
    seen(
        &["Your project has been denied access"],
        Culprit::Credential,
        "the project may not use the service",
        "present a key of another project",
    ),
    seen(
        &["Token has been used too many times"],
        Culprit::Credential,
        "as many sessions have begun with the ephemeral token as its uses allow; resuming one does not count",
        "ask for a new one, or for one with more uses",
    ),
    seen(
        &["auth token has expired"],
        Culprit::Credential,
        "the ephemeral token is past its expireTime or newSessionExpireTime, or unknown",
        "ask for a new one, or for one that lasts longer",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that the service has been seen to close with.
    const OBSERVED: &[(Option<u16>, &str)] = &[
        (Some(1000), ""),
        (Some(1000), "Client closed session."),
        (Some(1005), ""),
        (Some(1006), ""),
        (None, ""),
        (Some(1007), "Request contains an invalid argument."),
        (Some(1007), "Invalid JSON payload received. Unknown name \"X\" at 'setup…': Cannot find field."),
        (Some(1007), "API key not valid. Please pass a valid API key."),
        (Some(1008), "API key not valid. Please pass a valid API key."),
        (Some(1007), "API key expired. Please renew the API key."),
        (Some(1007), "User location is not supported for the API use."),
        (Some(1007), "setup must be the first message and only the first"),
        (Some(1007), "Explicit activity control is not supported when automatic activity detection is enabled."),
        (Some(1007), "Cannot extract voices from a non-audio request."),
        (Some(1007), "Text output is not supported for native audio output model."),
        (Some(1007), "The requested combination of response modalities (TEXT|AUDIO) is not supported by the model"),
        (Some(1007), "Unsupported language code 'es'"),
        (Some(1007), "No matching speaker voice found for name: alloy"),
        (Some(1007), "The audio content type (CONTENT_TYPE_AUDIO) is not supported for this model configuration"),
        (Some(1007), "Failed to parse WAV audio."),
        (Some(1007), "Precondition check failed."),
        (Some(1007), "gemini-2.5-pro is not supported in the live api."),
        (Some(1007), "Last chunk before turn_complete must have r…"),
        (Some(1007), "Invalid session handle"),
        (Some(1007), "Request trace id: 1f, [ORIGINAL ERROR] generic::invalid_argument: …"),
        (Some(1007), "token-based requests cannot use project-scoped features such as tuned models"),
        (Some(1007), "No turn to complete"),
        (Some(1008), "models/X is not found for API version v1main, or is not supported for bidiGenerateContent."),
        (
            Some(1008),
            "models/a-rather-long-name-of-a-model-that-nobody-has is not found for API version v1beta, or is not supported for bidiGener",
        ),
        (Some(1008), "Publisher Model projects/p/locations/l/publishers/google/models/X not found"),
        (Some(1008), "Operation is not implemented, or supported, or enabled."),
        (Some(1008), "Requested entity was not found."),
        (Some(1008), "BidiGenerateContent session not found"),
        (Some(1008), "The operation was aborted."),
        (
            Some(1008),
            "Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat",
        ),
        (
            Some(1008),
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API",
        ),
        (Some(1008), "Agent Platform API has not been used in project 1 before or it is disabled."),
        (Some(1008), "Your project has been denied access. Please contact support."),
        (Some(1008), "Request trace id 1f: application/json isn't supported"),
        (Some(1011), "Internal error encountered."),
        (Some(1011), "Internal error occurred."),
        (Some(1011), "The service is currently unavailable."),
        (Some(1011), "Failed to run inference for model gemini."),
        (Some(1011), "Thread was cancelled when writing StartStep status to channel…"),
        (
            Some(1011),
            "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to:",
        ),
        (Some(1011), "Resource has been exhausted (e.g. check quota)."),
        (Some(1011), "Your prepayment credits are depleted…"),
        (Some(1011), "Deadline expired before operation could complete."),
        (Some(1011), "Token has been used too many times"),
        (Some(1011), "auth token has expired"),
        (Some(1011), "OVERLOADED_TOO_MANY_RETRIES_PER_REQUEST"),
        (Some(1011), "keepalive ping timeout"),
    ];

    #[test]
    fn every_close_that_was_seen_is_explained() {
        for (code, reason) in OBSERVED {
            for phase in [Phase::Setup, Phase::Open] {
                let told = explain(*code, reason, phase);
                assert!(!told.meaning.contains("not known"), "{code:?} {reason}: {told:?}");
                assert_ne!(told.culprit, Culprit::Unknown, "{code:?} {reason}");
            }
        }
    }

    #[track_caller]
    fn check(reason: &str, ids: &[&str]) {
        let told = explain(Some(1007), reason, Phase::Setup);
        assert_eq!(told.rules.iter().map(|rule| rule.id).collect::<Vec<_>>(), ids, "{reason}");
    }

    #[test]
    fn a_text_leads_to_its_rules_whole_cut_and_quoted() {
        check("No matching speaker voice found for name: alloy", &["setup.voice-unknown"]);
        check("Last chunk before turn_complete must have role user.", &["content.last-turn-not-user"]);
        check("Last chunk before turn_complete must have r…", &["content.last-turn-not-user"]);
        check("Last chunk before...", &["content.last-turn-not-user"]);
        check("Publisher Model projects/x not found.", &["setup.publisher-model-unknown"]);
        check(&format!("models/{} is not found for API version v1be", "m".repeat(86)), &["setup.model-unknown"]);
        check("setup must be the first message and only the first", &["setup.first", "setup.once"]);
        check("Invalid session handle", &["resumption.handle-invalid"]);
        check("Last chunk", &["content.last-turn-not-user"]);
        check("No matching speaker voice", &["setup.voice-unknown"]);
        check("models/X is not found for API version v1main, or is not supp", &["setup.model-unknown"]);
        check("APIError: 1007 None. Invalid session handle", &["resumption.handle-invalid"]);
        check(
            "received 1007 (invalid frame payload data) Invalid session h; then sent 1007",
            &["resumption.handle-invalid"],
        );
        check("Last", &[]);
        check("", &[]);
        check("anything else", &[]);
    }

    #[test]
    fn every_text_of_ours_leads_to_its_own_rule() {
        for known in known_rules() {
            let text = known.text.replace("{0}", "'a'").replace("{1}", "b").replace("{2}", "c").replace("{3}", "d");
            let text = crate::close::CloseText::cut(&text);
            let told = explain(Some(rule_code(known.id)), text.as_str(), Phase::Setup);
            assert!(told.rules.iter().any(|rule| rule.id == known.id), "{text}: {told:?}");
        }
    }

    #[test]
    fn an_explanation_names_what_the_text_names() {
        let meaning = |reason| explain(Some(1007), reason, Phase::Setup).meaning;
        assert_eq!(meaning("No matching speaker voice found for name: alloy"), "the model has no voice \"alloy\"");
        assert_eq!(
            meaning("models/X is not found for API version v9, or is no"),
            "\"models/X\" is no model that this server knows"
        );
        assert_eq!(meaning("Unsupported language code 'es'"), "the model does not speak \"es\"");
    }

    #[test]
    fn a_text_that_was_cut_says_what_the_whole_text_says() {
        for (code, reason) in
            OBSERVED.iter().filter(|(_, reason)| reason.len() > 30 && !reason.starts_with("Request t"))
        {
            let told = explain(*code, reason, Phase::Setup);
            let cut = explain(*code, &reason[..reason.floor_char_boundary(28)], Phase::Setup);
            if told.rules.len() == 1 && cut.rules.len() == 1 {
                assert_eq!((&told.cause, told.culprit), (&cut.cause, cut.culprit), "{reason}");
            }
        }
        for cut in [
            "Request contains an inv",
            "Operation is not impl",
            "Internal er",
            "The operation w",
            "Method doesn't allow unr",
        ] {
            assert!(!explain(Some(1008), cut, Phase::Setup).meaning.contains("not known"), "{cut}");
        }
    }

    #[test]
    fn what_only_an_open_session_can_break_is_not_blamed_on_its_setup() {
        let told = explain(Some(1007), "Explicit activity control is not supported", Phase::Setup);
        assert!(told.retry.starts_with("once, with the handle"), "{}", told.retry);
    }

    fn rule_code(id: &str) -> u16 {
        Rule::ALL.iter().find(|rule| rule.id() == id).map_or(1011, |rule| rule.code())
    }

    #[test]
    fn who_is_wrong_and_whether_to_try_again_follow_from_the_text() {
        let told = explain(Some(1007), "API key not valid. Please pass a valid API key.", Phase::Setup);
        assert_eq!((told.culprit, &*told.retry), (Culprit::Credential, "no: the credential will not get better"));
        let told = explain(Some(1008), "The operation was aborted.", Phase::Open);
        assert_eq!(told.culprit, Culprit::Nobody);
        assert!(told.retry.starts_with("yes, at once"), "{}", told.retry);
        let told = explain(Some(1000), "", Phase::Setup);
        assert_eq!(told.culprit, Culprit::Request, "a normal close of a setup is a refusal");
        let told = explain(Some(1007), "Request contains an invalid argument.", Phase::Open);
        assert!(told.rules.len() > 30 && told.rules.iter().any(|rule| rule.id == "context.tokens"));
    }
}
