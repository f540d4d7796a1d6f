//! Random bytes of the operating system, each time anew: a process may have been copied since the last.

use std::fmt::Write as _;

use ring::rand::{SecureRandom as _, SystemRandom};

pub(crate) fn fill(bytes: &mut [u8]) {
    SystemRandom::new()
        .fill(bytes)
        .expect("the operating system has randomness");
}

/// `N` bytes in hexadecimal digits.
pub(crate) fn hex<const N: usize>() -> String {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
