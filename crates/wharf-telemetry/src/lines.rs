//! Lines that are written beside the requests: a bounded queue, and a thread that empties it into a file or stdout.
//!
//! A line that cannot be written, because the disk is full, is tried again until it can; meanwhile the queue fills. What
//! happens then is the owner's decision: lines are dropped and counted, or no call begins that could not be recorded.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

/// How many lines may wait: some seconds of a busy server, at most a few megabytes.
const WAITING_MAX: usize = 8_192;
/// How much is written at once.
const BUFFER_BYTES_MAX: usize = 64 << 10;
/// How long to wait after a failed write.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a failure is logged while it lasts.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sink {
    Stdout,
    File(PathBuf),
}

/// The near end of the queue.
pub(crate) struct Lines {
    orders: SyncSender<Order>,
    state: Arc<State>,
    /// Lines are promised room before what they tell of begins.
    is_strict: bool,
}

#[derive(Default)]
struct State {
    /// Lines that wait, or that have been promised room.
    waiting: AtomicUsize,
    dropped: AtomicU64,
    is_failing: AtomicBool,
}

enum Order {
    Line(Vec<u8>),
    Reopen,
    Flush(SyncSender<()>),
}

impl Lines {
    /// Opens the sink, which fails when it cannot be opened, and starts the thread. It ends with this.
    pub(crate) fn start(sink: Sink, is_strict: bool) -> io::Result<Self> {
        let out = open(&sink)?;
        // Room for orders besides.
        let (orders, incoming) = sync_channel(WAITING_MAX + 16);
        let state = Arc::<State>::default();
        let writer = Writer {
            sink,
            out,
            buffer: Vec::with_capacity(BUFFER_BYTES_MAX),
            lines: 0,
            state: state.clone(),
            complained: None,
        };
        std::thread::Builder::new()
            .name("wharf-lines".to_owned())
            .spawn(move || writer.run(&incoming))?;
        Ok(Self {
            orders,
            state,
            is_strict,
        })
    }

    /// Promises room for a line, where lines are promised room.
    pub(crate) fn admits(&self) -> bool {
        if !self.is_strict {
            return true;
        }
        if self.state.is_failing.load(Ordering::Relaxed) {
            return false;
        }
        self.take_room()
    }

    /// Hands on a line, which gets its end here.
    pub(crate) fn write(&self, mut line: Vec<u8>, has_room: bool) {
        let has_room = has_room && self.is_strict;
        if !has_room && !self.take_room() {
            self.state.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        line.push(b'\n');
        if self.orders.try_send(Order::Line(line)).is_err() {
            self.state.waiting.fetch_sub(1, Ordering::Relaxed);
            self.state.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take_room(&self) -> bool {
        let room = |waiting: usize| (waiting < WAITING_MAX).then_some(waiting + 1);
        self.state
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room)
            .is_ok()
    }

    /// How many lines were lost.
    pub(crate) fn dropped(&self) -> u64 {
        self.state.dropped.load(Ordering::Relaxed)
    }

    /// Opens the file anew, after it was moved away.
    pub(crate) fn reopen(&self) {
        // A queue that is full of orders reopens soon enough.
        let _ = self.orders.try_send(Order::Reopen);
    }

    /// Waits until everything is written that was handed on, or the time is over.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let (done, flushed) = sync_channel(1);
        self.orders.try_send(Order::Flush(done)).is_ok() && flushed.recv_timeout(within).is_ok()
    }
}

/// The far end.
struct Writer {
    sink: Sink,
    out: Box<dyn Write + Send>,
    /// What is not written yet.
    buffer: Vec<u8>,
    /// How many lines of it are counted as waiting.
    lines: usize,
    state: Arc<State>,
    complained: Option<Instant>,
}

impl Writer {
    fn run(mut self, incoming: &Receiver<Order>) {
        loop {
            let order = if self.state.is_failing.load(Ordering::Relaxed) {
                if Arc::strong_count(&self.state) == 1 {
                    return;
                }
                // Orders wait: another line would be one more to keep.
                std::thread::sleep(PAUSE);
                self.write_out();
                continue;
            } else if self.buffer.is_empty() {
                match incoming.recv() {
                    Ok(order) => order,
                    Err(_) => return,
                }
            } else {
                match incoming.try_recv() {
                    Ok(order) => order,
                    Err(TryRecvError::Empty) => {
                        self.write_out();
                        continue;
                    }
                    Err(TryRecvError::Disconnected) => {
                        self.write_out();
                        return;
                    }
                }
            };
            match order {
                Order::Line(line) => {
                    self.buffer.extend_from_slice(&line);
                    self.lines += 1;
                    if self.buffer.len() >= BUFFER_BYTES_MAX {
                        self.write_out();
                    }
                }
                Order::Reopen => {
                    self.write_out();
                    self.reopen();
                }
                Order::Flush(done) => {
                    self.write_out();
                    let _ = done.try_send(());
                }
            }
        }
    }

