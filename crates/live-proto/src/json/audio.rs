//! The short way for audio: over 99 % of the messages of a voice session have one of two shapes.
//!
//! Both ways it takes exactly `realtimeInput.audio` and `serverContent.modelTurn.parts[0].inlineData`, with a usual type of audio and
//! nothing beside it, in either spelling and with any white space. On anything else it reads nothing and the general way
//! decides; a property test proves that both agree.

use bytes::{Bytes, BytesMut};

use crate::{
    Blob, ClientMessage, Content, InteractionStatus, MediaProcessing, MimeType, Part, PartData, RealtimeInput,
    ServerContent, ServerMessage, ServerPayload, TurnCompleteReason,
};

use super::reader::decode_base64;
use super::writer::append_base64;

/// `{"realtimeInput":{"audio":{..}}}`
pub(super) fn client(frame: &[u8]) -> Option<Blob> {
    let mut at = Cursor(frame);
    at.open(br#""realtimeInput""#, br#""realtime_input""#)?;
    at.open(br#""audio""#, br#""audio""#)?;
    let blob = at.blob()?;
    at.close(2)?;
    Some(blob)
}

/// `{"serverContent":{"modelTurn":{"parts":[{"inlineData":{..}}]}}}`, and whether `"role":"model"` follows the parts.
pub(super) fn server(frame: &[u8]) -> Option<(Blob, bool)> {
    let mut at = Cursor(frame);
    at.open(br#""serverContent""#, br#""server_content""#)?;
    at.open(br#""modelTurn""#, br#""model_turn""#)?;
    at.open(br#""parts""#, br#""parts""#)?;
    at.byte(b'[')?;
    at.open(br#""inlineData""#, br#""inline_data""#)?;
    let blob = at.blob()?;
    at.byte(b'}')?;
    at.byte(b']')?;
    let role = at.byte(b',').is_some();
    if role {
        at.literal(br#""role""#)?;
        at.byte(b':')?;
        at.literal(br#""model""#)?;
    }
    at.close(3)?;
    Some((blob, role))
}

/// The blob of a message that says nothing but it. Every field is named, so that a new one stops the build here.
fn only_client_blob(message: &ClientMessage) -> Option<&Blob> {
    let ClientMessage::RealtimeInput(RealtimeInput {
        audio: Some(blob),
        media_chunks,
        audio_stream_end: None,
        video: None,
        text: None,
        activity_start: None,
        activity_end: None,
    }) = message
    else {
        return None;
    };
    media_chunks.is_empty().then_some(blob)
}

/// As [`only_client_blob`]; content with a role goes the general way.
fn only_server_blob(message: &ServerMessage) -> Option<&Blob> {
    let ServerMessage {
        payload:
            Some(ServerPayload::ServerContent(ServerContent {
                model_turn: Some(Content { parts, role }),
                turn_complete: false,
                interrupted: false,
                grounding_metadata: None,
                generation_complete: false,
                input_transcription: None,
                output_transcription: None,
                url_context_metadata: None,
                waiting_for_input: false,
                turn_complete_reason: TurnCompleteReason::Unspecified,
                interim_input_transcription: None,
                interaction_status: InteractionStatus::Unspecified,
            })),
        usage_metadata: None,
    } = message
    else {
        return None;
    };
    let [
        Part {
            data: Some(PartData::InlineData(blob)),
            part_metadata: None,
            thought: false,
            thought_signature,
            video_metadata: None,
            media_resolution: None,
            tool_call: None,
            tool_response: None,
            audio_transcription: None,
            media_processing: MediaProcessing::Unspecified,
            speech_metadata: None,
            document_metadata: None,
            spreadsheet_metadata: None,
            audio_metadata: None,
        },
    ] = parts.as_slice()
    else {
        return None;
    };
    (role.is_empty() && thought_signature.is_empty()).then_some(blob)
}

/// A usual blob between the two halves of its envelope: three copies and the base64.
fn write(blob: &Blob, before: &str, after: &str, out: &mut BytesMut) -> bool {
    let Blob { mime_type, data, display_name } = blob;
    if MimeType::usual(mime_type.as_str().as_bytes()).is_none() || data.is_empty() || !display_name.is_empty() {
        return false;
    }
    let base64_bytes = data.len().div_ceil(3) * 4;
    out.reserve(before.len() + mime_type.as_str().len() + 10 + base64_bytes + after.len());
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(mime_type.as_str().as_bytes());
    out.extend_from_slice(br#"","data":""#);
    append_base64(data, out);
    out.extend_from_slice(after.as_bytes());
    true
}

/// What is left of the frame.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Passes white space; what comes next, if anything does.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        loop {
            match *self.0.first()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.0 = &self.0[1..],
                byte => return Some(byte),
            }
        }
    }

    /// Passes white space and the byte.
    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        if self.next()? != byte {
            return None;
        }
        self.0 = &self.0[1..];
        Some(())
    }

    /// Passes white space and a literal, whose length is known so that no call compares it.
    #[inline]
    fn literal<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        self.next()?;
        let (start, rest) = self.0.split_first_chunk::<N>()?;
        if start != literal {
            return None;
        }
        self.0 = rest;
        Some(())
    }

    /// The opening of an object and its first key, in either spelling.
    #[inline]
    fn open<const N: usize, const M: usize>(&mut self, camel: &[u8; N], snake: &[u8; M]) -> Option<()> {
        self.byte(b'{')?;
        self.literal(camel).or_else(|| self.literal(snake))?;
        self.byte(b':')
    }

    /// One of the types that audio comes in.
    fn mime_type(&mut self) -> Option<MimeType> {
        if self.literal(br#""audio/pcm;rate=16000""#).is_some() {
            Some(MimeType::PCM_16K)
        } else if self.literal(br#""audio/pcm;rate=24000""#).is_some() {
            Some(MimeType::PCM_24K)
        } else {
            self.literal(br#""audio/pcm""#).map(|()| MimeType::PCM)
        }
    }

    /// Bytes in base64. They fill the frame up to a short tail, in which the closing quote is looked for: a quote before
    /// that is no base64, and sends the frame the general way.
    fn base64(&mut self) -> Option<Bytes> {
        self.byte(b'"')?;
        let skipped = self.0.len().saturating_sub(TAIL_BYTES_MAX);
        let (text, rest) = self.0.split_at(skipped + memchr::memchr(b'"', &self.0[skipped..])?);
        self.0 = &rest[1..];
        decode_base64(text)
    }

    /// An object of `data` and `mimeType`, once each, in either order.
    fn blob(&mut self) -> Option<Blob> {
        self.byte(b'{')?;
        let (mut mime_type, mut data) = (None, None);
        for separator in [b',', b'}'] {
            if data.is_none() && self.literal(br#""data""#).is_some() {
                self.byte(b':')?;
                data = Some(self.base64()?);
            } else {
                self.literal(br#""mimeType""#).or_else(|| self.literal(br#""mime_type""#))?;
                self.byte(b':')?;
                mime_type = Some(self.mime_type()?);
            }
            self.byte(separator)?;
        }
        Some(Blob { mime_type: mime_type?, data: data?, display_name: String::new() })
    }

    /// So many closing braces, and nothing after them but white space.
    fn close(&mut self, braces: usize) -> Option<()> {
        for _ in 0..braces {
            self.byte(b'}')?;
        }
        if self.next().is_some() { None } else { Some(()) }
    }
}

/// What can follow the base64 in a frame of the usual shapes: the rest of the blob and the closing brackets, indented.
const TAIL_BYTES_MAX: usize = 120;

impl ClientMessage {
    pub(super) fn write_as_audio(&self, out: &mut BytesMut) -> bool {
        let before = r#"{"realtimeInput":{"audio":{"mimeType":""#;
        only_client_blob(self).is_some_and(|blob| write(blob, before, r#""}}}"#, out))
    }

    /// [`client`], into a message.
    pub(super) fn fill_from_audio(&mut self, frame: &[u8]) -> bool {
        let Some(blob) = client(frame) else { return false };
        *self = Self::RealtimeInput(RealtimeInput { audio: Some(blob), ..RealtimeInput::default() });
        true
    }
}

impl ServerMessage {
    pub(super) fn write_as_audio(&self, out: &mut BytesMut) -> bool {
        let before = r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":""#;
        only_server_blob(self).is_some_and(|blob| write(blob, before, r#""}}]}}}"#, out))
    }

    /// [`server`], into a message that is built where it will stay.
    pub(super) fn fill_from_audio(&mut self, frame: &[u8]) -> bool {
        let Some((blob, role)) = server(frame) else { return false };
        let payload = self.payload.insert(ServerPayload::ServerContent(ServerContent::default()));
        let ServerPayload::ServerContent(content) = payload else { return false };
        let turn = content.model_turn.insert(Content::default());
        turn.parts.push(Part::default());
        turn.parts[0].data = Some(PartData::InlineData(blob));
        if role {
            turn.role = "model".into();
        }
        true
    }
}
