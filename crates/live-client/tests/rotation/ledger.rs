//! A model that writes down what the server has been told, and answers with what can be counted.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use live_engine::{EndReason, ModelOutput, Prompt, ResponseModality};
use live_model::Model;
use live_proto::PartData;

/// What a user says, down to the last four bytes of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Number(u32),
    Words(String),
}

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Vec<Said>>>>);

impl Ledger {
    /// What the user had said by each prompt, in order.
    pub(crate) fn prompts(&self) -> Vec<Vec<Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The sound of a run of numbers.
pub(crate) fn sound(numbers: std::ops::Range<u32>) -> Vec<u8> {
    numbers.flat_map(u32::to_le_bytes).collect()
}

/// What is answered to a user who has said so much.
pub(crate) fn answer_to(said: &[Said]) -> String {
    pieces(said.len()).concat()
}

fn pieces(said: usize) -> Vec<String> {
    let heard = format!("{said} heard:");
    std::iter::once(heard).chain((0..6).map(|piece| format!(" {said}.{piece}"))).collect()
}

impl Model for Ledger {
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let said = said(&prompt);
        let answer = pieces(said.len());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(said);
        let speaks = prompt.session.modality == ResponseModality::Audio;
        let pieces = answer.into_iter().map(move |text| {
            // One sample a character: what is lost of one is lost of the other.
            let pcm = Bytes::from(text.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<u8>>());
            if speaks { ModelOutput::Speech { pcm, text } } else { ModelOutput::Text(text) }
        });
        let pieces = pieces.chain([ModelOutput::End(EndReason::Complete)]);
        stream::iter(pieces)
            .then(|piece| async {
                // Others have their turn in the middle of an answer.
                tokio::task::yield_now().await;
                piece
            })
            .boxed()
    }
}

fn said(prompt: &Prompt) -> Vec<Said> {
    let mut said = Vec::new();
    for part in prompt.history.iter().filter(|content| content.role == "user").flat_map(|content| &content.parts) {
        match &part.data {
            Some(PartData::Text(words)) => said.push(Said::Words(words.clone())),
            Some(PartData::InlineData(blob)) => {
                let (numbers, rest) = blob.data.as_chunks::<4>();
                assert!(rest.is_empty(), "a number was cut in two");
                said.extend(numbers.iter().map(|bytes| Said::Number(u32::from_le_bytes(*bytes))));
            }
            other => panic!("prompted with {other:?}"),
        }
    }
    said
}