    /// Writes what it can; the rest stays, to the byte.
    fn write_out(&mut self) {
        while !self.buffer.is_empty() {
            match self.out.write(&self.buffer) {
                Ok(0) => return self.fail(&io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.buffer.drain(..written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.fail(&error),
            }
        }
        if let Err(error) = self.out.flush() {
            return self.fail(&error);
        }
        self.state.waiting.fetch_sub(self.lines, Ordering::Relaxed);
        self.lines = 0;
        if self.state.is_failing.swap(false, Ordering::Relaxed) {
            self.complained = None;
            tracing::info!("lines are written again");
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.state.is_failing.store(true, Ordering::Relaxed);
        if self
            .complained
            .is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY)
        {
            self.complained = Some(Instant::now());
            tracing::error!(
                %error,
                dropped = self.state.dropped.load(Ordering::Relaxed),
                "lines of the audit log or of metrics cannot be written; they wait"
            );
        }
    }

    fn reopen(&mut self) {
        match open(&self.sink) {
            Ok(out) => self.out = out,
            Err(error) => tracing::error!(
                %error,
                "the file cannot be opened anew; lines go on into the old one"
            ),
        }
    }
}

/// Only the owner of the process reads what its callers did.
const MODE: u32 = 0o600;

fn open(sink: &Sink) -> io::Result<Box<dyn Write + Send>> {
    Ok(match sink {
        Sink::Stdout => Box::new(io::stdout()),
        Sink::File(path) => Box::new(append(path)?),
    })
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(MODE)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("wharf-lines-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_that_was_moved_is_opened_anew() {
        let folder = folder("moved");
        let (path, moved) = (folder.join("audit.jsonl"), folder.join("audit.1.jsonl"));
        let lines = Lines::start(Sink::File(path.clone()), false).unwrap();
        lines.write(b"one".to_vec(), false);
        assert!(lines.flush(PATIENCE));
        std::fs::rename(&path, &moved).unwrap();
        lines.write(b"two".to_vec(), false);
        lines.reopen();
        lines.write(b"three".to_vec(), false);
        assert!(lines.flush(PATIENCE));
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(lines.dropped(), 0);
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// Linux has a device that is always full.
    #[test]
    fn a_full_disk_drops_or_refuses() {
        let full = PathBuf::from("/dev/full");
        if !full.exists() {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let strict = Lines::start(Sink::File(full.clone()), true).unwrap();
        assert!(strict.admits());
        strict.write(b"one".to_vec(), true);
        while strict.admits() {
            assert!(Instant::now() < deadline, "a full disk was never noticed");
            strict.write(b"more".to_vec(), true);
            std::thread::yield_now();
        }

        let lenient = Lines::start(Sink::File(full), false).unwrap();
        while lenient.dropped() == 0 {
            assert!(Instant::now() < deadline, "the queue has no end");
            assert!(lenient.admits(), "a call never waits for the disk");
            lenient.write(b"one".to_vec(), true);
        }
    }
}
