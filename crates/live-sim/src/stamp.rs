//! Numbers on everything that is said, so that what arrives can be counted one by one.
//!
//! A user's words, sound, pictures and results bear the session and a number that rises with each; a model's words and
//! sound bear the generation and the place of the piece in it. Nothing here knows what should arrive: that is the oracle's.

use bytes::Bytes;
use live_proto::{Content, FunctionCall, FunctionResponse, Part, PartData, Schema, SchemaType, Struct, Value};

/// The number of one thing that a user said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    pub(crate) session: u8,
    pub(crate) number: u32,
}

/// The number of one piece of what a model said: generations are counted through the whole world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Piece {
    pub(crate) generation: u32,
    pub(crate) at: u32,
}

/// `<session.number>`, and dots up to `bytes`.
pub(crate) fn words(said: Said, bytes: usize) -> String {
    let mut text = format!("<{}.{}>", said.session, said.number);
    if text.len() < bytes {
        text.extend(std::iter::repeat_n('.', bytes - text.len()));
    }
    text
}

/// `[generation.piece]`
pub(crate) fn answer(piece: Piece) -> String {
    format!("[{}.{}]", piece.generation, piece.at)
}

/// A record of sound or of a picture, `bytes` long and at least [`RECORD_BYTES`].
pub(crate) fn sound(said: Said, bytes: usize) -> Bytes {
    record(b's', said.session, said.number, 0, bytes)
}

/// A record of a model's sound.
pub(crate) fn speech(piece: Piece, bytes: usize) -> Bytes {
    record(b'm', 0, piece.generation, piece.at, bytes)
}

/// The result of a call, as a function gives it.
pub(crate) fn result(said: Said) -> Struct {
    [("r", Value::from(words(said, 0).as_str()))].into_iter().collect()
}

/// A result of more than so many bytes.
pub(crate) fn long_result(said: Said, bytes: usize) -> Struct {
    [("r", Value::from(words(said, bytes + 1).as_str()))].into_iter().collect()
}

/// The number of a result, or of an error of a function.
pub(crate) fn of_response(response: &FunctionResponse) -> Option<Said> {
    let object = response.response.as_ref()?;
    let text = object.get("r").or_else(|| object.get("error"))?.as_str()?;
    said_in(text).last()
}

/// The arguments of a call.
pub(crate) fn arguments(piece: Piece) -> Struct {
    [("n", Value::from(answer(piece).as_str()))].into_iter().collect()
}

/// What arguments look like.
pub(crate) fn parameters() -> Schema {
    let text = Schema { r#type: SchemaType::String, ..Schema::default() };
    Schema {
        r#type: SchemaType::Object,
        properties: [("n".to_owned(), text)].into(),
        required: vec!["n".into()],
        ..Schema::default()
    }
}

/// The piece that a call bears.
pub(crate) fn of_call(call: &FunctionCall) -> Option<Piece> {
    let text = call.args.as_ref()?.get("n")?.as_str()?;
    answers_in(text).next()
}

/// Calls `found` with each number on a user's things in a content.
pub(crate) fn each_said(content: &Content, mut found: impl FnMut(Said)) {
    for part in &content.parts {
        each_said_in_part(part, &mut found);
    }
}

fn each_said_in_part(part: &Part, found: &mut impl FnMut(Said)) {
    match &part.data {
        Some(PartData::Text(text)) => said_in(text).for_each(found),
        Some(PartData::InlineData(blob)) => each_in_sound(&blob.data, found),
        Some(PartData::FunctionResponse(response)) => {
            of_response(response).into_iter().for_each(found);
        }
        Some(
            PartData::FunctionCall(_)
            | PartData::FileData(_)
            | PartData::ExecutableCode(_)
            | PartData::CodeExecutionResult(_),
        )
        | None => {}
    }
}

/// Calls `found` with the number of each record in a stretch of a user's sound.
pub(crate) fn each_in_sound(mut data: &[u8], found: &mut impl FnMut(Said)) {
    while let Some(Record { kind: b's', session, number, bytes, .. }) = Record::read(data) {
        found(Said { session, number });
        data = data.get(bytes..).unwrap_or_default();
    }
}

/// How many records a stretch of a user's sound holds.
pub(crate) fn records_in(data: &[u8]) -> u64 {
    let mut count = 0;
    each_in_sound(data, &mut |_| count += 1);
    count
}

/// The piece that begins with these samples; `None` if they go on with one.
pub(crate) fn of_speech(data: &[u8]) -> Option<Piece> {
    match Record::read(data) {
        Some(Record { kind: b'm', number, at, .. }) => Some(Piece { generation: number, at }),
        Some(_) | None => None,
    }
}

/// The numbers in a user's words.
pub(crate) fn said_in(text: &str) -> impl Iterator<Item = Said> {
    pairs(text, '<', '>').map(|(session, number)| Said { session: u8::try_from(session).unwrap_or(u8::MAX), number })
}

/// The numbers in a model's words.
pub(crate) fn answers_in(text: &str) -> impl Iterator<Item = Piece> {
    pairs(text, '[', ']').map(|(generation, at)| Piece { generation, at })
}

fn pairs(text: &str, open: char, close: char) -> impl Iterator<Item = (u32, u32)> {
    text.split(open).skip(1).filter_map(move |rest| {
        let (inside, _) = rest.split_once(close)?;
        let (left, right) = inside.split_once('.')?;
        Some((left.parse().ok()?, right.parse().ok()?))
    })
}

/// Bytes of the head of a record, which is also the shortest one.
pub(crate) const RECORD_BYTES: usize = 12;

struct Record {
    kind: u8,
    session: u8,
    number: u32,
    at: u32,
    bytes: usize,
}

impl Record {
    fn read(data: &[u8]) -> Option<Self> {
        let head = data.first_chunk::<RECORD_BYTES>()?;
        let [kind, session, a, b, c, d, e, f, g, h, i, j] = *head;
        (kind == b's' || kind == b'm').then(|| Self {
            kind,
            session,
            number: u32::from_le_bytes([a, b, c, d]),
            at: u32::from(u16::from_le_bytes([e, f])),
            bytes: u32::from_le_bytes([g, h, i, j]) as usize,
        })
    }
}

fn record(kind: u8, session: u8, number: u32, at: u32, bytes: usize) -> Bytes {
    let bytes = bytes.max(RECORD_BYTES);
    let mut data = vec![0; bytes];
    data[0] = kind;
    data[1] = session;
    data[2..6].copy_from_slice(&number.to_le_bytes());
    data[6..8].copy_from_slice(&(at as u16).to_le_bytes());
    data[8..12].copy_from_slice(&(bytes as u32).to_le_bytes());
    data.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stamped_is_read_back() {
        let said = |number| Said { session: 2, number };
        let mut found = Vec::new();
        let sound = [sound(said(7), 40), sound(said(900_000), 0)].concat();
        let blob = live_proto::Blob::pcm16k(sound);
        let parts = vec![Part::text(words(said(1), 30) + &words(said(2), 0)), Part::inline(blob)];
        each_said(&Content::user(parts), |said| found.push(said.number));
        assert_eq!(found, [1, 2, 7, 900_000]);
        let piece = Piece { generation: 3, at: 4 };
        assert_eq!(answers_in(&answer(piece)).collect::<Vec<_>>(), [piece]);
        assert_eq!(of_speech(&speech(piece, 960)), Some(piece));
        assert_eq!(of_speech(&[0; 20]), None);
        let call = FunctionCall { args: Some(arguments(piece)), ..FunctionCall::default() };
        assert_eq!(of_call(&call), Some(piece));
    }
}
