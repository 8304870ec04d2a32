//! The client's side of a stream: from a channel to a connection.
//!
//! Whom to dial, whom to trust and which credentials to send is the host's business.

use http::HeaderMap;
use live_engine::Engine;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::codec::Raw;
use crate::connection::{Incoming, Side};
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
    let mut grpc = Grpc::new(channel).max_decoding_message_size(options.message_bytes_max);
    let opening = async move {
        grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
        // A server may keep its headers until it has something to say, which is after our first message.
        grpc.streaming(request, method.path_and_query(), Raw).await
    };
    Connection::new(engine, Side::Client, sender, Incoming::Opening(Box::pin(opening)), options)
}
