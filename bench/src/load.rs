//! A closed loop: a number of connections, each with one request under way at any time.
//!
//! Written on sockets rather than on an HTTP client, because the load shares the machine with what it measures and should
//! take as little of it as it can. It understands what the servers here send and nothing more: `200` or `201`, with a
//! `content-length`.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::workload::Request;

/// An answer must be complete by then.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The tool list of a very large API stays below this.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// What a load saw; at least one call.
#[derive(Debug, Default)]
pub struct Measured {
    /// Time from a request's first byte to its answer's last one, of every call, sorted.
    pub latencies: Vec<Duration>,
    /// How long the load lasted.
    pub elapsed: Duration,
}

impl Measured {
    /// Calls in a second.
    pub fn rate(&self) -> f64 {
        self.calls() / self.elapsed.as_secs_f64()
    }

    /// How many calls there were.
    pub fn calls(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX))
    }

    /// The latency that `percent` of the calls did not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let index = (self.latencies.len() * percent / 100).min(self.latencies.len() - 1);
        self.latencies[index]
    }
}

/// Sends one request and gives the body of its answer.
pub async fn ask(address: SocketAddr, request: &Request) -> io::Result<Vec<u8>> {
    let mut connection = Connection::open(address).await?;
    let body = connection.ask(&request.bytes).await?;
    Ok(body.to_vec())
}

/// Keeps `connections` busy for `duration`.
pub async fn run(
    address: SocketAddr,
    request: &Request,
    connections: usize,
    duration: Duration,
) -> io::Result<Measured> {
    static NEXT_ID: AtomicU32 = AtomicU32::new(0);

    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let start = Instant::now();
    let end = start + duration;
    let mut tasks = JoinSet::new();
    for mut connection in open {
        let mut request = request.clone();
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            let mut now = Instant::now();
            while now < end {
                request.number(NEXT_ID.fetch_add(1, Ordering::Relaxed));
                connection.ask(&request.bytes).await?;
                let then = now;
                now = Instant::now();
                latencies.push(now - then);
            }
            io::Result::Ok(latencies)
        });
    }
    let mut measured = Measured::default();
    while let Some(finished) = tasks.join_next().await {
        measured
            .latencies
            .extend(finished.map_err(io::Error::other)??);
    }
    measured.elapsed = start.elapsed();
    if measured.latencies.is_empty() {
        return Err(io::Error::other(
            "a load without connections measures nothing",
        ));
    }
    measured.latencies.sort_unstable();
    Ok(measured)
}

/// One connection, kept open between requests.
pub struct Connection {
    stream: TcpStream,
    /// What was read, up to `filled`; its length is what there is room for.
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 * 1024],
            filled: 0,
        })
    }

    /// Sends a request and gives the body of its answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        tokio::time::timeout(ANSWER_MAX, self.exchange(request))
            .await
            .map_err(|_| io::Error::other(format!("no complete answer after {ANSWER_MAX:?}")))?
            .map(|body| &self.buffer[body])
    }

    /// One request and its answer; gives where in the buffer the body stands.
    async fn exchange(&mut self, request: &[u8]) -> io::Result<std::ops::Range<usize>> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        let body = loop {
            self.read_more().await?;
            if let Some(body) = body_range(&self.buffer[..self.filled])? {
                break body;
            }
        };
        while self.filled < body.end {
            self.read_more().await?;
        }
        if self.filled > body.end {
            return Err(io::Error::other("more came than one answer"));
        }
        Ok(body)
    }

    async fn read_more(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            if self.buffer.len() >= ANSWER_BYTES_MAX {
                return Err(io::Error::other("the answer is too large"));
            }
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.filled += read;
                Ok(())
            }
        }
    }
}

/// Where the body of an answer stands, once its head is complete.
fn body_range(answer: &[u8]) -> io::Result<Option<std::ops::Range<usize>>> {
    const BLANK_LINE: &[u8] = b"\r\n\r\n";
    let Some(head_end) = memmem::find(answer, BLANK_LINE) else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&answer[..head_end]);
    let refused = |why: &str| io::Error::other(format!("{why}: {head}"));
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .unwrap_or_default();
    if !matches!(status, "200" | "201") {
        return Err(refused("the call failed"));
    }
    let length: usize = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(|| refused("the answer does not tell its length"))?;
    let start = head_end + BLANK_LINE.len();
    Ok(Some(start..start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_found_by_its_length() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\ncontent-le", Some(None)),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
                Some(Some(38..40)),
            ),
            (
                "HTTP/1.1 201 Created\r\ncontent-length:5\r\nx: y\r\n\r\n",
                Some(Some(48..53)),
            ),
            ("HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}", None),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                None,
            ),
        ] {
            assert_eq!(body_range(answer.as_bytes()).ok(), expected, "{answer}");
        }
    }

    #[test]
    fn percentiles_stay_within_the_calls() {
        let measured = Measured {
            latencies: (1..=4).map(Duration::from_millis).collect(),
            elapsed: Duration::from_secs(2),
        };
        for (percent, expected) in [(0, 1), (50, 3), (99, 4), (100, 4)] {
            assert_eq!(
                measured.percentile(percent),
                Duration::from_millis(expected),
                "{percent} %"
            );
        }
        assert!((measured.rate() - 2.0).abs() < f64::EPSILON);
    }
}
