//! What is measured: a program of its own, so that its processor time is its own.

use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

const START_MAX: Duration = Duration::from_secs(10);
/// Short against the start-up of anything: some milliseconds.
const POLL: Duration = Duration::from_micros(500);
/// Enough for the reason why a server does not start.
const WORDS_BYTES_MAX: usize = 4 * 1024;
/// Linux counts processor time for programs in hundredths of a second, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// A running server. It ends when this is dropped.
pub struct Subject {
    /// What the report calls it.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
}

impl Subject {
    /// Starts `program` with the arguments that `arguments` makes for a free address, and waits until it listens there.
    pub async fn start(
        name: &'static str,
        program: &OsStr,
        arguments: impl FnOnce(SocketAddr) -> Vec<String>,
    ) -> io::Result<Self> {
        let address = free_address()?;
        let process = Command::new(program)
            .args(arguments(address))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut subject = Self {
            name,
            address,
            process,
        };
        let words = subject.process.stderr.take().map(listen_to);
        match (subject.wait_until_up().await, words) {
            (Ok(()), _) => Ok(subject),
            (Err(error), None) => Err(error),
            (Err(error), Some(words)) => {
                subject.process.start_kill()?;
                let words = words.await.unwrap_or_default();
                Err(io::Error::other(format!("{error}\n{words}")))
            }
        }
    }

    /// The processor time that it has taken so far; none where the system does not tell.
    pub fn processor_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()?)).ok()?;
        // The second field is the program's name in parentheses and may hold anything; `utime` and `stime` are the
        // fields 14 and 15, the twelfth and thirteenth behind it.
        let (_, fields) = stat.rsplit_once(") ")?;
        let ticks: u32 = fields
            .split(' ')
            .skip(11)
            .take(2)
            .map(str::parse::<u32>)
            .sum::<Result<_, _>>()
            .ok()?;
        Some(TICK * ticks)
    }

    /// The memory that it holds now and the most that it has held, in megabytes; none where the system does not tell.
    pub fn memory(&self) -> Option<(f64, f64)> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id()?)).ok()?;
        let megabytes = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(kilobytes / 1024.0)
        };
        Some((megabytes("VmRSS:")?, megabytes("VmHWM:")?))
    }

    async fn wait_until_up(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = self.process.try_wait()? {
                return Err(io::Error::other(format!("`{}` ended: {status}", self.name)));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!(
                    "`{}` does not listen on {} after {START_MAX:?}",
                    self.name, self.address
                )));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

/// Reads a server's messages to their end, for a full pipe would hold it up; gives the first of them.
fn listen_to(mut messages: ChildStderr) -> JoinHandle<String> {
    tokio::spawn(async move {
        let mut words = Vec::new();
        let mut chunk = [0; 1024];
        while let Ok(read @ 1..) = messages.read(&mut chunk).await {
            if words.len() < WORDS_BYTES_MAX {
                words.extend_from_slice(&chunk[..read]);
            }
        }
        String::from_utf8_lossy(&words).into_owned()
    })
}

/// An address that was free a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
