//! The service as tonic has it, client and server, one module for each API version.
//!
//! Its messages are handed over as bytes, by a codec of live-grpc's: what they are is not read here.

use anyhow::{Context, Result};
use prost_reflect::DescriptorPool;
use tonic_build::CodeGenBuilder;
use tonic_build::manual::{Method, Service};

use super::names;

/// Writes the client and the server of the package's service. The versions have the same messages.
pub(super) fn write(pool: &DescriptorPool, version: &str) -> Result<String> {
    let described = pool.services().next().context("no service in the .proto files")?;
    let (package, _) = names::PACKAGE.rsplit_once('.').context("the package has no version")?;
    let mut service = Service::builder().name(described.name()).package(format!("{package}.{version}"));
    for method in described.methods() {
        let name = heck::ToSnakeCase::to_snake_case(method.name());
        let mut built = Method::builder().name(name).route_name(method.name());
        built = built.input_type(PAYLOAD).output_type(PAYLOAD).codec_path(CODEC);
        if method.is_client_streaming() {
            built = built.client_streaming();
        }
        if method.is_server_streaming() {
            built = built.server_streaming();
        }
        service = service.method(built.build());
    }
    let service = service.build();
    let mut builder = CodeGenBuilder::new();
    // Whom to dial is said to a channel, not to the client.
    builder.build_transport(false);
    Ok(format!("{}{}", builder.generate_client(&service, ""), builder.generate_server(&service, "")))
}

const PAYLOAD: &str = "bytes::Bytes";
const CODEC: &str = "crate::codec::Raw";
