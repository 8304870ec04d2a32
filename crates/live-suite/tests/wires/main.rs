//! The suite over each adapter.

mod asynchronous;
mod blocking;

mod over_websocket {
    live_suite::suite!(crate::asynchronous::WebSocket);
}

mod over_grpc {
    live_suite::suite!(crate::asynchronous::Grpc);
}

mod over_blocking_websocket {
    live_suite::suite!(crate::blocking::Blocking);
}
