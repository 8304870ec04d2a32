//! The client's side of a stream: from a channel to a connection.
//!
//! Whom to dial, whom to trust and which credentials to send is the host's business.

use http::HeaderMap;
use live_engine::Engine;
use tonic::Request;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;

use crate::connection::{Incoming, Side};
use crate::generated::v1alpha::generative_service_client as v1alpha_client;
use crate::generated::v1beta::generative_service_client as v1beta_client;
use crate::outgoing::{Payloads, slot};
use crate::{Connection, Decode, Encode, Method, Options};

/// Opens a stream on `channel` and hands it to `engine`.
///
/// This returns at once: dialling and opening are part of [`Connection::next`], and whatever goes wrong there is told to
/// the engine as the end of the connection. Credentials go into `metadata`, as `x-goog-api-key` or `authorization`.
pub fn connect<E>(channel: Channel, method: Method, metadata: HeaderMap, engine: E, options: Options) -> Connection<E>
where
    E: Engine,
    E::Inbound: Decode,
    E::Outbound: Encode,
{
    let (sender, outgoing) = slot();
    let mut request = Request::new(Payloads(outgoing));
    *request.metadata_mut() = MetadataMap::from_headers(metadata);
    let bytes_max = options.message_bytes_max;
    // A server may keep its headers until it has something to say, which is after our first message.
    let opening = async move {
        match method {
            Method::V1Beta => {
                let client = v1beta_client::GenerativeServiceClient::new(channel);
                client.max_decoding_message_size(bytes_max).bidi_generate_content(request).await
            }
            Method::V1Alpha => {
                let client = v1alpha_client::GenerativeServiceClient::new(channel);
                client.max_decoding_message_size(bytes_max).bidi_generate_content(request).await
            }
        }
    };
    Connection::new(engine, Side::Client, sender, Incoming::Opening(Box::pin(opening)), options)
}
