//! An HTTP API that remembers every request to the byte and answers as it is told.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// No step of a test takes longer on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The API. Each request takes the next answer; the last one is for all that follow.
pub(crate) struct Api {
    /// `http://HOST:PORT`.
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
    gone: Arc<AtomicUsize>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `GET /path?query`.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    hangs: bool,
    breaks_off: bool,
    after: Duration,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_ref().to_vec(),
            hangs: false,
            breaks_off: false,
            after: Duration::ZERO,
        }
    }

    pub(crate) fn json(body: impl AsRef<[u8]>) -> Self {
        Self::new(200, "application/json", body)
    }

    /// A status and nothing else.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            headers: Vec::new(),
            ..Self::new(status, "", "")
        }
    }

    /// What was there, and then neither more nor an end.
    pub(crate) fn hanging(self) -> Self {
        Self {
            hangs: true,
            ..self
        }
    }

    /// What was there, and then the end of the connection where more was announced.
    pub(crate) fn breaking_off(self) -> Self {
        Self {
            breaks_off: true,
            ..self
        }
    }

    /// Not before `after`.
    pub(crate) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Request {
    /// The only header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "`{name}` stands twice: {self:?}");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Api {
    pub(crate) fn answering(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Arc<[Reply]> = replies.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            seen: Arc::default(),
            gone: Arc::default(),
        };
        let (seen, gone) = (api.seen.clone(), api.gone.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (replies, seen, gone) = (replies.clone(), seen.clone(), gone.clone());
                std::thread::spawn(move || answer(stream, &replies, &seen, &gone));
            }
        });
        api
    }

    /// An API that answers `{}`.
    pub(crate) fn new() -> Self {
        Self::answering([Reply::json("{}")])
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The one request that came.
    pub(crate) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.into_iter().next().unwrap()
    }

    /// Waits until `count` requests are there.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        wait("a request", || self.requests().len() >= count);
    }

    /// Waits until the other side gave up on an answer that hangs.
    pub(crate) fn wait_until_given_up(&self) {
        wait("the end of the connection", || self.is_given_up());
    }

    /// The same where the other side is a task of this very thread.
    pub(crate) async fn until_given_up(&self) {
        let start = Instant::now();
        while !self.is_given_up() {
            assert!(
                start.elapsed() < PATIENCE,
                "the connection was never closed"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn is_given_up(&self) -> bool {
        self.gone.load(Ordering::SeqCst) > 0
    }
}

fn wait(for_what: &str, is_there: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < PATIENCE, "{for_what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn answer(
    mut stream: TcpStream,
    replies: &[Reply],
    seen: &Mutex<Vec<Request>>,
    gone: &AtomicUsize,
) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = read(&mut stream)?;
    let is_head = request.line.starts_with("HEAD ");
    let place = {
        let mut seen = seen.lock().unwrap();
        seen.push(request);
        seen.len() - 1
    };
    let reply = replies.get(place).or(replies.last())?;
    std::thread::sleep(reply.after);
    let mut head = format!("HTTP/1.1 {} Status\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let has_length = reply.status != 204 && reply.status != 304;
    if has_length && !reply.hangs {
        let announced = reply.body.len() + usize::from(reply.breaks_off);
        let _ = write!(head, "content-length: {announced}\r\n");
    }
    head += "\r\n";
    // An answer without any byte: not even a head comes.
    if !(reply.hangs && reply.body.is_empty()) {
        stream.write_all(head.as_bytes()).ok()?;
        if !is_head {
            stream.write_all(&reply.body).ok()?;
        }
    }
    if reply.hangs {
        // The end of the stream, or an error: either way the other side has left.
        while stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        gone.fetch_add(1, Ordering::SeqCst);
    }
    Some(())
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
    };
    // Header values may be any bytes; tests look at UTF-8 alone.
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let line = lines.next()?.strip_suffix(" HTTP/1.1")?.to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        body.extend_from_slice(&piece[..read]);
    }
    Some(Request {
        line,
        headers,
        body,
    })
}
