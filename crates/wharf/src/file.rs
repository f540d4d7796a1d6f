//! Reading files that may be large.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread::Builder;

use crate::failure::Failure;

/// Smaller files are read by one thread.
const BYTES_FOR_THREAD: usize = 1 << 20;

/// Reads a file as far as it may be long: what is no file, or grows, does not matter then.
pub(crate) fn read(path: &Path, bytes_max: u64, hint: &str) -> Result<Vec<u8>, Failure> {
    let cannot = |reason: &dyn Display| {
        Failure::new(format!("cannot read `{}`: {reason}", path.display())).hint(hint)
    };
    // Before it is opened: that would wait for somebody who writes, where it is a pipe.
    let metadata = std::fs::metadata(path).map_err(|error| cannot(&error))?;
    if !metadata.is_file() {
        return Err(cannot(&"it is no file"));
    }
    let file = File::open(path).map_err(|error| cannot(&error))?;
    let too_long = || cannot(&format_args!("it has more than {bytes_max} bytes"));
    if metadata.len() > bytes_max {
        return Err(too_long());
    }
    let length = usize::try_from(metadata.len()).unwrap_or_default();
    if length >= BYTES_FOR_THREAD
        && let Ok(bytes) = in_halves(&file, length)
    {
        return Ok(bytes);
    }
    let mut bytes = Vec::with_capacity(length);
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(too_long());
    }
    Ok(bytes)
}

/// Reads a file by two threads: most of that time goes into memory that nobody used before.
fn in_halves(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let middle = length / 2;
    let (first, second) = bytes.split_at_mut(middle);
    std::thread::scope(|scope| {
        let second = Builder::new()
            .spawn_scoped(scope, move || file.read_exact_at(second, middle as u64))?;
        file.read_exact_at(first, 0)?;
        second.join().expect("reading does not panic")
    })?;
    match file.read_at(&mut [0], length as u64)? {
        0 => Ok(bytes),
        _ => Err(io::Error::other("it has grown meanwhile")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_whole_and_nothing_else_is() {
        let path = std::env::temp_dir().join(format!("wharf-halves-{}", std::process::id()));
        let text: Vec<u8> = (0..=250).cycle().take(1_001).collect();
        std::fs::write(&path, &text).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(in_halves(&file, text.len()).unwrap(), text);
        for other in [text.len() - 1, text.len() + 1] {
            assert!(in_halves(&file, other).is_err(), "{other}");
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_is_read_as_far_as_it_may_be_long() {
        let path = std::env::temp_dir().join(format!("wharf-long-{}", std::process::id()));
        let text = vec![b'x'; 2 * BYTES_FOR_THREAD + 1];
        std::fs::write(&path, &text).unwrap();
        let length = text.len() as u64;
        assert!(read(&path, length, "").unwrap() == text);
        assert!(read(&path, length - 1, "").is_err());
        std::fs::remove_file(path).unwrap();
    }
}
