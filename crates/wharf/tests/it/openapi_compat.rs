//! `wharf openapi` as the users of awslabs' server start it: the binary, variables, and a client.

mod calls;
mod harness;
mod offered;
mod start;
