//! Our JSON and our protobuf against prost-reflect's, which knows the same descriptors and shares no code with ours.

use live_proto::json::{self, DecodeOptions};
use live_proto::{AuthToken, ClientMessage, ServerMessage, pb};
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage};

use crate::arbitrary::{Entropy, message};

fn pool() -> DescriptorPool {
    DescriptorPool::decode(pb::DESCRIPTORS).expect("the descriptors are checked in")
}

/// JSON -> model -> protobuf equals JSON -> prost-reflect -> protobuf, and both ways of writing are read as the same.
fn agrees<M, P>(name: &str, entropy: &[u8]) -> Result<(), TestCaseError>
where
    M: json::Message + PartialEq + Clone + std::fmt::Debug + From<P>,
    P: prost::Message + Default + From<M>,
{
    let descriptor = pool()
        .get_message_by_name(&format!("google.ai.generativelanguage.v1beta.{name}"))
        .expect("the message is described");
    let text = message(&mut Entropy(entropy), &descriptor, 0).to_string();

    let ours = json::decode::<M>(text.as_bytes(), &DecodeOptions::strict());
    let ours = ours.map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?.message;
    let mut reader = serde_json::Deserializer::from_str(&text);
    let theirs = DynamicMessage::deserialize_with_options(descriptor.clone(), &mut reader, &DeserializeOptions::new());
    let theirs = theirs.map_err(|error| TestCaseError::fail(format!("{text}: prost-reflect: {error}")))?;

    let wire = P::from(ours.clone()).encode_to_vec();
    let read = DynamicMessage::decode(descriptor.clone(), wire.as_slice());
    let read = read.map_err(|error| TestCaseError::fail(format!("{text}: our protobuf: {error}")))?;
    prop_assert_eq!(meaning(&read), meaning(&theirs), "{}", text);

    let back = M::from(P::decode(theirs.encode_to_vec().as_slice()).expect("prost-reflect writes protobuf"));
    prop_assert_eq!(&back, &ours, "{}", text);

    let written = json::to_string(&ours);
    let again = json::decode::<M>(written.as_bytes(), &DecodeOptions::strict());
    prop_assert_eq!(again.map(|decoded| decoded.message), Ok(ours), "{}", &written);
    let mut reader = serde_json::Deserializer::from_str(&written);
    let reread = DynamicMessage::deserialize_with_options(descriptor, &mut reader, &DeserializeOptions::new());
    let reread = reread.map_err(|error| TestCaseError::fail(format!("{written}: prost-reflect: {error}")))?;
    prop_assert_eq!(meaning(&reread), meaning(&theirs), "{}", written);
    Ok(())
}

/// prost-reflect's own JSON: equal for equal messages, whether or not a default was spelled out.
fn meaning(message: &DynamicMessage) -> serde_json::Value {
    serde_json::to_value(message).expect("a dynamic message is JSON")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn client_messages_mean_the_same(entropy in proptest::collection::vec(any::<u8>(), 0..600)) {
        agrees::<ClientMessage, pb::BidiGenerateContentClientMessage>("BidiGenerateContentClientMessage", &entropy)?;
    }

    #[test]
    fn server_messages_mean_the_same(entropy in proptest::collection::vec(any::<u8>(), 0..600)) {
        agrees::<ServerMessage, pb::BidiGenerateContentServerMessage>("BidiGenerateContentServerMessage", &entropy)?;
    }

    #[test]
    fn tokens_mean_the_same(entropy in proptest::collection::vec(any::<u8>(), 0..600)) {
        agrees::<AuthToken, pb::AuthToken>("AuthToken", &entropy)?;
    }
}
