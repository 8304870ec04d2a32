//! A web site for models to read: the documents of xtask/interop over HTTP, on a free port of this machine.
//! Which cases read them is in xtask/interop/cases.json.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};

/// Serves the files of `folder` until the process ends; its address.
pub(super) fn serve(folder: PathBuf) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free for pages")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            // Whoever hangs up has read enough.
            answer(client, &folder).ok();
        }
    });
    Ok(address)
}

fn answer(client: TcpStream, folder: &Path) -> Result<()> {
    let mut lines = BufReader::new(&client).lines();
    let request = lines.next().context("no request")??;
    // The rest of the head says nothing that matters here, but is read before it is answered.
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let name = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let body = if name.contains('/') { None } else { fs::read(folder.join(name)).ok() };
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let body = body.unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    (&client).write_all(&[head.as_bytes(), &body].concat())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut client = TcpStream::connect(address).expect("it listens");
        write!(client, "GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").expect("it reads");
        let mut text = String::new();
        client.read_to_string(&mut text).expect("it answers");
        text
    }

    #[test]
    fn documents_are_pages_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a directory for the test");
        fs::write(folder.path().join("a.txt"), "a page").expect("a file is written");
        let address = serve(folder.path().to_owned()).expect("a port is free");
        assert!(get(address, "/a.txt").ends_with("\r\n\r\na page"));
        assert!(get(address, "/b.txt").starts_with("HTTP/1.1 404"));
        assert!(get(address, "/../a.txt").starts_with("HTTP/1.1 404"));
    }
}
