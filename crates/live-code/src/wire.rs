//! What host and worker say to each other: frames of a kind, a length and so many bytes, over the worker's pipes.
//!
//! A program cannot speak here: what it prints is the content of a frame, never a frame. Reading and writing are the two sides' own.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::limits::Limits;

/// What a worker says first, once its limits are in force: that it is one, and which version of this it speaks.
pub(crate) const HELLO: &[u8] = b"live-code worker 1\n";

/// Bytes of a frame before its content.
pub(crate) const HEAD_BYTES: usize = 5;

/// What a worker says of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A piece of its output.
    Output,
    /// It has ended.
    Done,
    /// It has failed; the content says how.
    Failed,
    /// Its time is over.
    OutOfTime,
    /// It has said more than it may.
    OutOfOutput,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Output, Self::Done, Self::Failed, Self::OutOfTime, Self::OutOfOutput];

    fn byte(self) -> u8 {
        match self {
            Self::Output => b'o',
            Self::Done => b'd',
            Self::Failed => b'f',
            Self::OutOfTime => b't',
            Self::OutOfOutput => b'x',
        }
    }
}

/// Reads the head of a frame; `None` if it is none.
pub(crate) fn read_head([kind, length @ ..]: [u8; HEAD_BYTES]) -> Option<(Kind, usize)> {
    let kind = Kind::ALL.into_iter().find(|known| known.byte() == kind)?;
    Some((kind, u32::from_be_bytes(length) as usize))
}

/// Writes a frame.
pub(crate) fn write_frame(out: &mut impl Write, kind: Kind, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    out.write_all(&[kind.byte()])?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(content)?;
    out.flush()
}

/// What a worker is told before it says hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orders {
    pub(crate) time: Duration,
    pub(crate) memory_bytes_max: u64,
    pub(crate) recursion_max: u32,
    pub(crate) output_bytes_max: u32,
    pub(crate) code_bytes_max: u32,
}

impl Orders {
    pub(crate) const BYTES: usize = 28;

    pub(crate) fn of(limits: &Limits) -> Self {
        let Limits {
            time,
            memory_bytes_max,
            recursion_max,
            output_bytes_max,
            code_bytes_max,
            runs_max: _,
            waiting_max: _,
        } = *limits;
        Self { time, memory_bytes_max, recursion_max, output_bytes_max, code_bytes_max }
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Self { time, memory_bytes_max, recursion_max, output_bytes_max, code_bytes_max } = self;
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend(memory_bytes_max.to_be_bytes());
        for number in [recursion_max, output_bytes_max, code_bytes_max] {
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut long = [0; 8];
        let mut longs = [0; 2];
        for number in &mut longs {
            from.read_exact(&mut long)?;
            *number = u64::from_be_bytes(long);
        }
        let mut short = [0; 4];
        let mut shorts = [0; 3];
        for number in &mut shorts {
            from.read_exact(&mut short)?;
            *number = u32::from_be_bytes(short);
        }
        let [time_ms, memory_bytes_max] = longs;
        let [recursion_max, output_bytes_max, code_bytes_max] = shorts;
        let time = Duration::from_millis(time_ms);
        Ok(Self { time, memory_bytes_max, recursion_max, output_bytes_max, code_bytes_max })
    }
}

/// Reads the program: its length and its bytes. `None` if the host has none and is gone.
pub(crate) fn read_code(from: &mut impl Read, bytes_max: u32) -> io::Result<Option<String>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length);
    if length > bytes_max {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut code = vec![0; length as usize];
    from.read_exact(&mut code)?;
    String::from_utf8(code).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The program as [`read_code`] reads it.
pub(crate) fn code_bytes(code: &str) -> Option<Vec<u8>> {
    let mut bytes = u32::try_from(code.len()).ok()?.to_be_bytes().to_vec();
    bytes.extend_from_slice(code.as_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        for kind in Kind::ALL {
            let mut bytes = Vec::new();
            write_frame(&mut bytes, kind, b"abc").unwrap();
            let (head, content) = bytes.split_first_chunk().unwrap();
            assert_eq!((read_head(*head), content), (Some((kind, 3)), &b"abc"[..]));
        }
        assert_eq!(read_head(*b"\0\0\0\0\x01"), None);
    }

    #[test]
    fn orders_and_programs_are_read_as_they_were_written() {
        let orders = Orders::of(&Limits::default());
        let mut bytes = orders.to_bytes();
        assert_eq!(bytes.len(), Orders::BYTES);
        bytes.extend(code_bytes("print('é')").unwrap());
        let mut bytes = bytes.as_slice();
        assert_eq!(Orders::read(&mut bytes).unwrap(), orders);
        assert_eq!(read_code(&mut &*bytes, 11).unwrap().as_deref(), Some("print('é')"));
        assert_eq!(read_code(&mut &*bytes, 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read_code(&mut &b""[..], 10).unwrap(), None);
        assert_eq!(read_code(&mut &b"\0\0\0\x01\xff"[..], 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
