//! The byte stream under a WebSocket: TCP, with or without TLS, that waits no longer than it is told.
//!
//! How long that is, the connection decides.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

/// TCP whose reads end at an instant and whose writes never wait: `WouldBlock` says that they could not go on.
#[derive(Debug)]
pub(crate) struct Timed {
    tcp: TcpStream,
    /// When reads give up; one that has passed does not wait at all.
    read_until: Option<Instant>,
    is_nonblocking: bool,
}

impl Timed {
    pub(crate) fn new(tcp: TcpStream) -> io::Result<Self> {
        // A message is written when it is due; waiting to fill a packet would only add latency.
        tcp.set_nodelay(true)?;
        tcp.set_nonblocking(true)?;
        Ok(Self { tcp, read_until: None, is_nonblocking: true })
    }

    fn set_nonblocking(&mut self, is_nonblocking: bool) -> io::Result<()> {
        if self.is_nonblocking != is_nonblocking {
            self.tcp.set_nonblocking(is_nonblocking)?;
            self.is_nonblocking = is_nonblocking;
        }
        Ok(())
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.read_until.map(|until| until.saturating_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            None => self.set_nonblocking(true)?,
            Some(left) => {
                self.set_nonblocking(false)?;
                self.tcp.set_read_timeout(Some(left.max(READ_MIN)))?;
            }
        }
        // Systems disagree on the name of a timeout; the WebSocket library knows one of them.
        self.tcp.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::TimedOut { io::ErrorKind::WouldBlock.into() } else { error }
        })
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.set_nonblocking(true)?;
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// TCP, plain or under TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Stream {
    /// Reads give up at this instant from now on; without one they do not wait.
    pub(crate) fn read_until(&mut self, until: Option<Instant>) {
        self.timed().read_until = until;
    }

    /// Ends our half.
    pub(crate) fn shut_down(&mut self) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            tls.conn.send_close_notify();
            tls.flush()?;
        }
        match self.timed().tcp.shutdown(Shutdown::Write) {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            shut => shut,
        }
    }

    fn timed(&mut self) -> &mut Timed {
        match self {
            Self::Plain(timed) => timed,
            Self::Tls(tls) => &mut tls.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(timed) => timed.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(timed) => timed.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// Systems round timeouts, and none of them takes zero.
const READ_MIN: Duration = Duration::from_millis(1);
