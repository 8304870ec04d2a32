//! What must hold for any bytes: one function a fuzz target, called by the target and by the replay of its corpus in
//! live-proto's tests.

use std::fmt::Debug;

use live_proto::json::{self, DecodeOptions, Message};
use live_proto::{ClientMessage, DecodeErrorKind, ServerMessage, pb};
use prost::Message as _;

/// Any bytes as a frame of a client.
pub(crate) fn client_json(frame: &[u8]) {
    json_frame::<ClientMessage>(frame);
}

/// Any bytes as a frame of a server.
pub(crate) fn server_json(frame: &[u8]) {
    json_frame::<ServerMessage>(frame);
}

/// Any bytes as protobuf: what is read converts to the model and back without loss.
pub(crate) fn convert(wire: &[u8]) {
    if let Ok(message) = pb::BidiGenerateContentClientMessage::decode(wire) {
        convert_and_back::<ClientMessage, _>(message);
    }
    if let Ok(message) = pb::BidiGenerateContentServerMessage::decode(wire) {
        convert_and_back::<ServerMessage, _>(message);
    }
}

/// Nothing panics; strict implies lenient; what is read is written and read again as the same; both agree with serde_json on
/// what is JSON.
fn json_frame<M: Message + PartialEq + Debug>(frame: &[u8]) {
    let strict = json::decode::<M>(frame, &DecodeOptions::strict());
    let lenient = json::decode::<M>(frame, &DecodeOptions::lenient());
    let is_json = is_json(frame);
    match &strict {
        Ok(decoded) => {
            assert!(is_json, "a frame that serde_json refuses was read");
            assert_eq!(decoded.unknown, [""; 0], "a strict reader reports nothing");
            let lenient = lenient.as_ref().expect("what is strictly right is leniently right");
            assert!(same(&lenient.message, &decoded.message) && lenient.unknown.is_empty());
        }
        Err(error) => {
            assert!(!error.rule().is_empty() && !error.fix().is_empty() && !error.to_string().is_empty());
            let _ = (error.path.to_string(), error.path.proto_spelling());
            if let DecodeErrorKind::Syntax { offset, expected } = error.kind {
                assert!(offset <= frame.len(), "the fault is inside the frame");
                assert!(!is_json || expected.contains("surrogate"), "serde_json reads what we call a fault: {error}");
            }
        }
    }
    let Ok(decoded) = lenient else { return };
    assert!(is_json, "a frame that serde_json refuses was read leniently");
    let written = json::to_string(&decoded.message);
    assert!(self::is_json(written.as_bytes()), "what is written is JSON: {written}");
    let again = json::decode::<M>(written.as_bytes(), &DecodeOptions::lenient());
    let again = again.unwrap_or_else(|error| panic!("what was written is refused: {error}: {written}"));
    assert!(same(&again.message, &decoded.message), "{written}");
    // Debug walks every field.
    let _ = format!("{:?}", decoded.message);
}

fn convert_and_back<M, P>(message: P)
where
    M: From<P> + Message + PartialEq + Debug + Clone,
    P: prost::Message + Default + From<M> + Clone,
{
    let model = M::from(message);
    let there = P::from(model.clone());
    let back = M::from(P::decode(there.encode_to_vec().as_slice()).expect("what prost wrote, prost reads"));
    assert!(same(&back, &model), "{back:?}\n{model:?}");
    let written = json::to_string(&model);
    assert!(is_json(written.as_bytes()), "{written}");
}

/// Equal, or not equal to themselves either: NaN is legal in a message.
fn same<M: Message + PartialEq>(a: &M, b: &M) -> bool {
    a == b || json::to_string(a) == json::to_string(b)
}

/// serde_json as the judge of grammar alone: it builds nothing, so that numbers and surrogates are not looked into.
fn is_json(frame: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(frame).is_ok()
}
