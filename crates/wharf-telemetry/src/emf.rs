//! Records from which Amazon CloudWatch makes metrics:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! One for each call of a tool, so that no number waits in a process that may be frozen before it is told. Three metrics and
//! two dimensions, where a record may have a hundred and thirty.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use wharf_model::{Ending, Operation};

use crate::audit::millis;
use crate::config::Emf;

/// The record of a call; none for what is no call of a tool.
pub(crate) fn of_operation(emf: &Emf, service: &str, operation: &Operation<'_>) -> Option<Vec<u8>> {
    let tool = operation.tool?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let is_error = operation.ending != Ending::Ok;
    let record = json!({
        "_aws": {
            "Timestamp": u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX),
            "CloudWatchMetrics": [{
                "Namespace": emf.namespace,
                "Dimensions": [["Service", "Tool"], ["Service"]],
                "Metrics": [
                    {"Name": "Calls", "Unit": "Count"},
                    {"Name": "Errors", "Unit": "Count"},
                    {"Name": "Duration", "Unit": "Milliseconds"},
                ],
            }],
        },
        "Service": service,
        "Tool": tool,
        "Calls": 1,
        "Errors": u8::from(is_error),
        "Duration": millis(operation.took),
        "outcome": operation.ending.as_str(),
        "request_id": operation.trail.request_id,
    });
    serde_json::to_vec(&record).ok()
}
