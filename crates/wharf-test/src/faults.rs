//! A proxy that spoils answers: between a client and a server that does nothing wrong, it does what networks, proxies and
//! broken servers do.
//!
//! Requests pass untouched. What comes back is spoiled in the way that is set; a change ends all connections, so that none
//! goes on in the old way.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A piece of an endless answer.
const PIECE: [u8; 16 << 10] = [b'x'; 16 << 10];

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Nobody listens.
    Refuse,
    /// The connection is reset when the request has come.
    Reset,
    /// Nothing is ever said.
    Stall,
    /// The connection is reset within the head.
    ResetInHead,
    /// The connection is reset within the body.
    ResetInBody,
    /// The head comes, and some of the body, and then no more.
    StallInBody,
    /// A byte at a time.
    Slow(Duration),
    /// The body ends before the length that was announced.
    Truncate,
    /// What comes is no HTTP.
    Garbage,
    /// A body that never ends.
    EndlessBody,
    /// A head that never ends.
    EndlessHead,
    /// A redirect to the same address again.
    RedirectLoop,
    /// The server says that it will say no more, without having said anything, and goes on reading.
    HalfClosed,
}

/// A proxy on a port of its own. It ends with this.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    applied: watch::Receiver<Fault>,
    task: JoinHandle<io::Result<()>>,
}

impl FaultProxy {
    /// A proxy in front of `target`, which spoils nothing yet.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (fault, faults) = watch::channel(Fault::None);
        let (tell, applied) = watch::channel(Fault::None);
        let task = tokio::spawn(receive(listener, target, faults, tell));
        Ok(Self {
            address,
            fault,
            applied,
            task,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What becomes of answers from now on. Done when it is so.
    ///
    /// # Panics
    ///
    /// When the port cannot be opened again, because another program took it meanwhile.
    pub async fn set(&mut self, fault: Fault) {
        self.fault.send_replace(fault);
        self.applied
            .wait_for(|applied| *applied == fault)
            .await
            .expect("the proxy goes on");
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(
    listener: TcpListener,
    target: SocketAddr,
    mut faults: watch::Receiver<Fault>,
    applied: watch::Sender<Fault>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut listener = Some(listener);
    // Ends with the proxy: connections are dropped with the set.
    let mut open = JoinSet::new();
    loop {
        let fault = *faults.borrow_and_update();
        if fault == Fault::Refuse {
            listener = None;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(address).await?);
        }
        if *applied.borrow() != fault {
            open.shutdown().await;
            applied.send_replace(fault);
        }
        let client = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            client = client => {
                let (client, _) = client?;
                // The client, or the server, may be gone: that is what this is for.
                open.spawn(async move { drop(converse(client, target, fault).await) });
            }
            changed = faults.changed() => if changed.is_err() {
                return Ok(());
            },
        }
        while open.try_join_next().is_some() {}
    }
}

async fn converse(client: TcpStream, target: SocketAddr, fault: Fault) -> io::Result<()> {
    client.set_nodelay(true)?;
    let server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    let (from_client, mut to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let end = tokio::select! {
        // The client is done.
        _ = pass_requests(from_client, to_server) => End::Close,
        end = spoil(from_server, &mut to_client, fault) => end?,
    };
    if end == End::Reset {
        to_client.as_ref().set_zero_linger()?;
        // Without the orderly end that dropping it would say first.
        to_client.forget();
    }
    Ok(())
}

async fn pass_requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    Ok(())
}

/// How the connection to the client ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Close,
    Reset,
}

async fn spoil(mut from: OwnedReadHalf, to: &mut OwnedWriteHalf, fault: Fault) -> io::Result<End> {
    if fault == Fault::None {
        tokio::io::copy(&mut from, to).await?;
        return Ok(End::Close);
    }
    // The request has arrived when the answer begins; from here on the answer is ours.
    let answer = read_answer(&mut from).await?;
    let body = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(answer.len(), |at| at + 4);
    let some_body = body + (answer.len() - body) / 2;
    match fault {
        Fault::None | Fault::Refuse => {}
        Fault::Reset => return Ok(End::Reset),
        Fault::Stall => return std::future::pending().await,
        Fault::ResetInHead => {
            to.write_all(&answer[..body / 2]).await?;
            return arrived_then_reset().await;
        }
        Fault::ResetInBody => {
            to.write_all(&answer[..some_body]).await?;
            return arrived_then_reset().await;
        }
        Fault::StallInBody => {
            to.write_all(&answer[..some_body]).await?;
            return std::future::pending().await;
        }
        Fault::Slow(every) => {
            for byte in answer {
                to.write_all(&[byte]).await?;
                tokio::time::sleep(every).await;
            }
        }
        Fault::Truncate => to.write_all(&answer[..some_body]).await?,
        Fault::Garbage => {
            to.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
                .await?;
        }
        Fault::EndlessBody => {
            to.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
                .await?;
            endless(to, &PIECE).await?;
        }
        Fault::EndlessHead => {
            to.write_all(b"HTTP/1.1 200 OK\r\nx-endless: ").await?;
            endless(to, &PIECE).await?;
        }
        Fault::RedirectLoop => {
            to.write_all(
                b"HTTP/1.1 307 Again\r\nlocation: ?again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            )
            .await?;
        }
        Fault::HalfClosed => {
            to.shutdown().await?;
            return std::future::pending().await;
        }
    }
    Ok(End::Close)
}

/// All that comes until the head and the body that it announces are there.
async fn read_answer(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let read = from.read(&mut buffer).await?;
        answer.extend_from_slice(&buffer[..read]);
        if read == 0 || is_whole(&answer) {
            return Ok(answer);
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    length.is_some_and(|length| answer.len() >= head.len() + 4 + length)
}

/// A reset overtakes what is not read yet, so what was sent gets time to arrive.
async fn arrived_then_reset() -> io::Result<End> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(End::Reset)
}

/// As fast as it is taken, until nobody takes it.
async fn endless(to: &mut OwnedWriteHalf, piece: &[u8]) -> io::Result<()> {
    loop {
        to.write_all(piece).await?;
    }
}
