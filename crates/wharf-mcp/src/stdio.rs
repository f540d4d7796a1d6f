//! Stdio: one message per line, in both directions, for one client of either era.
//!
//! The era is chosen message by message, as over HTTP, and nothing latches: a client may probe with discovery, then shake
//! hands, and begin with a notification.

use std::io;
use std::pin::pin;
use std::time::Duration;

use ::http::HeaderMap;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use wharf_model::Caller;

use crate::body;
use crate::connection::Connection;
use crate::errors::WireError;
use crate::message::{Message, Shared};

/// How many messages are written at once.
const WRITTEN_AT_ONCE_MAX: usize = 64;
/// How much is read at once: a pipe's own size.
const READ_BYTES: usize = 64 << 10;

/// Serves until the input ends, the output breaks or the server closes.
pub(crate) async fn serve<R: AsyncRead, W: AsyncWrite>(
    server: &Shared,
    caller: &Caller,
    input: R,
    output: W,
) -> io::Result<()> {
    let (connection, queue) = Connection::new(server, caller.clone(), true);
    // Whoever waits for them has no others to expect.
    connection.tasks.close();
    let session = connection.session.clone();
    let limits = &server.settings.limits;
    let mut writing = pin!(write(queue, output));
    let reading = async {
        let mut reading = pin!(read(server, &connection, caller, input));
        let told = async {
            server.closing.cancelled().await;
            // Calls may still answer, and be answered and cancelled; others are refused.
            connection.session.begin_news().cancel();
            let _ = tokio::time::timeout(limits.grace, connection.tasks.wait()).await;
        };
        let (read, time) = tokio::select! {
            read = &mut reading => {
                connection.hung_up.cancel();
                (read, limits.drain)
            }
            () = told => (Ok(()), Duration::ZERO),
        };
        // News end at once; calls may still answer.
        connection.session.begin_news().cancel();
        let drained = tokio::time::timeout(time, connection.tasks.wait());
        if drained.await.is_err() {
            tracing::warn!("calls were still in flight when their time ended; they are cancelled");
        }
        read
    };
    let outcome = tokio::select! {
        // The client reads no more, so there is nobody to serve.
        written = &mut writing => Err(written),
        read = reading => Ok(read),
    };
    session.ended.cancel();
    let tasks = connection.tasks.clone();
    drop(connection);
    match outcome {
        Ok(read) => {
            // The queue closes when the last cancelled call has let go of it.
            let written = tokio::time::timeout(limits.drain, writing).await;
            read.and(written.unwrap_or(Ok(())))
        }
        Err(written) => {
            // What is cancelled says so as it ends, and nobody would hear it later.
            let _ = tokio::time::timeout(limits.drain, tasks.wait()).await;
            written
        }
    }
}

async fn read<R: AsyncRead>(
    server: &Shared,
    connection: &Connection,
    caller: &Caller,
    input: R,
) -> io::Result<()> {
    let mut input = pin!(BufReader::with_capacity(READ_BYTES, input));
    let limits = &server.settings.limits;
    while let Some(line) = next_line(&mut input, limits.body_bytes_max).await? {
        let text = match line {
            Line::Whole(bytes) if bytes.trim_ascii().is_empty() => continue,
            Line::Whole(bytes) => body::text(bytes, limits),
            Line::TooLong => Err(body::too_long(limits.body_bytes_max)),
        };
        match text {
            Ok(text) => {
                connection
                    .accept(&text, caller.clone(), HeaderMap::new())
                    .await;
            }
            Err(error) => complain(connection, &error).await,
        }
    }
    Ok(())
}

async fn complain(connection: &Connection, error: &WireError) {
    tracing::debug!(code = error.code, "a line could not be read");
    connection.complain(error).await;
}

enum Line {
    Whole(Bytes),
    TooLong,
}

/// The next line without its end; a long one is skipped, not collected. None at the end of the input.
async fn next_line(
    input: &mut (impl AsyncBufRead + Unpin),
    max: usize,
) -> io::Result<Option<Line>> {
    let mut line = BytesMut::new();
    let mut is_too_long = false;
    loop {
        let available = input.fill_buf().await?;
        if available.is_empty() {
            let is_over = line.is_empty() && !is_too_long;
            return Ok((!is_over).then(|| end_of(line, is_too_long)));
        }
        let end = memchr::memchr(b'\n', available);
        let piece = &available[..end.unwrap_or(available.len())];
        if line.len() + piece.len() > max {
            is_too_long = true;
            line.clear();
        } else if !is_too_long {
            line.extend_from_slice(piece);
        }
        let consumed = piece.len() + usize::from(end.is_some());
        input.consume(consumed);
        if end.is_some() {
            return Ok(Some(end_of(line, is_too_long)));
        }
    }
}

fn end_of(line: BytesMut, is_too_long: bool) -> Line {
    if is_too_long {
        Line::TooLong
    } else {
        Line::Whole(line.freeze())
    }
}

/// Writes what comes, as much at once as is there.
async fn write<W: AsyncWrite>(mut queue: mpsc::Receiver<Message>, output: W) -> io::Result<()> {
    let mut output = pin!(output);
    let mut messages = Vec::with_capacity(WRITTEN_AT_ONCE_MAX);
    let mut bytes = Vec::new();
    while queue.recv_many(&mut messages, WRITTEN_AT_ONCE_MAX).await > 0 {
        bytes.clear();
        for message in messages.drain(..) {
            message.append_to(&mut bytes);
            bytes.push(b'\n');
        }
        output.write_all(&bytes).await?;
        output.flush().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_split_and_long_ones_skipped() {
        let text = format!("a\r\n\n{}\nb\nlast", "x".repeat(200));
        for capacity in [1, 7, 1024] {
            let mut input = BufReader::with_capacity(capacity, text.as_bytes());
            let mut lines = Vec::new();
            while let Some(line) = next_line(&mut input, 100).await.unwrap() {
                lines.push(match line {
                    Line::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                    Line::TooLong => "too long".to_owned(),
                });
            }
            assert_eq!(lines, ["a\r", "", "too long", "b", "last"], "{capacity}");
        }
    }
}
