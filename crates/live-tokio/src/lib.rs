//! The engines over tokio and WebSocket.
