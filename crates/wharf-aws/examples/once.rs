//! Tries to write one key from many tasks at once, and prints how many were told that they were the first.
//!
//! usage: `once TABLE KEY NAME=VALUE…`, where the pairs are the environment that AWS's keys are found in

#![expect(clippy::print_stdout, reason = "its answer")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use wharf_aws::{Client, dynamodb};
use wharf_upstream::Environment;

const WRITERS: usize = 12;

struct Given(Vec<String>);

impl Environment for Given {
    fn variable(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter().filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    fn file(&self, path: &Path) -> Result<Option<String>, String> {
        std::fs::read_to_string(path)
            .map(Some)
            .map_err(|error| error.to_string())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(table), Some(key)) = (words.next(), words.next()) else {
        return Err("usage: once TABLE KEY NAME=VALUE…".into());
    };
    let client = Client::new(dynamodb::SERVICE, &Given(words.collect()), None)?;
    let mut writing = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (client, table, key) = (client.clone(), table.clone(), key.clone());
        writing.spawn(async move {
            dynamodb::put_if_absent(&client, &table, &key, Duration::from_secs(60)).await
        });
    }
    let mut first = 0;
    for outcome in writing.join_all().await {
        first += usize::from(outcome?);
    }
    println!("{first}");
    Ok(())
}
