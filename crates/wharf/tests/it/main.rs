//! The built binary, tried as its user would.

mod bad_input;
mod commands;
mod documentation;
mod endurance;
mod process;
mod reload;
