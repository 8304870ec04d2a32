//! A codec to ask questions: one message a line in, what this crate makes of it out. `cargo xtask interop` compares the
//! answers with those of protobuf's own implementation; nothing is compared here.
//!
//! In: `client|server|token json|pb <base64>`. Out: `ok <base64 of our JSON> <base64 of our protobuf>` or `reject <why>`.

use std::io::{self, BufRead, Write};

use base64_simd::STANDARD;
use bytes::BytesMut;
use live_proto::json::{self, DecodeOptions};
use live_proto::{AuthToken, ClientMessage, ServerMessage, pb};
use prost::Message;

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", answer(&line?))?;
        // The other side waits for each answer before its pipe is full.
        out.flush()?;
    }
    Ok(())
}

fn answer(question: &str) -> String {
    let mut words = question.split(' ');
    let (Some(root), Some(form), Some(message)) = (words.next(), words.next(), words.next()) else {
        return "reject a question has three words".to_owned();
    };
    let result = STANDARD.decode_to_vec(message).map_err(|error| error.to_string()).and_then(|message| match root {
        "client" => translate::<ClientMessage, pb::BidiGenerateContentClientMessage>(form, &message),
        "server" => translate::<ServerMessage, pb::BidiGenerateContentServerMessage>(form, &message),
        "token" => translate::<AuthToken, pb::AuthToken>(form, &message),
        _ => Err(format!("no message is called {root}")),
    });
    match result {
        Ok((json, pb)) => format!("ok {} {}", STANDARD.encode_to_string(json), STANDARD.encode_to_string(pb)),
        Err(why) => format!("reject {}", why.replace('\n', " ")),
    }
}

/// Reads one form strictly, and writes both.
fn translate<M, P>(form: &str, message: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String>
where
    M: json::Message + From<P> + Clone,
    P: Message + Default + From<M>,
{
    let message: M = match form {
        "json" => json::decode(message, &DecodeOptions::strict()).map_err(|error| error.to_string())?.message,
        "pb" => P::decode(message).map_err(|error| error.to_string())?.into(),
        _ => return Err(format!("no form is called {form}")),
    };
    let mut json = BytesMut::new();
    json::encode(&message, &mut json);
    Ok((json.to_vec(), P::from(message).encode_to_vec()))
}
