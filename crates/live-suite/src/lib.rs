//! One suite of session behaviour that runs over every adapter: what a client sees is the same, whatever the wire.
//!
//! The scenarios are here, generic over [`Wire`]; the wires are in `tests/wires`. What only one adapter promises is tested beside it.

pub mod blurt;
pub mod host;
pub mod lasting;
pub mod model;
pub mod scenario;
pub mod tools;

use live_engine::{Engine, Rejected, ServerConfig};
use live_proto::{ClientMessage, ServerMessage};

/// An engine at the client's end.
pub trait ClientSide: Engine<Inbound = ServerMessage, Outbound = ClientMessage> + 'static {}

impl<E: Engine<Inbound = ServerMessage, Outbound = ClientMessage> + 'static> ClientSide for E {}

/// An adapter with a server on loopback, whose sessions [`model::answer`] answers.
pub trait Wire: Sized {
    /// The adapter's connection at the client's end.
    type Connection<E: ClientSide>: Connection<E>;

    /// Starts a server that makes its engines of `config`, each with handles of its own, and keeps sessions that ask for it.
    fn start(config: ServerConfig) -> Self;

    /// Opens a connection to it.
    fn dial<E: ClientSide>(&self, engine: E) -> Self::Connection<E>;

    /// Tells the server to shut down, and returns at once.
    fn shut_down(&self);
}

/// A connection whose host waits.
pub trait Connection<E: Engine> {
    /// Waits for the next event; `None` once the connection is over.
    ///
    /// # Panics
    /// When nothing comes for half a minute.
    fn next(&mut self) -> Option<E::Event>;

    /// Hands a command to the engine.
    ///
    /// # Errors
    /// When the engine does not take it.
    fn command(&mut self, command: E::Command) -> Result<(), Rejected<E::Command>>;
}

/// Names every scenario once, as a test of one wire.
#[macro_export]
macro_rules! suite {
    ($wire:ty) => {
        $crate::suite! { $wire: scenario:
            a_text_turn_is_answered
            sound_is_complete_when_it_was_played
            speech_between_marks_is_a_turn
            a_new_turn_interrupts
            what_comes_before_setup_is_refused
            an_unknown_model_is_named
            a_refused_key_is_told
            a_client_that_closes_parts_in_good_order
            a_shutdown_lets_the_turn_end
            many_sessions_do_not_mix
        }
        $crate::suite! { $wire: tools:
            a_function_is_called_and_its_answer_said
            calls_of_one_message_are_answered_one_by_one
            a_new_turn_withdraws_what_was_called
            a_function_that_does_not_answer_is_withdrawn
            an_answer_that_is_to_interrupt_interrupts
            an_answer_for_when_the_model_is_idle_waits
            a_silent_answer_begins_no_turn
            a_malformed_declaration_is_refused
            a_tool_that_nothing_runs_is_refused
            code_and_what_it_gave_are_parts_of_the_answer
        }
        $crate::suite! { $wire: lasting:
            a_session_resumes_after_a_cut
            an_answer_that_is_cut_comes_anew
            go_away_moves_a_session
            a_handle_that_names_nothing_is_refused
            an_expired_handle_is_refused_and_the_session_begins_anew
            a_taken_session_closes_its_holder
            a_spent_quota_is_told
        }
    };
    ($wire:ty: $room:ident: $($scenario:ident)*) => {$(
        #[test]
        fn $scenario() {
            $crate::$room::$scenario::<$wire>();
        }
    )*};
}

/// Compiles the examples of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/adapters.md")]
struct Documentation;
